"""Random streams against their golden twin; of the small widths all taps, several leaps and the whole period."""

import json
from dataclasses import asdict
from typing import Any

import cocotb
import numpy as np
import pytest
from cocotb.handle import HierarchyObject

from cocotb_tests.kit import configs
from cocotb_tests.kit.checkers import equal
from golden.config import MachineConfig
from golden.lfsr import TRINOMIALS, LfsrParameters
from sim import block_bench
from sim.manifest_reader import from_planes

#: Widths whose period is walked through from end to end.
_SMALL = (5, 7, 11)
#: Lanes of the tiny configuration, whose banks these are.
_LANES = 4


def _small() -> list[LfsrParameters]:
    """Every tap of the small widths, with leaps of one step, of a whole word and between."""
    return [
        LfsrParameters(width, tap, leap, seed=1 + leap)
        for width in _SMALL
        for tap in TRINOMIALS[width]
        for leap in sorted({1, 2, width - 1, width})
    ]


@pytest.mark.parametrize("config", configs.cases())
def test_lfsr(config: MachineConfig) -> None:
    """The streams of a configuration."""
    block_bench.run("lfsr", config, __name__, tests="draws")


def test_whole_periods() -> None:
    """All small streams side by side in one simulation."""
    from gen import blocks, verilog
    from golden.config import variant

    tiny = configs.tiny()

    files, ports, instances = {}, {"draw": _port("input", 1)}, []
    for index, parameters in enumerate(_small()):
        width = parameters.width
        config = variant(tiny, random=asdict(parameters), switching={"threshold_bits": width})
        files[f"bank{index}.v"] = verilog.convert(blocks.BLOCKS["lfsr"](config), f"bank{index}")
        ports[f"word{index}"] = _port("output", width * _LANES)
        instances.append(f"  bank{index} b{index} (.clk(clk), .rst(rst), .draw(draw), .word(word{index}));")
    declared = [f"{port['direction']} [{port['width'] - 1}:0] {name}" for name, port in ports.items()]
    ports |= {name: _port("input", 1) for name in ("clk", "rst")}
    text = "\n".join([f"module banks(input clk, input rst, {', '.join(declared)});", *instances, "endmodule", ""])
    files["banks.v"] = text
    described = {
        "top": "banks",
        "config": asdict(tiny),
        "modules": {"banks": {"ports": ports}},
    }
    listed = {"files.f": "".join(f"{file}\n" for file in files), "manifest.json": json.dumps(described)}
    block_bench.run_files(files | listed, __name__, tests="whole_periods")


def _port(direction: str, width: int) -> dict[str, Any]:
    return {"direction": direction, "width": width, "signed": False, "meaning": ""}


@cocotb.test()
async def draws(dut: HierarchyObject) -> None:
    """Words of a slice's lanes from reset on; they advance with `draw` and stay without it; reset starts again."""
    bench = block_bench.BlockBench(dut)
    config = bench.config
    lanes, bits = config.array.slice_lanes, config.switching.threshold_bits
    for _ in range(2):
        await bench.start()
        golden = config.random.model(config.streams)
        word = golden.draw(bits)[:lanes]
        for _ in range(300):
            equal("words", from_planes(bench.ports.bits("word"), lanes, bits, signed=False), word)
            draw = bool(bench.rng.random() < 0.8)
            bench.ports.write("draw", draw)
            await bench.clock.step()
            if draw:
                word = golden.draw(bits)[:lanes]


@cocotb.test()
async def whole_periods(dut: HierarchyObject) -> None:
    """Every stream visits all 2^width - 1 states once, like its golden twin, and is back at its seed."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    all_parameters = _small()
    golden = [parameters.model(_LANES) for parameters in all_parameters]
    visited: list[list[np.ndarray]] = [[] for _ in all_parameters]
    longest = (1 << max(_SMALL)) - 1
    bench.ports.write("draw", 1)
    for step in range(longest + 1):
        for index, parameters in enumerate(all_parameters):
            if step >= 1 << parameters.width:
                continue
            word = from_planes(bench.ports.bits(f"word{index}"), _LANES, parameters.width, signed=False)
            if (word != golden[index].draw(parameters.width)).any():
                raise AssertionError(f"{parameters} step {step}: hardware {word}, golden otherwise")
            visited[index].append(word)
        await bench.clock.step()
    for parameters, words in zip(all_parameters, visited, strict=True):
        period = (1 << parameters.width) - 1
        # the leap is no factor of the period here, so that draws visit every state
        assert np.gcd(parameters.leap, period) == 1, f"{parameters}: choose another leap"
        equal(f"{parameters} after one period", words[period], words[0])
        for lane in range(_LANES):
            states = {int(word[lane]) for word in words[:period]}
            equal(f"{parameters} lane {lane}: states", sorted(states), list(range(1, period + 1)))
