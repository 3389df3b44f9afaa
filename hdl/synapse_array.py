"""The emulated array of stochastic-MTJ synapses (twin of `golden/synapse_array.py`).

This module is the macro: an analog array with the same ports takes its place without a change in the periphery. The
periphery sends commands, holds the column lines and counts `done`; it never looks inside.
"""

from collections.abc import Sequence

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, enum, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.geometry import Geometry
from golden.lfsr import LfsrParameters
from golden.synapse_array import ArrayParameters
from golden.tables import SwitchingParameters
from hdl.lfsr import Lfsr
from hdl.planes import add, any_of, at_most, extend, named, population, scale_trit
from hdl.tables import switching_table


class ArrayOp(enum.Enum, shape=3):
    """Commands of the macro."""

    DRIVE_ROW = 0  #: drive a row with the coefficient; every column accumulates coefficient * w
    SENSE_COLUMNS = 1  #: read out the next group of column sums and clear it
    SENSE_ROW = 2  #: drive all columns, sense the row
    FORM = 3  #: put the row's devices into random states
    PULSE = 4  #: write pulses on the row


class ArraySignature(wiring.Signature):
    """The macro boundary, seen from the periphery.

    Parameters
    ----------
    parameters : ArrayParameters
        Lanes, group, synapse and scheme.
    geometry : Geometry
        Rows and the widths of sums.
    error_bits : int
        Width of coefficients and column drive.
    code_bits : int
        Width of a width code.

    Attributes
    ----------
    command : stream, out
        ``op``, ``row``, ``coefficient``; accepted in any cycle with valid and ready.
    drive : planes, out
        Column drive, signed, one number per lane; stable while a SENSE_ROW is not done.
    increase : Signal(lanes), out
        Polarity of a PULSE, valid with its command.
    codes : planes, out
        Width codes of a PULSE, valid with its command.
    done : Signal(1), in
        High for one cycle per command, in order of the commands; never stalled. The signals below are valid with it.
    sums : array of signed, in
        The group of a SENSE_COLUMNS.
    row_sum : signed, in
        The sum of a SENSE_ROW.
    products, pulses, pulse_width, switches : unsigned, in
        Events of the command: non-zero products read, devices pulsed, sum of their width codes, devices switched.
        Instruments of the emulation; a macro that cannot observe them drives zero.
    """

    def __init__(self, parameters: ArrayParameters, geometry: Geometry, *, error_bits: int, code_bits: int) -> None:
        lanes = parameters.lanes
        both = lanes * parameters.devices
        command = data.StructLayout(
            {"op": ArrayOp, "row": max(1, (geometry.rows - 1).bit_length()), "coefficient": signed(error_bits)}
        )
        super().__init__(
            {
                "command": Out(stream.Signature(command)),
                "drive": Out(data.ArrayLayout(lanes, error_bits)),
                "increase": Out(lanes),
                "codes": Out(data.ArrayLayout(lanes, code_bits)),
                "done": In(1),
                "sums": In(data.ArrayLayout(signed(geometry.column_bits), parameters.group)),
                "row_sum": In(signed(geometry.row_bits)),
                "products": In(lanes.bit_length()),
                "pulses": In(both.bit_length()),
                "pulse_width": In((both * ((1 << code_bits) - 1)).bit_length()),
                "switches": In(both.bit_length()),
            }
        )


