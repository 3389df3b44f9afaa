import json

import pytest

from sim import block_bench
from sim.waves.diagrams import FOLDER, files


@pytest.mark.skipif(block_bench.simulator() == "icarus", reason="recorded under Verilator")
def test_diagrams_are_what_is_simulated() -> None:
    recorded = files()
    assert {path.name for path in FOLDER.iterdir()} == recorded.keys()
    for name, content in recorded.items():
        assert (FOLDER / name).read_text() == content, f"{name}: make waves"


def test_diagrams_show_what_the_contract_says() -> None:
    waves = {
        path.stem: {line["name"]: line["wave"] for line in json.loads(path.read_text())["signal"] if line}
        for path in FOLDER.glob("*.json")
    }
    access = waves["access"]
    for taken, offered in (("s_axi_awvalid", "s_axi_bvalid"), ("s_axi_arvalid", "s_axi_rvalid")):
        assert access[offered].index("1") - access[taken].index("1") == 4
    # the halt, two cycles after the word at fault; it has ended when the write that clears it is answered
    error = waves["error"]
    assert error["irq"].index("1") - error["s_axis_tlast"].index("1") == 2
    assert error["irq"].rindex("0") <= error["s_axi_bvalid"].index("1")
