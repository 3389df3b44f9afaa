"""The golden register bank on a small map, rule by rule."""

import re
from dataclasses import replace
from typing import Any

import pytest

from golden.bus.register_bank import Answer, RegisterBank, Request
from golden.bus.register_map import Field, Kind, Register, RegisterMap

_ERRORS = tuple(Field(name, lsb, 1, Kind.EVENT) for name, lsb in (("MINE", 3), ("UNMAPPED", 13), ("READ_ONLY", 14)))
_MAP = RegisterMap(
    (
        Register("ID", 0x00, 32, (Field("VALUE", 4, 8, Kind.CONSTANT, reset=0xA5),)),
        Register("NUMBER", 0x08, 64, (Field("VALUE", 0, 64, Kind.STATUS),)),
        Register(
            "CONTROL",
            0x10,
            32,
            (
                Field("GO", 0, 1, Kind.PULSE),
                Field("LEVEL", 4, 12, Kind.SETTING, reset=0x123),
                Field("END", 31, 1, Kind.PULSE),
            ),
        ),
        Register("ERROR", 0x14, 32, _ERRORS),
        Register("INTERRUPT", 0x18, 32, (Field("DONE", 0, 1, Kind.EVENT), Field("ERROR", 1, 1, Kind.STATUS))),
        Register("UPDATE_SHIFT", 0x20, 32, (Field("VALUE", 0, 6, Kind.SETTING, reset=9),), count=3, stride=4),
        Register("ONE", 0x40, 64, (Field("VALUE", 0, 48, Kind.STATUS),), buffered=True),
        Register("TWO", 0x48, 64, (Field("VALUE", 0, 48, Kind.STATUS),), buffered=True),
    )
)


def _bank() -> RegisterBank:
    return RegisterBank(_MAP)


def test_names() -> None:
    """Ports are called register_field, or register where the only field is VALUE."""
    assert [register.port(part) for register, part in _MAP.fields()] == [
        *("id", "number", "control_go", "control_level", "control_end"),
        *("error_mine", "error_unmapped", "error_read_only"),
        *("interrupt_done", "interrupt_error", "update_shift", "one", "two"),
    ]
    bank = _bank()
    assert bank.inputs.keys() == {"number", "interrupt_error", "one", "two"}
    assert _MAP["UPDATE_SHIFT"].address == 0x20
    with pytest.raises(KeyError):
        _MAP["UPDATE_SHIFTS"]


def test_places() -> None:
    """Every word of every register, and of every element of an array."""
    assert [(at, place.register.name, place.index, place.word) for at, place in _MAP.places.items()] == [
        *((0x00, "ID", 0, 0), (0x08, "NUMBER", 0, 0), (0x0C, "NUMBER", 0, 1)),
        *((0x10, "CONTROL", 0, 0), (0x14, "ERROR", 0, 0), (0x18, "INTERRUPT", 0, 0)),
        *((0x20, "UPDATE_SHIFT", 0, 0), (0x24, "UPDATE_SHIFT", 1, 0), (0x28, "UPDATE_SHIFT", 2, 0)),
        *((0x40, "ONE", 0, 0), (0x44, "ONE", 0, 1), (0x48, "TWO", 0, 0), (0x4C, "TWO", 0, 1)),
    ]


def test_reset_values() -> None:
    """Constants and reset values; other bits read 0."""
    bank = _bank()
    expected = {0x00: 0xA50, 0x10: 0x1230, 0x20: 9, 0x24: 9, 0x28: 9}
    assert {at: bank.read(at).data for at in _MAP.places} == {at: expected.get(at, 0) for at in _MAP.places}
    bank.write(0x10, 0)
    bank.write(0x24, 63)
    bank.step(events=("error_mine",))
    bank.step(clear=True)
    assert bank.state == _bank().state