class SynapseArray(wiring.Component):
    """Behavioural array: block RAM for the device states, one row per cycle, switching by LFSR.

    Latency 3 cycles from accepted command to `done`, one command per cycle. A command to a row whose PULSE or FORM is
    still under way waits (`command.ready` low) until the new states can be read: 2 cycles when it follows at once.

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
        *,
        error_bits: int,
    ) -> None:
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

        m.submodules.states = states = memory.Memory(
            shape=unsigned(p.devices * lanes), depth=self._geometry.rows, init=[]
        )
        read, write = states.read_port(), states.write_port()

        # stage 0: accept, present the row to the memory; stage 1: states leave the memory; stage 2: act on them
        accept = named(m, "accept", macro.command.valid & macro.command.ready)
        stage1 = Signal(command.shape(), name="stage1")
        stage2 = Signal(command.shape(), name="stage2")
        valid1, valid2 = Signal(name="valid1"), Signal(name="valid2")
        increase1, increase2 = Signal(lanes, name="increase1"), Signal(lanes, name="increase2")
        codes1, codes2 = Signal(macro.codes.shape(), name="codes1"), Signal(macro.codes.shape(), name="codes2")
        r1, r2 = Signal(lanes, name="r1"), Signal(lanes, name="r2")
        m.d.comb += [read.addr.eq(command.row), read.en.eq(1)]
        m.d.sync += [
            valid1.eq(accept),
            valid2.eq(valid1),
            stage1.eq(command),
            stage2.eq(stage1),
            increase1.eq(macro.increase),
            increase2.eq(increase1),
            codes1.eq(macro.codes),
            codes2.eq(codes1),
            Cat(r1, r2)[: p.devices * lanes].eq(read.data),
        ]

        def writes(valid: Signal, stage: data.View) -> Value:
            return valid & ((stage.op == ArrayOp.PULSE) | (stage.op == ArrayOp.FORM)) & (stage.row == command.row)

        m.d.comb += macro.command.ready.eq(~(writes(valid1, stage1) | writes(valid2, stage2)))

        if p.devices == 2:
            nonzero, negative = named(m, "nonzero", r1 ^ r2), named(m, "negative", r2 & ~r1)
        else:
            nonzero, negative = named(m, "nonzero", r1 | ~r1), named(m, "negative", ~r1)

        def active(op: ArrayOp) -> Signal:
            return named(m, f"act_{op.name.lower()}", valid2 & (stage2.op == op))

        driven, sensed = active(ArrayOp.DRIVE_ROW), active(ArrayOp.SENSE_ROW)
        shifted, pulsed = active(ArrayOp.SENSE_COLUMNS), active(ArrayOp.PULSE)
        formed = active(ArrayOp.FORM)

        # column accumulators: coefficient * w in every lane, shifted out group by group, zeros behind
        planes = [Signal(lanes, name=f"column{bit}") for bit in range(self._geometry.column_bits)]
        product, carry = scale_trit(stage2.coefficient, nonzero, negative)
        total = add(m, "column", planes, extend(product, len(planes)), carry)
        with m.If(driven):
            m.d.sync += [plane.eq(value) for plane, value in zip(planes, total, strict=True)]
        with m.If(shifted):
            m.d.sync += [plane.eq(plane >> p.group) for plane in planes]
        for lane in range(p.group):
            m.d.sync += macro.sums[lane].eq(Cat(plane[lane] for plane in planes).as_signed())

        # row sum: w * drive in one's complement per lane, counted plane by plane; the carries make it two's complement
        terms = [named(m, f"term{bit}", nonzero & (plane ^ negative)) for bit, plane in enumerate(macro.drive)]
        counts = [population(m, f"count{bit}", term) for bit, term in enumerate(terms)]
        row_sum = population(m, "count_carry", nonzero & negative)
        for bit, count in enumerate(counts[:-1]):
            row_sum = row_sum + (count << bit)
        m.d.sync += macro.row_sum.eq(row_sum - (counts[-1] << (len(counts) - 1)))

        # one random stream per lane, or one per device when a pulse reaches both
        words = []
        for stream_ in range(p.streams_per_lane):
            m.submodules[f"lfsr{stream_}"] = bank = Lfsr(
                self._lfsr,
                first=stream_ * lanes,
                lanes=lanes,
                streams=p.streams_per_lane * lanes,
                bits=self._switching.threshold_bits,
            )
            m.d.comb += bank.draw.eq(pulsed | formed)
            words.append(bank.word)

        devices = [r1, r2][: p.devices]
        pulses = self._pulsed(m, devices, increase2, any_of(list(codes2), lanes))
        flips = self._flips(m, devices, pulses, codes2, increase2, words)
        pulsed_states = Cat(
            named(m, f"new_{i}", state ^ flip) for i, (state, flip) in enumerate(zip(devices, flips, strict=True))
        )
        top = self._switching.threshold_bits - 1
        formed_states = [words[0][top], words[-1][top if p.streams_per_lane == 2 else top - 1]][: p.devices]
        m.d.comb += [
            write.addr.eq(stage2.row),
            write.en.eq(pulsed | formed),
            write.data.eq(Mux(formed, Cat(formed_states), pulsed_states)),
        ]

        drive_nonzero = any_of(list(macro.drive), lanes)
        conducting = nonzero & (drive_nonzero | ~sensed.replicate(lanes))
        read_products = population(m, "count_products", conducting)
        count_pulses = [population(m, f"count_pulse{i}", pulse) for i, pulse in enumerate(pulses)]
        count_switches = [population(m, f"count_flip{i}", flip) for i, flip in enumerate(flips)]
        widths = [
            population(m, f"count_width{i}_{bit}", pulse & plane) << bit
            for i, pulse in enumerate(pulses)
            for bit, plane in enumerate(codes2)
        ]
        m.d.sync += [
            macro.done.eq(valid2),
            macro.products.eq(Mux(driven | sensed, read_products, 0)),
            macro.pulses.eq(Mux(pulsed, sum(count_pulses[1:], count_pulses[0]), 0)),
            macro.pulse_width.eq(Mux(pulsed, sum(widths[1:], widths[0]), 0)),
            macro.switches.eq(Mux(pulsed, sum(count_switches[1:], count_switches[0]), 0)),
        ]
        return m

    def _pulsed(self, m: Module, devices: Sequence[Signal], increase: Signal, active: Value) -> list[Signal]:
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
        devices: Sequence[Signal],
        pulses: Sequence[Signal],
        codes: data.View,
        increase: Signal,
        words: Sequence[data.View],
    ) -> list[Signal]:
        """Devices that switch: pulsed, not yet in the state they are pulsed to, random word below the threshold."""
        # a pulse on R1 drives it to P when the weight shall increase, a pulse on R2 to AP
        targets = [increase, ~increase][: len(devices)]
        # with one draw per lane, it is for whichever device is pulsed
        either = any_of([pulse & target for pulse, target in zip(pulses, targets, strict=True)], len(increase))
        directions = targets if len(words) == len(devices) else [either]
        switches = [
            at_most(
                m,
                f"switch{i}",
                list(word),
                switching_table(m, f"threshold{i}", list(codes), direction, self._switching),
            )
            for i, (word, direction) in enumerate(zip(words, directions, strict=True))
        ]
        return [
            named(m, f"flip_{i}", pulse & (state ^ target) & switches[min(i, len(switches) - 1)])
            for i, (state, pulse, target) in enumerate(zip(devices, pulses, targets, strict=True))
        ]
