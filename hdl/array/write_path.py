"""The array's write path: pulses, random and given states, what becomes of a row's devices, and what is counted."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import memory
from amaranth.lib.wiring import PureInterface

from golden.config import MachineConfig
from hdl.array import cells
from hdl.array.array_interface import ArrayOp
from hdl.array.pipeline import Pipeline
from hdl.array.switching import Attempt, PulsedLanes, attempt
from hdl.lfsr import Lfsr
from hdl.lib.chains import add_up
from hdl.lib.planes import Planes, any_of, broadcast, reg_en, wire
from hdl.tables import loadable, switching_entries


class _Stuck(NamedTuple):
    """Stuck devices of the slice: per device, the lanes in which it is, and its states there; none without defects."""

    lanes: list[Value]
    states: list[Value]


class WritePath:
    """Works on the states of a row, slice by slice; answers PULSE and READ.

    Parameters
    ----------
    m : Module
        Where the logic goes.
    config : MachineConfig
        The machine.
    commands : Pipeline
        The commands.
    macro : interface of `hdl.array.array_interface.ArraySignature`
        Where pulses and given states come from.

    Attributes
    ----------
    states : list of Signal(lanes)
        Per device, its states in stage 2.
    """

    def __init__(self, m: Module, config: MachineConfig, commands: Pipeline, macro: PureInterface) -> None:
        self._m, self._config, self._commands, self._macro = m, config, commands, macro
        self._slices = commands.slices
        self._pulsing = commands.decoded("pulsing", ArrayOp.PULSE)
        self._reading = commands.decoded("reading", ArrayOp.READ)
        self._initialising = commands.decoded("initialising", ArrayOp.INIT_RANDOM)
        self._writing = commands.decoded("writing", ArrayOp.WRITE)
        p = config.array
        self.states = [Signal(p.lanes, name=f"r{i + 1}", reset_less=True) for i in range(p.devices)]

    def build(self, read: memory.ReadPort, write: memory.WritePort, answer: Any) -> None:
        """Connect the memory of the states, and answer.

        Parameters
        ----------
        read, write : memory port
            Rows of device states, R1 lowest.
        answer : answer of `hdl.array.array_interface.ArraySignature`
            `lanes`, `pulses`, `pulse_width` and `switches` are assigned here.
        """
        m, commands, slices = self._m, self._commands, self._slices
        words, stuck = self._random(), self._stuck()
        chosen = [slices.chosen(f"state{i}", state) for i, state in enumerate(self.states)]
        outcome = self._attempt(chosen, words, stuck)
        olds = [slices.compared(f"state{i}", state) for i, state in enumerate(chosen)]
        new = self._store(olds, outcome, words, stuck)
        m.d.comb += [
            read.addr.eq(commands.states.row),
            read.en.eq(commands.states.enable),
            write.addr.eq(commands.row2),
            write.en.eq(slices.last & commands.changes),
            write.data.eq(Cat(new)),
        ]
        with m.If(commands.advance):
            m.d.sync += Cat(self.states).eq(read.data)
        # what a lane answers: where a device has switched, or the state of the device that is read
        read_out = Mux(commands.select2[0], olds[-1], olds[0])
        lane_result = Mux(self._reading, read_out, any_of(outcome.flips, self._config.array.slice_lanes))
        collected = Signal(self._config.array.lanes, name="lane_result_reg", reset_less=True)
        slices.collect(collected, wire(m, "lane_result", lane_result), slices.comparing)
        with m.If(commands.answering[ArrayOp.PULSE] | commands.answering[ArrayOp.READ]):
            m.d.sync += answer.lanes.eq(collected)
        self._count(outcome, answer)

    def _random(self) -> list[Planes]:
        """Random words of a slice: one stream per lane, or one per device when a pulse reaches both."""
        m, config, p = self._m, self._config, self._config.array
        draw = self._slices.comparing & (self._pulsing | self._initialising)
        seed = self._commands.active(ArrayOp.SEED, 2) if config.random.loadable else Const(0)
        words = []
        for stream in range(p.streams_per_lane):
            m.submodules[f"lfsr{stream}"] = lfsr = Lfsr(
                config.random,
                first=stream * p.slice_lanes,
                lanes=p.slice_lanes,
                streams=config.streams,
                bits=config.switching.threshold_bits,
            )
            m.d.comb += lfsr.draw.eq(draw)
            words.append(list(lfsr.word))
            if config.random.loadable:
                m.d.comb += [
                    lfsr.shift.eq(seed & (self._commands.select2 == stream)),
                    lfsr.newest.eq(self._macro.drive[0][: p.slice_lanes]),
                ]
        return words

    def _stuck(self) -> _Stuck:
        """Look up the stuck devices of the row in stage 2."""
        nonideal, slices = self._config.nonideal, self._slices
        if not nonideal.any_stuck:
            return _Stuck([], [])
        lanes, devices = self._config.array.lanes, self._config.array.devices
        rows = self._config.geometry.rows
        # masks of all devices, then their states
        planes = np.concatenate(nonideal.stuck_devices(rows, lanes, devices)).astype(np.uint8)
        words = np.packbits(planes.transpose(1, 0, 2).reshape(rows, -1), axis=1, bitorder="little")
        self._m.submodules.stuck = stuck = memory.Memory(
            shape=unsigned(2 * devices * lanes),
            depth=rows,
            init=[int.from_bytes(word.tobytes(), "little") for word in words],
        )
        read = stuck.read_port()
        self._m.d.comb += [read.addr.eq(self._commands.states.row), read.en.eq(self._commands.states.enable)]
        found = [
            slices.rotating(f"stuck{at}", self._commands.advance, read.data[at * lanes : (at + 1) * lanes])
            for at in range(2 * devices)
        ]
        return _Stuck(
            [slices.chosen(f"stuck{i}", plane) for i, plane in enumerate(found[:devices])],
            [
                slices.compared(f"value{i}", slices.chosen(f"value{i}", plane))
                for i, plane in enumerate(found[devices:])
            ],
        )

    def _attempt(self, states: Sequence[Value], words: Sequence[Planes], stuck: _Stuck) -> Attempt:
        """Pulse the slice, if that is the command."""
        m, config, commands, slices = self._m, self._config, self._commands, self._slices
        pulse: list[Value] = [self._macro.increase, *self._macro.codes]
        accepted, arrived = commands.active(ArrayOp.PULSE, 0), Signal(name="pulse_arrived")
        m.d.sync += arrived.eq(Mux(commands.stall, arrived, accepted))
        enters = accepted
        if config.array.stages != 2:
            # with one stage the next pulse comes while the last slice of the one before is chosen; with three, what
            # reaches every lane comes from a register
            arrives = accepted if config.array.stages == 1 else ~commands.stall
            pulse = [reg_en(m, f"arriving{n}", arrives, plane) for n, plane in enumerate(pulse)]
            enters = arrived
        names = ["increase", *(f"code{bit}" for bit in range(len(pulse) - 1))]
        increase, *codes = (
            slices.chosen(name, slices.rotating(name, enters, plane)) for name, plane in zip(names, pulse, strict=True)
        )
        bins = cells.device_bins(m, config, commands.stage1.row) if config.switching.bin_bits else []
        bins = [
            slices.chosen(f"device_bins{at}", slices.rotating(f"device_bins{at}", arrived, plane))
            for at, plane in enumerate(bins)
        ]
        table = self._table() if config.switching.loadable else None
        return attempt(m, config, slices, PulsedLanes(states, increase, codes, bins, stuck.lanes, words), table)

    def _table(self) -> Signal:
        """Registers of the switching table, which can be loaded."""
        p, switching = self._config.array, self._config.switching
        word = Cat(plane[p.lanes - p.group :] for plane in list(self._macro.drive)[:2])
        shift = self._commands.active(ArrayOp.THRESHOLDS, 2)
        return loadable(self._m, "thresholds", switching_entries(switching), switching.threshold_bits, shift, word)

    def _store(self, olds: Sequence[Value], outcome: Attempt, words: Sequence[Planes], stuck: _Stuck) -> list[Value]:
        """Put the new states of the slice in the place of the old ones; give the row's states after its last slice."""
        m, p, slices = self._m, self._config.array, self._slices
        width, top = p.slice_lanes, self._config.switching.threshold_bits - 1
        random_states = [words[0][top], words[-1][top if p.streams_per_lane == 2 else top - 1]]
        new = []
        for i, (old, flip) in enumerate(zip(olds, outcome.flips, strict=True)):
            given = slices.compared(f"given{i}", slices.selected(f"given{i}", self._macro.drive[i]))
            put = (broadcast(self._initialising, width) & random_states[i]) | (broadcast(self._writing, width) & given)
            if stuck.lanes:
                put = (put & ~slices.compared(f"stuck{i}", stuck.lanes[i])) | (
                    broadcast(self._initialising | self._writing, width) & stuck.states[i]
                )
            result = wire(m, f"result_{i}", (broadcast(self._pulsing, width) & (old ^ flip)) | put)
            new.append(slices.collect(self.states[i], result, slices.working if p.slices > 1 else Const(0)))
        return new

    def _count(self, outcome: Attempt, answer: Any) -> None:
        """Count events of a pulse, slice by slice."""
        m, commands = self._m, self._commands
        counts = self._events(outcome)
        if self._config.array.slices > 1:
            counted = Signal(name="counted_0")
            m.d.sync += counted.eq(self._slices.comparing & self._pulsing)
            for n in range(1, self._config.array.stages):
                before, counted = counted, Signal(name=f"counted_{n}")
                m.d.sync += counted.eq(before)
            for name, count in counts.items():
                before = Signal.like(getattr(answer, name), name=f"{name}_before")
                counts[name] = total = wire(m, f"{name}_so_far", before + count)
                with m.If(commands.answered):
                    m.d.sync += before.eq(0)
                with m.Elif(counted):
                    m.d.sync += before.eq(total)
        with m.If(commands.answering[ArrayOp.PULSE]):
            m.d.sync += [getattr(answer, name).eq(count) for name, count in counts.items()]

    def _events(self, outcome: Attempt) -> dict[str, Value]:
        """Count what the pulses of a slice do: devices pulsed, the sum of their codes, devices switched.

        The counts are there `stages` cycles after the slice was compared.
        """
        m, p, width = self._m, self._config.array, self._config.array.slice_lanes
        pulses, flips, comparing = outcome.pulses, outcome.flips, self._slices.comparing
        if p.scheme == "verified":
            # one device of a synapse at most
            pulses, flips = [any_of(pulses, width)], [any_of(flips, width)]
        widths = [([pulse & plane for plane in outcome.codes], False) for pulse in pulses]
        # what has no meaning for commands other than PULSE is not answered; one enable for all that a slice does
        flips = [reg_en(m, f"flipped_{i}", comparing, flip) for i, flip in enumerate(flips)]
        most = len(pulses) * width
        bits, bits_of_widths = most.bit_length(), (most * (self._config.switching.codes - 1)).bit_length()
        now, then = {"cycles": p.stages, "adders": p.adders}, {"cycles": p.stages - 1, "adders": p.adders}
        return {
            "pulses": add_up(m, "pulses", comparing, [([pulse], False) for pulse in pulses], bits=bits, **now),
            "pulse_width": add_up(m, "pulse_width", comparing, widths, bits=bits_of_widths, **now),
            "switches": add_up(m, "switches", Const(1), [([flip], False) for flip in flips], bits=bits, **then),
        }