@pytest.mark.parametrize("strobes", range(16))
def test_strobes(strobes: int) -> None:
    """Bytes without a strobe keep their bits, of a field of two bytes as well; pulses and events need theirs."""
    bank = _bank()
    bank.write(0x10, 0x5670)
    low, high = strobes & 1, strobes >> 1 & 1
    answer = bank.write(0x10, 0xFFFFABCF, strobes)
    level = (0xAB0 if high else 0x560) | (0xC if low else 0x7)
    assert bank.outputs["control_level"] == [level]
    assert bank.read(0x10).data == level << 4
    assert answer == Answer(pulses=("control_go",) * low + ("control_end",) * (strobes >> 3))
    bank.step(events=("error_mine", "error_unmapped"))
    bank.write(0x14, 0xFFFFFFFF, strobes)
    assert bank.read(0x14).data == (0 if low else 1 << 3) | (0 if high else 1 << 13)


def test_array() -> None:
    """Elements are written alone, and cut to their width."""
    bank = _bank()
    bank.write(0x24, 0xFFFFFFD5)
    assert bank.outputs["update_shift"] == [9, 0x15, 9]
    assert [bank.read(at).data for at in (0x20, 0x24, 0x28)] == [9, 0x15, 9]


def test_status() -> None:
    """What hardware gives is read as it is, both words at any time."""
    bank = _bank()
    bank.inputs["number"] = 0x0123_4567_89AB_CDEF
    assert [bank.read(at).data for at in (0x0C, 0x08, 0x0C)] == [0x0123_4567, 0x89AB_CDEF, 0x0123_4567]


def test_counters() -> None:
    """The high word is that of the moment at which the low word was read, of whichever counter that was."""
    bank = _bank()
    bank.inputs |= {"one": 0xAAAA_FFFF_FFFF, "two": 0xBBBB_0000_0002}
    assert bank.read(0x44).data == 0
    assert bank.read(0x40).data == 0xFFFF_FFFF
    bank.inputs["one"] += 1
    assert [bank.read(at).data for at in (0x44, 0x4C, 0x44)] == [0xAAAA] * 3
    assert bank.write(0x48, 0).refusal == "read_only"
    assert bank.read(0x51).refusal == "unmapped"
    assert bank.read(0x4C).data == 0xAAAA
    assert [bank.read(at).data for at in (0x48, 0x44)] == [2, 0xBBBB]


def test_events() -> None:
    """Set by hardware, kept, cleared by 1 alone; what hardware sets in the cycle of the clear stays."""
    bank = _bank()
    bank.step(events=("interrupt_done",))
    for written, kept in ((0, 1), (2, 1), (1, 0)):
        bank.write(0x18, written)
        assert bank.read(0x18).data == kept
    clearing = Request(0x18, True, 1)
    for _ in range(2):
        bank.step(clearing, events=("interrupt_done",))
        assert bank.outputs["interrupt_done"] == [1]
    # a read in the cycle of the event is the earlier one
    bank.step(clearing)
    answer = bank.step(Request(0x18), events=("interrupt_done",))
    assert answer == Answer(0)
    assert bank.read(0x18).data == 1


def test_clear() -> None:
    """The return to reset values wins over the access and over hardware; a refusal says so all the same."""
    bank = _bank()
    bank.inputs["one"] = 5 << 32
    bank.read(0x40)
    answer = bank.step(Request(0x10, True, 0xFFFFFFFF), events=("error_mine",), clear=True)
    assert answer == Answer()
    assert bank.state == _bank().state
    assert bank.read(0x44).data == 0
    assert bank.step(Request(4), clear=True) == Answer(0, "unmapped", ("unmapped",))
    assert bank.step(clear=True) is None


def test_refusals() -> None:
    """All 1024 addresses, whose words decide; nothing is changed but the bit of ERROR; reads give 0."""
    bank = _bank()
    bit = {"unmapped": 1 << 13, "read_only": 1 << 14}
    writable = {0x10, 0x14, 0x18, 0x20, 0x24, 0x28}
    for address in range(1 << 10):
        for write in (False, True):
            refusal = ""
            if address // 4 * 4 not in _MAP.places:
                refusal = "unmapped"
            elif write and address // 4 * 4 not in writable:
                refusal = "read_only"
            before = bank.state
            answer = bank.access(Request(address, write, 0xFFFFFFFF, 0 if not refusal else 15))
            assert answer.refusal == refusal
            if refusal:
                assert answer == Answer(0, refusal, (refusal,))
                assert bank.read(0x14).data == bit[refusal]
                assert bank.read(0x18).data == 2
                bank.write(0x14, 0xFFFFFFFF)
            assert bank.state == before
            assert bank.read(0x18).data == 0


