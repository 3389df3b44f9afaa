"""A bench of one's own for a machine, with cocotb: identify it, fill it with random weights, train on one sample.

As a program it builds the machine of a folder and runs the bench; as a module it is the bench.
"""

import json
import os
import sys
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge
from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiStreamBus, AxiStreamSink, AxiStreamSource

FOLDER = "MACHINE_FOLDER"


@cocotb.test()
async def trains(dut):
    """One sample goes in, its prediction comes out, and the interrupt says so."""
    manifest = json.loads(Path(os.environ[FOLDER], "manifest.json").read_text())
    address = {name: register["address"] for name, register in manifest["registers"].items()}
    operation = manifest["registers"]["COMMAND"]["fields"]["OPERATION"]["values"]
    registers = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), dut.clk, dut.rst)
    source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), dut.clk, dut.rst)
    sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), dut.clk, dut.rst)
    dut.rst.value = 1
    cocotb.start_soon(Clock(dut.clk, 10, "ns").start())
    for _ in range(3):
        await RisingEdge(dut.clk)
    dut.rst.value = 0

    async def run(name, **settings):
        for register, value in ({"COMMAND": operation[name]} | settings).items():
            await registers.write_dword(address[register], value)
        await registers.write_dword(address["CONTROL"], 1)

    async def done():
        while not dut.irq.value:
            await RisingEdge(dut.clk)
        assert await registers.read_dword(address["ERROR"]) == 0
        await registers.write_dword(address["INTERRUPT"], 1)

    assert await registers.read_dword(address["ID"]) == 0x4D544A47
    assert await registers.read_qword(address["DESIGN"]) == int(manifest["design"], 16)
    await registers.write_dword(address["ENABLE"], 3)
    await run("INIT_RANDOM")
    await done()
    for layer, shift in enumerate(manifest["config"]["training"]["update_shifts"]):
        await registers.write_dword(address["UPDATE_SHIFT"] + 4 * layer, shift)
    await run("TRAIN", SAMPLES=1, BATCH=1)
    inputs, group = manifest["config"]["layers"][0], manifest["config"]["array"]["group"]
    word = len(dut.s_axis_tdata) // 8
    # all inputs +1: ones in plane 0, for which a trit in two's complement is 1; the label is 0
    words = [(1 << min(group, inputs - first)) - 1 for first in range(0, inputs, group)] + [0]
    await source.send(b"".join(value.to_bytes(word, "little") for value in words))
    prediction = await sink.recv()
    assert int.from_bytes(bytes(prediction.tdata), "little") < manifest["config"]["layers"][-1]
    await done()


def main(folder: str) -> None:
    """Build the machine of a folder, and run the bench in it."""
    machine = Path(folder).resolve()
    top = json.loads((machine / "manifest.json").read_text())["bus"]
    runner = get_runner("verilator")
    sources = [machine / name for name in (machine / "files.f").read_text().split()]
    runner.build(sources=sources, hdl_toplevel=top, build_dir="build/bench", always=True)
    os.environ |= {FOLDER: str(machine), "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    results = runner.test(hdl_toplevel=top, test_module=Path(__file__).stem)
    sys.exit(get_results(results)[1])


if __name__ == "__main__":
    main(sys.argv[1])
