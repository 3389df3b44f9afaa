"""Which devices a pulse reaches, and which of them switch: one slice of lanes, on bit-planes."""

from collections.abc import Sequence
from typing import NamedTuple

from amaranth.hdl import Module, Value

from golden.array.synapse_array import ArrayParameters
from golden.config import MachineConfig
from hdl.array.slices import Slices
from hdl.lib.chains import at_most
from hdl.lib.planes import Planes, any_of, wire
from hdl.tables import switching_table


class Attempt(NamedTuple):
    """Outcome of a pulse in the last stage of a slice.

    Attributes
    ----------
    pulses, flips : list of Value
        Per device, the lanes in which it is pulsed, and in which it switches.
    codes : list of Value
        Planes of the width codes.
    """

    pulses: list[Value]
    flips: list[Value]
    codes: list[Value]


class PulsedLanes(NamedTuple):
    """A pulse on a slice, and what meets it there.

    Attributes
    ----------
    states : sequence of Value
        Per device, its state in every lane of the slice, as all that follows.
    increase : Value
        Polarity.
    codes : planes
        Width codes.
    device_bins : planes
        Device bins, of device 0 first; none where all are alike.
    stuck : sequence of Value
        Per device, the lanes in which it is stuck; none where no device is.
    words : sequence of planes
        Random words in the last stage, one per device or one for both.
    """

    states: Sequence[Value]
    increase: Value
    codes: Planes
    device_bins: Planes
    stuck: Sequence[Value]
    words: Sequence[Planes]


def attempt(m: Module, config: MachineConfig, slices: Slices, pulse: PulsedLanes, table: Value | None) -> Attempt:
    """Pulse a slice.

    Parameters
    ----------
    m : Module
        Where the logic goes.
    config : MachineConfig
        The machine.
    slices : Slices
        The stages.
    pulse : PulsedLanes
        The pulse.
    table : Value or None
        The switching table where it can be loaded.
    """
    states, increase, codes, device_bins, stuck, words = pulse
    devices = len(states)
    pulses = _pulsed(m, config.array, states, increase, any_of(codes, len(increase)))
    # a pulse on R1 drives it to P when the weight shall increase, a pulse on R2 to AP
    targets = [increase, ~increase][:devices]
    of_device = [
        device_bins[at * len(device_bins) // devices : (at + 1) * len(device_bins) // devices] for at in range(devices)
    ]
    directions = targets
    if len(words) < devices:
        # with one draw per lane, it is for whichever device is pulsed
        directions = [any_of([pulsed & target for pulsed, target in zip(pulses, targets, strict=True)], len(increase))]
        of_device = [[(pulses[-1] & b) | (~pulses[-1] & a) for a, b in zip(*of_device, strict=True)]]
    switches = []
    for i, (word, direction, device_bin) in enumerate(zip(words, directions, of_device, strict=True)):
        entries = switching_table(m, f"threshold{i}", codes, direction, config.switching, device_bin, table)
        entries = [slices.compared(f"threshold{i}_{bit}", plane) for bit, plane in enumerate(entries)]
        switches.append(at_most(m, f"switch{i}", list(word), entries, adders=config.array.adders))
    flips = []
    for i, (state, pulsed, target) in enumerate(zip(states, pulses, targets, strict=True)):
        may = pulsed & (state ^ target)
        may = slices.compared(f"may{i}", may & ~stuck[i] if stuck else may)
        flips.append(wire(m, f"flip_{i}", may & switches[min(i, len(switches) - 1)]))
    return Attempt(
        [slices.compared(f"pulsed_{i}", pulsed) for i, pulsed in enumerate(pulses)],
        flips,
        [slices.compared(f"code{bit}", plane) for bit, plane in enumerate(codes)],
    )


def _pulsed(
    m: Module, parameters: ArrayParameters, states: Sequence[Value], increase: Value, active: Value
) -> list[Value]:
    """Devices that a pulse reaches: one vector per device, one bit per lane."""
    if parameters.scheme == "blind":
        return [wire(m, f"pulsed_{i}", active) for i in range(len(states))]
    if len(states) == 1:
        return [wire(m, "pulsed_0", active & (states[0] ^ increase))]
    # the device that can go antiparallel first: the step then ends in the weak zero, which conducts least
    r1, r2 = states
    neither = ~r1 & ~r2
    return [
        wire(m, "pulsed_0", active & ((increase & neither) | (~increase & r1))),
        wire(m, "pulsed_1", active & ((increase & r2) | (~increase & neither))),
    ]
