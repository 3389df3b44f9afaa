"""What the timing diagrams show: a host by hand, and a diagram per cocotb test."""

import cocotb
import numpy as np
from cocotb.handle import HierarchyObject

from golden.bus import packets
from golden.sequencer import HostOp
from sim import block_bench
from sim.waves.recorder import Recorder

#: Signals of the channels, without their prefix.
_WRITE = ("awvalid", "awready", "awaddr", "wvalid", "wready", "wdata", "bvalid", "bready", "bresp")
_READ = ("arvalid", "arready", "araddr", "rvalid", "rready", "rdata", "rresp")
_STREAM = ("tvalid", "tready", "tdata", "tlast")


class _Host:
    """Drives the ports of the block by hand."""

    def __init__(self, bench: block_bench.BlockBench) -> None:
        self.bench, self._ports = bench, bench.ports
        registers = bench.manifest["registers"]
        self.address = {name: register["address"] for name, register in registers.items()}
        for name in ("s_axi_bready", "s_axi_rready", "m_axis_tready"):
            self._ports.write(name, 1)
        # whether a transfer that is offered is taken
        self._ready: dict[str, int] = {}
        channels = ("s_axi_aw", "s_axi_w", "s_axi_ar", "s_axis_t")
        bench.each_cycle(
            sample=lambda cycle: self._ready.update({name: self._ports.bits(f"{name}ready") for name in channels})
        )

    async def step(self, cycles: int = 1) -> None:
        """Let cycles pass."""
        await self.bench.clock.step(cycles)

    async def offer(self, *channels: str) -> None:
        """Offer a transfer on channels at a time until each is taken; what it holds is on the ports."""
        left = set(channels)
        for name in left:
            self._ports.write(f"{name}valid", 1)
        while left:
            await self.step()
            taken = {name for name in left if self._ready[name]}
            for name in taken:
                self._ports.write(f"{name}valid", 0)
            left -= taken

    async def write(self, name: str, value: int) -> None:
        """Write a register; 6 more cycles pass."""
        for port, bits in (("awaddr", self.address[name]), ("wdata", value), ("wstrb", 15)):
            self._ports.write(f"s_axi_{port}", bits)
        await self.offer("s_axi_aw", "s_axi_w")
        await self.step(6)

    async def read(self, name: str) -> None:
        """Read a register; 6 more cycles pass."""
        self._ports.write("s_axi_araddr", self.address[name])
        await self.offer("s_axi_ar")
        await self.step(6)

    async def send(self, packet: list[int], *, last: bool = True) -> None:
        """Send a packet, or its first words."""
        for at, word in enumerate(packet):
            self._ports.write("s_axis_tdata", word)
            self._ports.write("s_axis_tlast", int(last and at == len(packet) - 1))
            await self.offer("s_axis_t")

    async def until(self, port: str) -> None:
        """Let cycles pass until a port is 1."""
        await self.bench.clock.until(lambda: bool(self._ports.bits(port)))

    async def initialise(self) -> None:
        """Set up, and INIT_RANDOM."""
        await self.write("ENABLE", 3)
        await self.write("COMMAND", HostOp.INIT_RANDOM)
        await self.write("CONTROL", 1)
        await self.until("irq")
        await self.write("INTERRUPT", 1)

    def samples(self, count: int) -> list[list[int]]:
        """Make samples."""
        config = self.bench.config
        trits = np.resize(np.array([1, 0, -1, 1, 1, 0, 0, -1, 0, 1], np.int8), (count, config.sizes[0]))
        packed = packets.pack_samples(trits, np.arange(count) % config.sizes[-1], config.array.group)
        return [list(packet) for packet in packed]


async def _start(dut: HierarchyObject) -> tuple[block_bench.BlockBench, _Host]:
    bench = block_bench.BlockBench(dut)
    await bench.start()
    return bench, _Host(bench)


def _named(prefix: str, names: tuple[str, ...]) -> list[str | None]:
    return [f"{prefix}_{name}" for name in names]


@cocotb.test()
async def bus_access(dut: HierarchyObject) -> None:
    """A write of ENABLE, then a read of ID."""
    bench, host = await _start(dut)
    valid = {f"s_axi_{name}": f"s_axi_{name[0]}valid" for name in ("wdata", "bresp", "rdata", "rresp")}
    valid |= {f"s_axi_{name}addr": f"s_axi_{name}valid" for name in ("aw", "ar")}
    recorder = Recorder(bench, [*_named("s_axi", _WRITE), None, *_named("s_axi", _READ)], valid=valid)
    await host.step()
    await host.write("ENABLE", 3)
    await host.read("ID")
    recorder.write("access", "AXI4-Lite: 3 is written to ENABLE, ID is read")


