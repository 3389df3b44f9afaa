"""The emulated array of stochastic-MTJ synapses (twin of `golden/array/synapse_array.py`).

This module is the macro: an analog array with the same ports takes its place without a change in the periphery. The
periphery sends commands, holds the column lines and counts `done`; it never looks inside.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In

from golden.array.nonideal import NonidealParameters
from golden.array.synapse_array import ArrayParameters
from golden.geometry import Geometry
from golden.lfsr import LfsrParameters
from golden.tables import SwitchingParameters
from hdl.array import array_sums, cells
from hdl.array.adc_stage import ReadOut
from hdl.array.array_interface import ArrayOp, ArraySignature
from hdl.array.slices import Slices
from hdl.array.switching import attempt
from hdl.lfsr import Lfsr
from hdl.lib.planes import any_of, broadcast, ones, pipeline, reg_en, wire
from hdl.lib.ram_pipeline import APART, When
from hdl.tables import loadable, switching_entries

#: Commands that change states, and those that go through the slices.
_CHANGING = (ArrayOp.PULSE, ArrayOp.INIT_RANDOM, ArrayOp.WRITE)
_SLICED = (*_CHANGING, ArrayOp.READ)


class SynapseArray(wiring.Component):
    """Behavioural array: block RAM for the device states, one row per cycle, switching by LFSR.

    Latency 3 + `stages` cycles from accepted command to `done`, 2 more with converters, one command per cycle. PULSE,
    INIT_RANDOM, WRITE and READ take ``b = slices + stages - 1`` cycles instead of one, in which no other command is
    accepted (`command.ready` low), and their answer comes b - 1 cycles later. A command to a row whose PULSE,
    INIT_RANDOM or WRITE is still under way is taken, and waits inside until the new states can be read, 2
    cycles when it follows at once; so long no other command is taken. With 3 stages none is taken then whatever the
    rows.

    Parameters
    ----------
    parameters : ArrayParameters
        Lanes, synapse, scheme, and how lanes share circuits.
    switching : SwitchingParameters
        Width code to probability.
    lfsr : LfsrParameters
        Random streams.
    geometry : Geometry
        Rows and the widths of sums.
    nonideal : NonidealParameters
        What is wrong with the array.
    error_bits : int
        Width of coefficients and column drive.

    Attributes
    ----------
    macro : ArraySignature, flipped
        The boundary.
    """

    def __init__(
        self,
        parameters: ArrayParameters,
        switching: SwitchingParameters,
        lfsr: LfsrParameters,
        geometry: Geometry,
        nonideal: NonidealParameters,
        *,
        error_bits: int,
    ) -> None:
        self._nonideal = nonideal
        self._parameters = parameters
        self._switching = switching
        self._lfsr = lfsr
        self._geometry = geometry
        signature = ArraySignature(parameters, geometry, error_bits=error_bits, code_bits=switching.code_bits)
        super().__init__({"macro": In(signature)})

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        p, macro = self._parameters, self.macro
        lanes, command = p.lanes, self.macro.command.payload
        shape = (self._geometry.rows, lanes, p.devices)

        m.submodules.states = states = memory.Memory(
            shape=unsigned(p.devices * lanes), depth=self._geometry.rows, init=[], attrs=APART
        )
        read, write = states.read_port(), states.write_port()

        # stage 0: accept; 1: states are on their way from the memory; 2: act on them, slice by slice
        # where they change or are told; 3: accumulate, write back; then add up and answer
        accept = wire(m, "accept", macro.command.valid & macro.command.ready)
        waits, moves = Signal(name="waits"), Signal(name="moves")
        valid = [accept, moves, *[Signal(name=f"valid{stage}") for stage in (2, 3)]]
        stage1 = Signal(command.shape(), name="stage1", reset_less=True)

        # what a command does in stages 2 and 3 is decoded a stage before: it reaches every lane
        slicing, acted = Signal(name="slicing"), Signal(name="acted")
        part = Slices(m, p, slicing)
        m.d.sync += [slicing.eq(moves & _one_of(stage1.op, *_SLICED)), valid[2].eq(moves), valid[3].eq(acted)]
        m.d.comb += acted.eq((valid[2] & ~slicing) | part.last)
        with m.If(accept):
            m.d.sync += stage1.eq(command)
        op2, row2 = reg_en(m, "op2", moves, Value.cast(stage1.op)), reg_en(m, "row2", moves, stage1.row)
        op3, row3 = reg_en(m, "op3", acted, op2), reg_en(m, "row3", acted, row2)
        # of READ and SEED
        choice = reg_en(m, "choice2", moves, stage1.coefficient[: 2 if self._lfsr.loadable else 1])

        def active(op: ArrayOp, n: int) -> Signal:
            found = Signal(name=f"{op.name.lower()}{n}")
            if n < 2:
                m.d.comb += found.eq(valid[n] & ((command, stage1)[n].op == op))
            else:
                m.d.sync += found.eq(moves & (stage1.op == op) if n == 2 else acted & (op2 == op.value))
            return found

        def present_is(name: str, *ops: ArrayOp) -> Signal:
            return reg_en(m, name, moves, _one_of(stage1.op, *ops))

        # no command is taken while slices are chosen; one to a row that changes waits in stage 1, where it reads until
        # it has the new states
        arrived = Signal(name="arrived")
        changes = present_is("changes", *_CHANGING)
        changed = Signal(name="changed")
        m.d.sync += changed.eq(acted & changes)
        changing = (part.working & changes, changed)
        rows = (row2, row3)
        same = Cat(change & (row == stage1.row) for change, row in zip(changing, rows, strict=True)).any()
        holds = waits
        if p.stages > 2:
            # what follows a change at once keeps others out as if it waited: rows are not compared on the way to ready
            holds = Signal(name="holds")
            m.d.sync += holds.eq(changes & part.ending & (accept | holds))
        m.d.comb += [
            waits.eq(arrived & same),
            moves.eq(arrived & ~same),
            macro.command.ready.eq(part.free(accept & _one_of(command.op, *_SLICED), waits) & ~holds),
        ]
        m.d.sync += arrived.eq(accept | waits)
        reads = When(accept | waits, wire(m, "read_row", Mux(waits, stage1.row, command.row)))
        m.d.comb += [read.addr.eq(reads.row), read.en.eq(reads.enable)]
        pulse: list[Value] = [macro.increase, *macro.codes]
        pulsed, here = active(ArrayOp.PULSE, 0), Signal(name="pulse_here")
        m.d.sync += here.eq(Mux(waits, here, pulsed))
        if p.stages != 2:
            # with one stage the next pulse comes while the last slice of the one before is chosen; with three, what
            # reaches every lane comes from a register
            arrives = pulsed if p.stages == 1 else ~waits
            pulse = [reg_en(m, f"arriving{n}", arrives, plane) for n, plane in enumerate(pulse)]
            pulsed = here
        names = ["increase", *(f"code{bit}" for bit in range(len(pulse) - 1))]
        increase, *codes = (part.kept(name, pulsed, plane) for name, plane in zip(names, pulse, strict=True))
        present = [Signal(lanes, name=f"r{i + 1}", reset_less=True) for i in range(p.devices)]

        # what is answered next
        finals = [valid[3], *[Signal(name=f"valid{3 + n}") for n in range(1, p.stages)]]
        m.d.sync += [after.eq(before) for before, after in itertools.pairwise(finals)]
        final_op, final_row = (
            pipeline(m, f"final_{name}", value, p.stages - 1) for name, value in (("op", op3), ("row", row3))
        )
        answering = {op: wire(m, f"answering_{op.name.lower()}", finals[-1] & (final_op == op)) for op in ArrayOp}
        bank3 = reg_en(m, "bank3", acted, choice) if self._loads_noise else Const(0)
        answer = self._answer(m, answering, bank3)
        m.d.sync += answer.done.eq(finals[-1])
        with m.If(finals[-1]):
            m.d.sync += [
                answer.row.eq(final_row),
                answer.products.eq(0),
                answer.pulses.eq(0),
                answer.pulse_width.eq(0),
                answer.switches.eq(0),
            ]

        if p.devices == 2:
            r1, r2 = present
            nonzero, negative = wire(m, "nonzero", r1 ^ r2), wire(m, "negative", r2 & ~r1)
        else:
            nonzero, negative = ones(lanes), wire(m, "negative", ~present[0])
        driven, sensed = active(ArrayOp.DRIVE_ROW, 2), active(ArrayOp.SENSE_ROW, 2)
        drives = active(ArrayOp.DRIVE_ROW, 1)
        sensed_columns = active(ArrayOp.SENSE_COLUMNS, 3)
        columns = array_sums.columns(
            m, p, self._geometry, drives, driven, stage1.coefficient, nonzero, negative, sensed_columns
        )
        with m.If(answering[ArrayOp.SENSE_COLUMNS]):
            m.d.sync += [total.eq(column) for total, column in zip(answer.sums, columns, strict=True)]
        products, row_sum = array_sums.reads(
            m, p, self._geometry, list(macro.drive), active(ArrayOp.SENSE_ROW, 1), driven, sensed, nonzero, negative
        )
        with m.If(answering[ArrayOp.DRIVE_ROW] | answering[ArrayOp.SENSE_ROW]):
            m.d.sync += [answer.products.eq(products), answer.row_sum.eq(row_sum)]

        pulsing, reading = present_is("pulsing", ArrayOp.PULSE), present_is("reading", ArrayOp.READ)
        forming, writing = present_is("forming", ArrayOp.INIT_RANDOM), present_is("writing", ArrayOp.WRITE)
        seeds = active(ArrayOp.SEED, 2) if self._lfsr.loadable else Const(0)
        words = self._random(m, part.comparing & (pulsing | forming), seeds, choice)
        stuck: Sequence[Value] = ()
        values: Sequence[Value] = ()
        if self._nonideal.any_stuck:
            stuck, values = self._stuck(m, part, reads, moves, shape)
            stuck = [part.of(f"stuck{i}", plane) for i, plane in enumerate(stuck)]
            values = [part.compared(f"value{i}", part.of(f"value{i}", plane)) for i, plane in enumerate(values)]
        olds = [part.of(f"state{i}", state) for i, state in enumerate(present)]
        outcome = attempt(
            m,
            p,
            self._switching,
            part,
            states=olds,
            increase=part.of("increase", increase),
            codes=[part.of(f"code{b}", plane) for b, plane in enumerate(codes)],
            device_bins=self._device_bins(m, part, here, stage1.row, shape),
            stuck=stuck,
            words=words,
            table=self._table(m, active(ArrayOp.THRESHOLDS, 2)) if self._switching.loadable else None,
        )

        # new states of the slice, which take the place of the old ones, and what is told of it: where a device has
        # switched, or the states of a READ
        width, top = p.slice_lanes, self._switching.threshold_bits - 1
        olds = [part.compared(f"state{i}", state) for i, state in enumerate(olds)]
        random_states = [words[0][top], words[-1][top if p.streams_per_lane == 2 else top - 1]]
        new = []
        for i, (old, flip) in enumerate(zip(olds, outcome.flips, strict=True)):
            given = part.compared(f"given{i}", part.picked(f"given{i}", macro.drive[i]))
            put = (broadcast(forming, width) & random_states[i]) | (broadcast(writing, width) & given)
            if self._nonideal.any_stuck:
                put = (put & ~part.compared(f"stuck{i}", stuck[i])) | (broadcast(forming | writing, width) & values[i])
            result = wire(m, f"result_{i}", (broadcast(pulsing, width) & (old ^ flip)) | put)
            new.append(part.moved_in(present[i], result, part.working if p.slices > 1 else Const(0)))
        with m.If(moves):
            m.d.sync += Cat(present).eq(read.data)
        told = Mux(choice[0], olds[-1], olds[0])
        shown = Signal(lanes, name="shown", reset_less=True)
        part.moved_in(shown, wire(m, "told", Mux(reading, told, any_of(outcome.flips, width))), part.comparing)
        m.d.comb += [
            write.addr.eq(row2),
            write.en.eq(part.last & changes),
            write.data.eq(Cat(new)),
        ]
        with m.If(answering[ArrayOp.PULSE] | answering[ArrayOp.READ]):
            m.d.sync += answer.lanes.eq(shown)

        # events of the pulses, slice by slice
        counts = array_sums.events(m, p, self._switching, part.comparing, outcome)
        if p.slices > 1:
            counted = Signal(name="counted_0")
            m.d.sync += counted.eq(part.comparing & pulsing)
            for n in range(1, p.stages):
                before, counted = counted, Signal(name=f"counted_{n}")
                m.d.sync += counted.eq(before)
            for name, count in counts.items():
                before = Signal.like(getattr(answer, name), name=f"{name}_before")
                counts[name] = total = wire(m, f"{name}_so_far", before + count)
                with m.If(finals[-1]):
                    m.d.sync += before.eq(0)
                with m.Elif(counted):
                    m.d.sync += before.eq(total)
        with m.If(answering[ArrayOp.PULSE]):
            m.d.sync += [getattr(answer, name).eq(count) for name, count in counts.items()]
        return m

    @property
    def _loads_noise(self) -> bool:
        """Whether the streams of the converters' noise can be loaded."""
        return self._nonideal.converting and self._lfsr.loadable

    def _answer(self, m: Module, answering: dict[ArrayOp, Signal], bank: Value) -> Any:
        """Where answers go: to the boundary, or to the converters before it."""
        macro = self.macro
        if not self._nonideal.converting:
            return macro
        m.submodules.read_out = read_out = ReadOut(
            self._nonideal, self._parameters, self._lfsr, self._geometry, macro.signature
        )
        m.d.comb += [
            read_out.draw_columns.eq(answering[ArrayOp.SENSE_COLUMNS]),
            read_out.draw_row.eq(answering[ArrayOp.SENSE_ROW]),
            *[getattr(macro, name).eq(getattr(read_out.answer, name)) for name in read_out.answer.signature.members],
        ]
        if self._loads_noise:
            bank = pipeline(m, "final_bank", bank, self._parameters.stages - 1)
            m.d.comb += [
                read_out.shift_columns.eq(answering[ArrayOp.SEED] & (bank == 2)),
                read_out.shift_row.eq(answering[ArrayOp.SEED] & (bank == 3)),
                read_out.newest.eq(macro.drive[0]),
            ]
        return read_out.raw

    def _random(self, m: Module, draw: Value, seed: Value, bank: Value) -> list[data.View]:
        """Random words of a slice: one stream per lane, or one per device when a pulse reaches both."""
        p, words = self._parameters, []
        for stream in range(p.streams_per_lane):
            m.submodules[f"lfsr{stream}"] = lfsr = Lfsr(
                self._lfsr,
                first=stream * p.slice_lanes,
                lanes=p.slice_lanes,
                streams=p.streams + sum(self._nonideal.noise_streams(p.group)),
                bits=self._switching.threshold_bits,
            )
            m.d.comb += lfsr.draw.eq(draw)
            words.append(lfsr.word)
            if self._lfsr.loadable:
                m.d.comb += [
                    lfsr.shift.eq(seed & (bank == stream)),
                    lfsr.newest.eq(self.macro.drive[0][: p.slice_lanes]),
                ]
        return words

    def _device_bins(
        self, m: Module, part: Slices, pulsing: Value, row: Value, shape: tuple[int, int, int]
    ) -> list[Value]:
        """Kinds of the slice's devices, device 0 first; none where all are alike."""
        bits = self._switching.bin_bits
        if not bits:
            return []
        rows, lanes, devices = shape
        found = cells.device_bins(
            m, "device_bin", row, seed=self._nonideal.seed, rows=rows, lanes=lanes, devices=devices, bits=bits
        )
        return [
            part.of(f"device_bins{at}", part.kept(f"device_bins{at}", pulsing, plane)) for at, plane in enumerate(found)
        ]

    def _table(self, m: Module, shift: Value) -> Signal:
        """Registers of the switching table, which can be loaded."""
        p = self._parameters
        word = Cat(plane[p.lanes - p.group :] for plane in list(self.macro.drive)[:2])
        return loadable(
            m, "thresholds", switching_entries(self._switching), self._switching.threshold_bits, shift, word
        )

    def _stuck(
        self, m: Module, part: Slices, reads: When, moves: Value, shape: tuple[int, int, int]
    ) -> tuple[list[Value], list[Value]]:
        """Stuck devices of a row and their states, one plane per device each, in stage 2."""
        lanes, devices = self._parameters.lanes, self._parameters.devices
        # masks of all devices, then their states
        planes = np.concatenate(self._nonideal.stuck_devices(*shape)).astype(np.uint8)
        words = np.packbits(planes.transpose(1, 0, 2).reshape(shape[0], -1), axis=1, bitorder="little")
        m.submodules.stuck = stuck = memory.Memory(
            shape=unsigned(2 * devices * lanes),
            depth=shape[0],
            init=[int.from_bytes(word.tobytes(), "little") for word in words],
        )
        read = stuck.read_port()
        m.d.comb += [read.addr.eq(reads.row), read.en.eq(reads.enable)]
        found: list[Value] = [
            part.kept(f"stuck{at}", moves, read.data[at * lanes : (at + 1) * lanes]) for at in range(2 * devices)
        ]
        return found[:devices], found[devices:]


def _one_of(op: Value, *ops: ArrayOp) -> Value:
    """Whether a command is one of those."""
    return Cat(op == one for one in ops).any()
