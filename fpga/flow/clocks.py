"""Clocks of a board: what its PLL makes of the oscillator, and the instance that does it."""

from collections.abc import Iterator
from dataclasses import dataclass

from amaranth.hdl import Const, Instance, IOValue, Signal, Value


class ClockError(ValueError):
    """No setting of the PLL gives the clock; the message is one line."""


@dataclass(frozen=True)
class Setting:
    """Setting of a PLL.

    Attributes
    ----------
    mhz : float
        The clock that comes out.
    dividers : dict of str to int
        Parameters of the instance.
    """

    mhz: float
    dividers: dict[str, int]


def setting(family: str, source_mhz: float, target_mhz: float) -> Setting:
    """Find the setting that comes closest to a clock, from below or exactly.

    Parameters
    ----------
    family : str
        ``ice40``, ``ecp5`` or ``gowin``.
    source_mhz : float
        Oscillator of the board.
    target_mhz : float
        Wanted clock.

    Returns
    -------
    Setting
        The first of equally good ones, by ascending dividers.

    Raises
    ------
    ClockError
        If every clock in range is more than 2 % away.
    """
    found = [s for s in _SETTINGS[family](source_mhz) if s.mhz <= target_mhz * (1 + 1e-9)]
    best = max(found, key=lambda s: s.mhz, default=None)
    if best is None or best.mhz < 0.98 * target_mhz:
        raise ClockError(f"no setting of the {family} PLL makes {target_mhz:g} MHz of {source_mhz:g} MHz")
    return best


def _ice40(source: float) -> Iterator[Setting]:
    """SB_PLL40 in its simple feedback: f = source (DIVF + 1) / ((DIVR + 1) 2^DIVQ), ranges of its data sheet."""
    for reference in range(16):
        compared = source / (reference + 1)
        if not 10 <= compared <= 133:
            continue
        for feedback in range(128):
            for power in range(1, 7):
                oscillator = compared * (feedback + 1)
                if 533 <= oscillator <= 1066 and 16 <= oscillator / 2**power <= 275:
                    yield Setting(
                        oscillator / 2**power,
                        {"DIVR": reference, "DIVF": feedback, "DIVQ": power, "FILTER_RANGE": _filter(compared)},
                    )


def _filter(compared: float) -> int:
    """Loop filter of SB_PLL40 for a frequency at the phase detector, as icepll chooses it."""
    return next((code for code, limit in enumerate((17, 26, 44, 66, 101), 1) if compared < limit), 6)


def _ecp5(source: float) -> Iterator[Setting]:
    """EHXPLLL, feedback from CLKOP, the machine's clock from CLKOS: both divide the oscillator, each by its own.

    CLKOP runs as fast as the phase detector times CLKFB_DIV, of which 1 is enough.
    """
    for reference in range(1, 129):
        compared = source / reference
        if not 10 <= compared <= 400:
            continue
        for feedback in range(1, 129):
            oscillator = compared * feedback
            if not 400 <= oscillator <= 800:
                continue
            for output in range(1, 129):
                if 3.125 <= oscillator / output <= 400:
                    yield Setting(
                        oscillator / output, {"CLKI_DIV": reference, "CLKOP_DIV": feedback, "CLKOS_DIV": output}
                    )


def _gowin(source: float) -> Iterator[Setting]:
    """RPLL of GW1N: f = source (FBDIV_SEL + 1) / (IDIV_SEL + 1); the oscillator runs ODIV_SEL times as fast."""
    for reference in range(64):
        if not 3 <= source / (reference + 1) <= 400:
            continue
        for feedback in range(64):
            clock = source * (feedback + 1) / (reference + 1)
            for output in (2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128):
                if 400 <= clock * output <= 1200:
                    yield Setting(clock, {"FBDIV_SEL": feedback, "IDIV_SEL": reference, "ODIV_SEL": output})
                    break


_SETTINGS = {"ice40": _ice40, "ecp5": _ecp5, "gowin": _gowin}


def pll(
    family: str, made: Setting, source: Value | IOValue, source_mhz: float, clock: Value, locked: Value
) -> Instance:
    """Make the PLL.

    Parameters
    ----------
    family : str
        As for `setting`.
    made : Setting
        Its setting.
    source : Value or IOValue
        Clock that goes in; the pad itself on iCE40, where it lies beside the PLL.
    source_mhz : float
        Its frequency.
    clock, locked : Value
        What comes out.

    Returns
    -------
    Instance
        To become a submodule.
    """
    parameters = {f"p_{name}": value for name, value in made.dividers.items()}
    if family == "ice40":
        widths = {"p_DIVR": 4, "p_DIVF": 7, "p_DIVQ": 3, "p_FILTER_RANGE": 3}
        return Instance(
            "SB_PLL40_PAD",
            **{name: Const(value, widths[name]) for name, value in parameters.items()},
            p_FEEDBACK_PATH="SIMPLE",
            i_PACKAGEPIN=source,
            i_RESETB=Const(1),
            i_BYPASS=Const(0),
            o_PLLOUTGLOBAL=clock,
            o_LOCK=locked,
        )
    if family == "ecp5":
        feedback = Signal(name="feedback")
        # phases, in periods of the oscillator, that put the edge of CLKOP where the feedback expects it
        return Instance(
            "EHXPLLL",
            **parameters,
            p_CLKFB_DIV=1,
            p_FEEDBK_PATH="CLKOP",
            p_CLKOP_ENABLE="ENABLED",
            p_CLKOP_CPHASE=made.dividers["CLKOP_DIV"] - 1,
            p_CLKOP_FPHASE=0,
            p_CLKOS_ENABLE="ENABLED",
            p_CLKOS_CPHASE=made.dividers["CLKOP_DIV"] - 1,
            p_CLKOS_FPHASE=0,
            a_FREQUENCY_PIN_CLKI=f"{source_mhz:g}",
            a_FREQUENCY_PIN_CLKOS=f"{made.mhz:g}",
            a_ICP_CURRENT="12",
            a_LPF_RESISTOR="8",
            i_CLKI=source,
            i_CLKFB=feedback,
            i_RST=Const(0),
            i_STDBY=Const(0),
            i_ENCLKOP=Const(1),
            i_ENCLKOS=Const(1),
            o_CLKOP=feedback,
            o_CLKOS=clock,
            o_LOCK=locked,
        )
    off = {name: Const(0, width) for name, width in _GOWIN_OFF.items()}
    return Instance(
        "rPLL",
        **parameters,
        p_DEVICE="GW1NR-9C",
        p_FCLKIN=f"{source_mhz:g}",
        p_DYN_IDIV_SEL="false",
        p_DYN_FBDIV_SEL="false",
        p_DYN_ODIV_SEL="false",
        p_CLKFB_SEL="internal",
        p_CLKOUT_BYPASS="false",
        **off,
        i_CLKIN=source,
        o_CLKOUT=clock,
        o_LOCK=locked,
    )


#: Inputs of rPLL that are not used.
_GOWIN_OFF = {
    "i_CLKFB": 1,
    "i_RESET": 1,
    "i_RESET_P": 1,
    "i_FBDSEL": 6,
    "i_IDSEL": 6,
    "i_ODSEL": 6,
    "i_DUTYDA": 4,
    "i_PSDA": 4,
    "i_FDLY": 4,
}