@cocotb.test()
async def bus_sample(dut: HierarchyObject) -> None:
    """Three samples while no command is under way: two are taken, the third waits."""
    bench, host = await _start(dut)
    valid = {f"s_axis_{name}": "s_axis_tvalid" for name in ("tdata", "tlast")}
    recorder = Recorder(bench, _named("s_axis", _STREAM), valid=valid)
    await host.step()
    for packet in host.samples(2):
        await host.send(packet)
    third = host.samples(3)[2]
    await host.send(third[:1], last=False)
    bench.ports.write("s_axis_tdata", third[1])
    bench.ports.write("s_axis_tvalid", 1)
    await host.step(4)
    recorder.write("sample", "samples: five words of trits, then the label with tlast; the buffer holds two")


@cocotb.test()
async def bus_prediction(dut: HierarchyObject) -> None:
    """A TEST of two samples: predictions, the last with tlast, which waits for tready; then the interrupt."""
    bench, host = await _start(dut)
    await host.initialise()
    valid = {f"m_axis_{name}": "m_axis_tvalid" for name in ("tdata", "tlast")}
    recorder = Recorder(bench, [*_named("m_axis", _STREAM), None, "irq"], valid=valid)
    recorder.on = False
    await host.write("SAMPLES", 2)
    await host.write("COMMAND", HostOp.TEST)
    await host.write("CONTROL", 1)
    for packet in host.samples(2):
        await host.send(packet)
    await host.until("m_axis_tvalid")
    recorder.on = True
    await host.step(2)
    recorder.gap()
    bench.ports.write("m_axis_tready", 0)
    await host.until("m_axis_tvalid")
    recorder.on = True
    await host.step(2)
    bench.ports.write("m_axis_tready", 1)
    await host.step(4)
    recorder.write("prediction", "predictions of two samples, and the end of their command")


@cocotb.test()
async def bus_error(dut: HierarchyObject) -> None:
    """A label that is no class: the error, words that are discarded, the error cleared."""
    bench, host = await _start(dut)
    await host.write("ENABLE", 3)
    packet, other = host.samples(2)
    valid = {f"s_axis_{name}": "s_axis_tvalid" for name in ("tdata", "tlast")}
    valid |= {"s_axi_awaddr": "s_axi_awvalid", "s_axi_wdata": "s_axi_wvalid"}
    write = ("awvalid", "awaddr", "wvalid", "wdata", "bvalid")
    signals = [*_named("s_axis", _STREAM), None, "irq", None, *_named("s_axi", write)]
    recorder = Recorder(bench, signals, valid=valid)
    await host.send([*packet[:-1], bench.config.sizes[-1]])
    await host.send(other)
    await host.write("ERROR", 1 << 9)
    await host.step()
    recorder.write("error", "label 3 of classes 0 to 2: the interrupt, a sample discarded, the error cleared")


@cocotb.test()
async def array_commands(dut: HierarchyObject) -> None:
    """Commands of the array and its answers."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    ports = bench.ports
    fields = ports.described["macro__command__payload"]["fields"]
    numbers = fields["op"]["values"]

    def command(bits: int) -> str:
        op, row = (bits >> fields[name]["offset"] & (1 << fields[name]["width"]) - 1 for name in ("op", "row"))
        name = next(name for name, number in numbers.items() if number == op)
        return name if name == "SENSE_COLUMNS" else f"{name} {row}"

    taken: list[int] = []
    bench.each_cycle(sample=lambda cycle: taken.append(ports.bits("macro__command__ready")))

    async def give(op: str, row: int = 0, coefficient: int = 0) -> None:
        values = {"op": numbers[op], "row": row, "coefficient": coefficient}
        ports.write("macro__command__payload", values)
        ports.write("macro__command__valid", 1)
        await bench.clock.step()
        while not taken[-1]:
            await bench.clock.step()
        ports.write("macro__command__valid", 0)

    signals = [f"macro__command__{name}" for name in ("valid", "ready", "payload")]
    answers = [f"macro__{name}" for name in ("row", "sums", "row_sum", "lanes")]
    for row in range(4):
        await give("INIT_RANDOM", row)
    await bench.clock.step(20)
    valid = dict.fromkeys(answers, "macro__done") | {"macro__command__payload": "macro__command__valid"}
    recorder = Recorder(
        bench, [*signals, "macro__drive", None, "macro__done", *answers], {"macro__command__payload": command}, valid
    )
    await bench.clock.step()
    await give("DRIVE_ROW", 1, 1)
    await give("DRIVE_ROW", 3, -1)
    for _ in range(bench.config.array.lanes // bench.config.array.group):
        await give("SENSE_COLUMNS")
    # planes of the numbers 1, 0, -1, 1 of lanes 0 to 3
    ports.write("macro__drive", [0b1101, *[0b0100] * (bench.config.error.bits - 1)])
    await give("SENSE_ROW", 2)
    await give("READ", 1)
    await bench.clock.step(5)
    recorder.write("array", "the macro boundary: commands, and done with their answers, in the same order")
