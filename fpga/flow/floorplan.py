"""Where block RAMs lie: those that hold a word of all lanes, in the order of the lanes on a way through the device.

Left alone, the placer of nextpnr takes each to where there is room, and most of the wires' length is theirs.
"""

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: Memories whose words hold the lanes once or several times, plane after plane.
MEMORIES = ("array.states", "gradient_memory.sums", "gradient_memory.switched_mask")
#: A part of a memory: its words, then its bits, from the lowest.
_PART = re.compile(rf"\.(?:{'|'.join(map(re.escape, MEMORIES))})\.\d+\.(\d+)$")
#: Columns of the first block RAM, of a group of four, and of one.
_FIRST, _GROUP, _ONE = 4, 9, 2


@dataclass(frozen=True)
class Floor:
    """Places of the block RAMs of an ECP5, as its data base in Project Trellis has them.

    Attributes
    ----------
    bands : tuple of tuple of int
        Rows of block RAMs, in the order in which the way takes them: from left to right through the rows of the first
        band, from right to left through those of the next one.
    groups : int
        Groups of four in a row.
    middle : int
        The group before which the clocks take two columns.
    """

    bands: tuple[tuple[int, ...], ...]
    groups: int
    middle: int

    @property
    def way(self) -> list[str]:
        """Names of the places, along the way."""
        columns = [
            (_FIRST + _GROUP * group + _ONE * (group >= self.middle) + _ONE * one, one)
            for group, one in itertools.product(range(self.groups), range(4))
        ]
        bands = [
            [f"X{column}/Y{row}/EBR{one}" for column, one in columns[:: -1 if number % 2 else 1] for row in rows]
            for number, rows in enumerate(self.bands)
        ]
        return [*itertools.chain(*bands)]


def plan(cells: Mapping[str, Mapping[str, Any]], lanes: int, floor: Floor) -> dict[str, str]:
    """Place the block RAMs of the lanes, evenly along the way.

    Parameters
    ----------
    cells : mapping
        Name -> cell of a netlist for ECP5.
    lanes : int
        How many.
    floor : Floor
        The device.

    Returns
    -------
    dict of str to str
        Cell -> place; empty if there are more than places.
    """
    order = []
    for name, cell in cells.items():
        part = _PART.search(name)
        if part and cell["type"] == "DP16KD":
            bits = int(cell["parameters"]["DATA_WIDTH_A"], 2)
            middle = bits * int(part[1]) + (bits - 1) / 2
            order.append((middle % lanes, name))
    way = floor.way
    if len(order) > len(way):
        return {}
    return {name: way[(2 * at + 1) * len(way) // (2 * len(order))] for at, (_, name) in enumerate(sorted(order))}
