"""Record the timing diagrams of the documentation as WaveJSON, and draw them."""

import json
import os
import tempfile
from pathlib import Path

import wavedrom

from gen import config as configs
from gen import verilog
from sim import block_bench
from sim.waves import scenes
from sim.waves.recorder import OUTPUT

#: Where the diagrams are.
FOLDER = Path("docs/waves")


def record(folder: Path) -> None:
    """Simulate, and write all diagrams as WaveJSON into a folder."""
    tiny = configs.load("tiny")
    machine = verilog.machine_files(tiny, "waves")
    described = json.loads(machine["manifest.json"]) | {"top": verilog.AXI}
    before = os.environ.get(OUTPUT)
    os.environ[OUTPUT] = str(folder)
    try:
        block_bench.run_files(machine | {"manifest.json": json.dumps(described)}, scenes.__name__, tests="bus_")
        block_bench.run("synapse_array", tiny, scenes.__name__, tests="array_")
    finally:
        if before is None:
            del os.environ[OUTPUT]
        else:
            os.environ[OUTPUT] = before


def draw(diagram: str) -> str:
    """Draw WaveJSON as SVG, on white, since the lines are black."""
    drawing = wavedrom.render(diagram)
    assert drawing is not None
    drawing.elements.insert(0, drawing.rect(size=("100%", "100%"), fill="white"))
    return drawing.tostring() + "\n"


def files() -> dict[str, str]:
    """Record and draw everything: file name -> content."""
    with tempfile.TemporaryDirectory() as folder:
        record(Path(folder))
        recorded = {path.name: path.read_text() for path in sorted(Path(folder).iterdir())}
    drawn = {name.replace(".json", ".svg"): draw(diagram) for name, diagram in recorded.items()}
    return recorded | drawn
