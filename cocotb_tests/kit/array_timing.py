"""When the array takes commands, by docs/contract.md: how long each keeps others out, and waits itself."""

from golden import cycles
from golden.array.synapse_array import ArrayParameters

#: Cycles that a row is not free after a write to it.
HAZARD = 2
#: Commands after which a row is not free, and those that take all slices.
CHANGING = ("PULSE", "INIT_RANDOM", "WRITE")
SLICED = (*CHANGING, "READ")


class ArrayTiming:
    """The cycles of one command after the other.

    Parameters
    ----------
    array : ArrayParameters
        The array.

    Attributes
    ----------
    free : int
        First cycle in which the next command can be taken.
    """

    def __init__(self, array: ArrayParameters) -> None:
        self._stages, self._writing = array.stages, cycles.array_writing(array.slices, array.stages)
        # when a row has its new states
        self._changed: dict[int, int] = {}
        self.free = 0

    def take(self, cycle: int, op: str, row: int) -> int:
        """Take a command in a cycle, `free` or later; give the cycle in which it begins its way."""
        begun = max(cycle, self._changed.get(row, 0))
        self.free = begun + (self._writing if op in SLICED else 1)
        if self._stages > 2:
            # it might have waited
            self.free = max(self.free, *(at + 1 for at in self._changed.values() if cycle < at), 0)
        if op in CHANGING:
            self._changed[row] = begun + self._writing + HAZARD
        return begun

    def latency(self, op: str, least: int) -> int:
        """Cycles from that to the answer: `least` of a command that does not take all slices."""
        return least + (self._writing - 1) * (op in SLICED)
