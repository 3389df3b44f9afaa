"""The framer says what docs/bus.md says of every word."""

import pytest

from golden.bus.errors import Error
from golden.bus.framer import Framer

GROUPS, CLASSES = 3, 5


def _check(words: list[tuple[int, bool]], load: int = 0) -> Error | None:
    """Pass words on until one is at fault."""
    framer = Framer(GROUPS, CLASSES)
    for word, last in words:
        fault = framer.fault(word, last, load)
        if fault is not None:
            return fault
        framer.packet.append(word)
    return None


@pytest.mark.parametrize("length", range(1, 7))
@pytest.mark.parametrize("ends", [True, False])
def test_samples(length: int, ends: bool) -> None:
    """A sample has its words of trits and then its label; it ends there and nowhere else."""
    words = [(0, False)] * (length - 1) + [(1, ends)]
    expected = None
    if length > GROUPS or (length == GROUPS + 1 and not ends):
        expected = None if length == GROUPS + 1 and ends else Error.LONG
    elif ends:
        expected = Error.SHORT
    assert _check(words) is expected


@pytest.mark.parametrize("label", range(8))
def test_labels(label: int) -> None:
    """A label is a class; a word of trits is anything."""
    assert _check([(7, False)] * GROUPS + [(label, True)]) is (None if label < CLASSES else Error.LABEL)


@pytest.mark.parametrize("load", [1, 2, 9])
def test_loads(load: int) -> None:
    """A load ends on its last word; its words are anything."""
    whole = [(7, False)] * (load - 1)
    assert _check([*whole, (7, True)], load) is None
    assert _check([*whole, (7, False)], load) is Error.LONG
    if load > 1:
        assert _check([*whole[1:], (7, True)], load) is Error.SHORT
