"""The emulated array of stochastic-MTJ synapses (twin of `golden/synapse_array.py`).

This module is the macro: an analog array with the same ports takes its place without a change in the periphery. The
periphery sends commands, holds the column lines and counts `done`; it never looks inside.
"""

from collections.abc import Sequence

import numpy as np
from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In

from golden.geometry import Geometry
from golden.lfsr import LfsrParameters
from golden.nonideal import NonidealParameters
from golden.synapse_array import ArrayParameters
from golden.tables import SwitchingParameters
from hdl import cells
from hdl.lfsr import Lfsr
from hdl.macro import ArrayOp, ArraySignature
from hdl.planes import Planes, add, any_of, at_most, counted, extend, held, named, ones, scale_trit, spread, total
from hdl.read_out import ReadOut
from hdl.tables import loadable, switching_entries, switching_table


class SynapseArray(wiring.Component):
    """Behavioural array: block RAM for the device states, one row per cycle, switching by LFSR.

    Latency 4 cycles from accepted command to `done`, 6 with converters, one command per cycle. A command to a row whose
    PULSE, FORM or WRITE is still under way waits (`command.ready` low) until the new states can be read: 3 cycles when
    it follows at once.

    Parameters
    ----------
    parameters : ArrayParameters
        Lanes, synapse and scheme.
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
            shape=unsigned(p.devices * lanes), depth=self._geometry.rows, init=[]
        )
        read, write = states.read_port(), states.write_port()

        # stage 0: accept, present the row to the memory; 1: states leave the memory; 2: act on them;
        # 3: accumulate, write back, add up
        accept = named(m, "accept", macro.command.valid & macro.command.ready)
        valid = [accept, *[Signal(name=f"valid{stage}") for stage in (1, 2, 3)]]
        stage = [command, *[Signal(command.shape(), name=f"stage{n}", reset_less=True) for n in (1, 2, 3)]]
        for n in range(3):
            m.d.sync += valid[n + 1].eq(valid[n])
            with m.If(valid[n]):
                m.d.sync += stage[n + 1].eq(stage[n])

        def active(op: ArrayOp, n: int) -> Signal:
            return named(m, f"{op.name.lower()}{n}", valid[n] & (stage[n].op == op))

        def writing(n: int) -> Value:
            changing = (ArrayOp.PULSE, ArrayOp.FORM, ArrayOp.WRITE)
            return valid[n] & Cat(stage[n].op == op for op in changing).any()

        # answers leave by the boundary, or by converters before it
        answer, read_out = macro, None
        if self._nonideal.converting:
            read_out = ReadOut(self._nonideal, p, self._lfsr, self._geometry, macro.signature)
            m.submodules.read_out = read_out
            answer = read_out.raw
            m.d.comb += [
                read_out.draw_columns.eq(active(ArrayOp.SENSE_COLUMNS, 3)),
                read_out.draw_row.eq(active(ArrayOp.SENSE_ROW, 3)),
                *[
                    getattr(macro, name).eq(getattr(read_out.answer, name))
                    for name in read_out.answer.signature.members
                ],
            ]
        m.d.comb += [
            macro.command.ready.eq(~Cat(writing(n) & (stage[n].row == command.row) for n in (1, 2, 3)).any()),
            read.addr.eq(command.row),
            read.en.eq(accept),
        ]
        increase: Value = macro.increase
        codes: Value = macro.codes.as_value()
        for n in range(2):
            pulsing = active(ArrayOp.PULSE, n)
            increase = held(m, f"increase{n + 1}", pulsing, increase)
            codes = held(m, f"codes{n + 1}", pulsing, codes)
        code_planes = list(data.View(macro.codes.shape(), codes))
        r1 = held(m, "r1", valid[1], read.data[:lanes])
        r2 = held(m, "r2", valid[1], read.data[lanes:]) if p.devices == 2 else Const(0, lanes)

        driven, sensed = active(ArrayOp.DRIVE_ROW, 2), active(ArrayOp.SENSE_ROW, 2)
        pulsed, formed = active(ArrayOp.PULSE, 2), active(ArrayOp.FORM, 2)
        written, told = active(ArrayOp.WRITE, 2), active(ArrayOp.READ, 2)
        if p.devices == 2:
            nonzero, negative = named(m, "nonzero", r1 ^ r2), named(m, "negative", r2 & ~r1)
        else:
            nonzero, negative = ones(lanes), named(m, "negative", ~r1)
        self._columns(m, driven, active(ArrayOp.SENSE_COLUMNS, 3), stage, nonzero, negative, answer.sums)
        row_sum = self._row_sum(m, sensed, nonzero, negative)

        # one random stream per lane, or one per device when a pulse reaches both
        words = []
        for stream_ in range(p.streams_per_lane):
            m.submodules[f"lfsr{stream_}"] = bank = Lfsr(
                self._lfsr,
                first=stream_ * lanes,
                lanes=lanes,
                streams=p.streams_per_lane * lanes + sum(self._nonideal.noise_streams(p.group)),
                bits=self._switching.threshold_bits,
            )
            m.d.comb += bank.draw.eq(pulsed | formed)
            words.append(bank.word)
            if self._lfsr.loadable:
                m.d.comb += [
                    bank.shift.eq(active(ArrayOp.SEED, 2) & (stage[2].coefficient[:2] == stream_)),
                    bank.newest.eq(macro.drive[0]),
                ]
        if read_out is not None and self._lfsr.loadable:
            # a cycle later, as the converters' streams are drawn from
            newest = held(m, "newest", active(ArrayOp.SEED, 2), macro.drive[0])
            seeding, bank_number = active(ArrayOp.SEED, 3), stage[3].coefficient[:2]
            m.d.comb += [
                read_out.shift_columns.eq(seeding & (bank_number == 2)),
                read_out.shift_row.eq(seeding & (bank_number == 3)),
                read_out.newest.eq(newest),
            ]

        devices = [r1, r2][: p.devices]
        pulses = self._pulsed(m, devices, increase, any_of(code_planes, lanes))
        kinds: Sequence[Planes] = [[] for _ in devices]
        if self._switching.bin_bits:
            constants = {"rows": shape[0], "lanes": lanes, "devices": p.devices, "bits": self._switching.bin_bits}
            found = cells.kinds(m, "kind", stage[1].row, seed=self._nonideal.seed, **constants)
            found = [held(m, f"kinds{at}", active(ArrayOp.PULSE, 1), plane) for at, plane in enumerate(found)]
            kinds = [found[at : at + len(found) // p.devices] for at in range(0, len(found), len(found) // p.devices)]
        table = None
        if self._switching.loadable:
            word = Cat(plane[lanes - p.group :] for plane in list(macro.drive)[:2])
            entries, bits = switching_entries(self._switching), self._switching.threshold_bits
            table = loadable(m, "thresholds", entries, bits, active(ArrayOp.THRESHOLDS, 2), word)
        flips = self._flips(m, devices, pulses, code_planes, increase, words, kinds, table)
        top = self._switching.threshold_bits - 1
        formed_states: list[Value] = [words[0][top], words[-1][top if p.streams_per_lane == 2 else top - 1]]
        given_states: list[Value] = list(macro.drive)[:2]
        if self._nonideal.any_stuck:
            stuck, values = self._stuck(m, accept, valid[1], command.row, shape)
            flips = [
                named(m, f"moves_{i}", flip & ~held_) for i, (flip, held_) in enumerate(zip(flips, stuck, strict=True))
            ]
            formed_states, given_states = (
                [(new & ~held_) | value for new, held_, value in zip(states_, stuck, values, strict=False)]
                for states_ in (formed_states, given_states)
            )
        new = [Signal(lanes, name=f"new_{i}", reset_less=True) for i in range(p.devices)]
        with m.If(pulsed):
            m.d.sync += [state.eq(old ^ flip) for state, old, flip in zip(new, devices, flips, strict=True)]
        with m.If(formed):
            m.d.sync += [state.eq(value) for state, value in zip(new, formed_states, strict=False)]
        with m.If(written):
            m.d.sync += [state.eq(value) for state, value in zip(new, given_states, strict=False)]
        m.d.comb += [write.addr.eq(stage[3].row), write.en.eq(writing(3)), write.data.eq(Cat(new))]
        # lanes in which a device has switched; a READ passes its states by the same way
        flipped = [Signal(lanes, name=f"flipped_{i}", reset_less=True) for i in range(p.devices)]
        with m.If(pulsed):
            m.d.sync += [plane.eq(flip) for plane, flip in zip(flipped, flips, strict=True)]
        with m.If(told):
            m.d.sync += [plane.eq(0) for plane in flipped[1:]]
            m.d.sync += flipped[0].eq(Mux(stage[2].coefficient[0], devices[-1], devices[0]))

        # events of the command, counted word by word in stage 2 and added up in stage 3
        driving = held(m, "driving", active(ArrayOp.SENSE_ROW, 1), any_of(list(macro.drive), lanes))
        conducting = nonzero & (driving | ~spread(sensed, lanes))
        reading = named(m, "reading", driven | sensed)
        products = self._counted(m, "products", reading, [(conducting, 1)])
        count = self._counted(m, "pulses", pulsed, [(pulse, 1) for pulse in pulses])
        widths = [(pulse & plane, 1 << bit) for pulse in pulses for bit, plane in enumerate(code_planes)]
        width = self._counted(m, "pulse_width", pulsed, widths)
        pulsed3 = active(ArrayOp.PULSE, 3)
        reading3 = (stage[3].op == ArrayOp.DRIVE_ROW) | (stage[3].op == ArrayOp.SENSE_ROW)
        switches = total(counted(m, "switches", [(flip, 1) for flip in flipped]))
        m.d.sync += answer.done.eq(valid[3])
        with m.If(valid[3]):
            m.d.sync += [
                answer.row.eq(stage[3].row),
                answer.row_sum.eq(row_sum),
                answer.products.eq(Mux(reading3, products, 0)),
                answer.pulses.eq(Mux(pulsed3, count, 0)),
                answer.pulse_width.eq(Mux(pulsed3, width, 0)),
                answer.switches.eq(0),
            ]
        with m.If(pulsed3):
            m.d.sync += answer.switches.eq(switches)
        with m.If(pulsed3 | active(ArrayOp.READ, 3)):
            m.d.sync += answer.lanes.eq(any_of(flipped, lanes))
        return m

    def _stuck(
        self, m: Module, accept: Value, valid: Value, row: Value, shape: tuple[int, int, int]
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
        m.d.comb += [read.addr.eq(row), read.en.eq(accept)]
        word = held(m, "stuck_word", valid, read.data)
        found = [word[at * lanes : (at + 1) * lanes] for at in range(2 * devices)]
        return found[:devices], found[devices:]

    def _columns(
        self,
        m: Module,
        driven: Value,
        shifted: Value,
        stage: Sequence[data.View],
        nonzero: Value,
        negative: Value,
        sums_out: data.View,
    ) -> None:
        """Column accumulators: coefficient * w in every lane, shifted out group by group, zeros behind."""
        lanes, group = self._parameters.lanes, self._parameters.group
        adding = Signal(name="adding")
        m.d.sync += adding.eq(driven)
        if self._parameters.devices == 2:
            nonzero = held(m, "weights_nonzero", driven, nonzero)
        negative = held(m, "weights_negative", driven, negative)
        planes = [Signal(lanes, name=f"column{bit}") for bit in range(self._geometry.column_bits)]
        product, carry = scale_trit(stage[3].coefficient, nonzero, negative)
        sums = add(m, "column", planes, extend(product, len(planes)), carry)
        with m.If(adding):
            m.d.sync += [plane.eq(value) for plane, value in zip(planes, sums, strict=True)]
        with m.If(shifted):
            m.d.sync += [plane.eq(plane >> group) for plane in planes]
            for lane in range(group):
                m.d.sync += sums_out[lane].eq(Cat(plane[lane] for plane in planes).as_signed())

    def _row_sum(self, m: Module, sensed: Value, nonzero: Value, negative: Value) -> Value:
        """Sum over the lanes of w * drive, in stage 3."""
        # in one's complement per lane, counted plane by plane; the carries make it two's complement
        terms = [(nonzero & (plane ^ negative), 1 << bit) for bit, plane in enumerate(self.macro.drive)]
        top, weight = terms.pop()
        terms += [(top, -weight), (nonzero & negative, 1)]
        return self._counted(m, "row_sum", sensed, terms)

    def _counted(self, m: Module, name: str, enable: Value, terms: Sequence[tuple[Value, int]]) -> Value:
        """Count the ones of weighted vectors, word by word in one cycle, added up in the next."""
        counts = counted(m, name, terms)
        return total([(held(m, f"{name}_{i}", enable, count), weight) for i, (count, weight) in enumerate(counts)])

    def _pulsed(self, m: Module, devices: Sequence[Value], increase: Value, active: Value) -> list[Signal]:
        """Devices that a pulse reaches: one vector per device, one bit per lane."""
        if self._parameters.scheme == "blind":
            return [named(m, f"pulsed_{i}", active) for i in range(len(devices))]
        if len(devices) == 1:
            return [named(m, "pulsed_0", active & (devices[0] ^ increase))]
        # the device that can go antiparallel first: the step then ends in the weak zero, which conducts least
        r1, r2 = devices
        neither = ~r1 & ~r2
        return [
            named(m, "pulsed_0", active & ((increase & neither) | (~increase & r1))),
            named(m, "pulsed_1", active & ((increase & r2) | (~increase & neither))),
        ]

    def _flips(
        self,
        m: Module,
        devices: Sequence[Value],
        pulses: Sequence[Signal],
        codes: Sequence[Value],
        increase: Value,
        words: Sequence[data.View],
        kinds: Sequence[Planes],
        table: Value | None,
    ) -> list[Signal]:
        """Devices that switch: pulsed, not yet in the state they are pulsed to, random word below the threshold."""
        # a pulse on R1 drives it to P when the weight shall increase, a pulse on R2 to AP
        targets = [increase, ~increase][: len(devices)]
        # with one draw per lane, it is for whichever device is pulsed
        either = any_of([pulse & target for pulse, target in zip(pulses, targets, strict=True)], len(increase))
        directions = targets if len(words) == len(devices) else [either]
        if len(words) < len(devices):
            second = pulses[-1]
            kinds = [[(second & b) | (~second & a) for a, b in zip(*kinds, strict=True)]]
        switches = [
            at_most(
                m,
                f"switch{i}",
                list(word),
                switching_table(m, f"threshold{i}", codes, direction, self._switching, of_kind, table),
            )
            for i, (word, direction, of_kind) in enumerate(zip(words, directions, kinds, strict=True))
        ]
        return [
            named(m, f"flip_{i}", pulse & (state ^ target) & switches[min(i, len(switches) - 1)])
            for i, (state, pulse, target) in enumerate(zip(devices, pulses, targets, strict=True))
        ]