@pytest.mark.parametrize("address", [0x00, 0x04, 0x08, 0x10, 0x15, 0x3FF])
def test_writes_of_no_byte(address: int) -> None:
    """They are answered OKAY and do nothing, whatever is there: converters of width make them beside a write."""
    bank = _bank()
    before = bank.state
    assert bank.access(Request(address, True, 0xFFFFFFFF, 0)) == Answer()
    assert bank.state == before


def test_narrow_accesses() -> None:
    """The two low bits of an address choose nothing: a read is of the whole word, strobes say what is written."""
    bank = _bank()
    bank.inputs["one"] = 0x1234_5678_9ABC
    for low in range(4):
        assert bank.read(0x10 + low) == Answer(0x1230)
        assert bank.read(0x40 + low).data == 0x5678_9ABC
        assert bank.read(0x44 + low).data == 0x1234
    assert bank.write(0x11, 0x0000_4500, 0b0010) == Answer()
    assert bank.read(0x13) == Answer(0x4530)
    assert bank.write(0x13, 0x8000_0000, 0b1000) == Answer(pulses=("control_end",))


def test_copies() -> None:
    """A copy starts in the same state and goes its own way."""
    bank = _bank()
    bank.inputs["one"] = 7 << 32
    bank.read(0x40)
    bank.write(0x20, 1)
    other = bank.copy()
    assert other.state == bank.state
    assert other.read(0x44).data == 7
    other.write(0x20, 2)
    other.inputs["one"] = 8
    assert (bank.read(0x20).data, bank.read(0x40).data) == (1, 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fields": (Field("A", 31, 2, Kind.STATUS),)}, "R.A does not fit its register"),
        ({"fields": (Field("A", 0, 2, Kind.STATUS), Field("B", 1, 1, Kind.STATUS))}, "R.B does not fit its register"),
        ({"fields": (Field("A", 0, 2, Kind.SETTING, reset=4),)}, "R.A has a reset value of more than 2 bits"),
        ({"count": 2, "stride": 4}, "R.A: only settings can be in an array"),
        ({"width": 64, "fields": (Field("A", 0, 2, Kind.SETTING),)}, "R.A: what is written fits one word"),
        ({"fields": (Field("A", 0, 2, Kind.PULSE),)}, "R.A: a pulse or an event is one bit"),
        ({"buffered": True}, "R: a counter is one number that hardware gives, of more than one word"),
    ],
)
def test_bad_registers(change: dict[str, Any], message: str) -> None:
    """Messages name register and field."""
    register = Register("R", 0, 32, (Field("A", 0, 2, Kind.STATUS),))
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        replace(register, **change)


def test_bad_maps() -> None:
    """Overlaps, addresses that no register can have, and names that mean two things."""

    def register(name: str, address: int, **others: Any) -> Register:
        return Register(name, address, 32, (Field("VALUE", 0, 2, Kind.SETTING),), **others)

    def counter(name: str, address: int, width: int = 48) -> Register:
        return Register(name, address, 64, (Field("VALUE", 0, width, Kind.STATUS),), buffered=True)

    for registers, message in (
        ((register("A", 4), register("B", 4)), "registers overlap"),
        ((register("A", 4, count=3, stride=4), register("B", 12)), "registers overlap"),
        ((register("A", 6),), "there cannot be a register at 0x6"),
        ((register("A", 0x3FC, count=2, stride=4),), "there cannot be a register at 0x400"),
        ((counter("A", 0x40), counter("B", 0x50)), "B: counters follow one another and are of one width"),
        ((counter("A", 0x40), counter("B", 0x48, 40)), "B: counters follow one another and are of one width"),
        ((register("A", 0), register("A", 4)), "two ports are called a"),
        ((register("A", 0), Register("A", 4, 32, (Field("X", 0, 1, Kind.EVENT),))), "two ports are called a"),
    ):
        with pytest.raises(ValueError, match=f"^{message}$"):
            RegisterMap(registers)
