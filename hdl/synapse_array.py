"""The emulated array of stochastic-MTJ synapses (twin of `golden/synapse_array.py`).

This module is the macro: an analog array with the same ports takes its place without a change in the periphery. The
periphery sends commands, holds the column lines and counts `done`; it never looks inside.
"""

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, enum, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.geometry import Geometry
from golden.lfsr import LfsrParameters
from golden.synapse_array import ArrayParameters
from golden.tables import SwitchingParameters
from hdl.lfsr import Lfsr
from hdl.planes import add, any_of, at_most, counted, extend, held, named, ones, scale_trit, spread, total
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
    row : unsigned, in
        The command's row.
    sums : array of signed, in
        The group of a SENSE_COLUMNS.
    row_sum : signed, in
        The sum of a SENSE_ROW.
    switched : Signal(lanes), in
        Lanes in which a PULSE has switched a device.
    products, pulses, pulse_width, switches : unsigned, in
        Events of the command: non-zero products read, devices pulsed, sum of their width codes, devices switched.
        Instruments of the emulation; a macro that cannot observe them drives zero.
    """

    def __init__(self, parameters: ArrayParameters, geometry: Geometry, *, error_bits: int, code_bits: int) -> None:
        lanes = parameters.lanes
        both = lanes * parameters.devices
        row = max(1, (geometry.rows - 1).bit_length())
        command = data.StructLayout({"op": ArrayOp, "row": row, "coefficient": signed(error_bits)})
        super().__init__(
            {
                "command": Out(stream.Signature(command)),
                "drive": Out(data.ArrayLayout(lanes, error_bits)),
                "increase": Out(lanes),
                "codes": Out(data.ArrayLayout(lanes, code_bits)),
                "done": In(1),
                "row": In(row),
                "sums": In(data.ArrayLayout(signed(geometry.column_bits), parameters.group)),
                "row_sum": In(signed(geometry.row_bits)),
                "switched": In(lanes),
                "products": In(lanes.bit_length()),
                "pulses": In(both.bit_length()),
                "pulse_width": In((both * ((1 << code_bits) - 1)).bit_length()),
                "switches": In(both.bit_length()),
            }
        )


class SynapseArray(wiring.Component):
    """Behavioural array: block RAM for the device states, one row per cycle, switching by LFSR.

    Latency 4 cycles from accepted command to `done`, one command per cycle. A command to a row whose PULSE or FORM is
    still under way waits (`command.ready` low) until the new states can be read: 3 cycles when it follows at once.

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
            return valid[n] & ((stage[n].op == ArrayOp.PULSE) | (stage[n].op == ArrayOp.FORM))

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
        if p.devices == 2:
            nonzero, negative = named(m, "nonzero", r1 ^ r2), named(m, "negative", r2 & ~r1)
        else:
            nonzero, negative = ones(lanes), named(m, "negative", ~r1)
        self._columns(m, driven, active(ArrayOp.SENSE_COLUMNS, 3), stage, nonzero, negative)
        row_sum = self._row_sum(m, sensed, nonzero, negative)

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
        pulses = self._pulsed(m, devices, increase, any_of(code_planes, lanes))
        flips = self._flips(m, devices, pulses, code_planes, increase, words)
        top = self._switching.threshold_bits - 1
        formed_states = [words[0][top], words[-1][top if p.streams_per_lane == 2 else top - 1]]
        new = [Signal(lanes, name=f"new_{i}", reset_less=True) for i in range(p.devices)]
        with m.If(pulsed):
            m.d.sync += [state.eq(old ^ flip) for state, old, flip in zip(new, devices, flips, strict=True)]
        with m.If(formed):
            m.d.sync += [state.eq(value) for state, value in zip(new, formed_states, strict=False)]
        m.d.comb += [write.addr.eq(stage[3].row), write.en.eq(writing(3)), write.data.eq(Cat(new))]
        flipped = [held(m, f"flipped_{i}", pulsed, flip) for i, flip in enumerate(flips)]

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
        m.d.sync += macro.done.eq(valid[3])
        with m.If(valid[3]):
            m.d.sync += [
                macro.row.eq(stage[3].row),
                macro.row_sum.eq(row_sum),
                macro.products.eq(Mux(reading3, products, 0)),
                macro.pulses.eq(Mux(pulsed3, count, 0)),
                macro.pulse_width.eq(Mux(pulsed3, width, 0)),
                macro.switches.eq(0),
            ]
        with m.If(pulsed3):
            m.d.sync += [macro.switches.eq(switches), macro.switched.eq(any_of(flipped, lanes))]
        return m

    def _columns(
        self,
        m: Module,
        driven: Value,
        shifted: Value,
        stage: Sequence[data.View],
        nonzero: Value,
        negative: Value,
    ) -> None:
        """Column accumulators: coefficient * w in every lane, shifted out group by group, zeros behind."""
        lanes, group, macro = self._parameters.lanes, self._parameters.group, self.macro
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
                m.d.sync += macro.sums[lane].eq(Cat(plane[lane] for plane in planes).as_signed())

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
                switching_table(m, f"threshold{i}", codes, direction, self._switching),
            )
            for i, (word, direction) in enumerate(zip(words, directions, strict=True))
        ]
        return [
            named(m, f"flip_{i}", pulse & (state ^ target) & switches[min(i, len(switches) - 1)])
            for i, (state, pulse, target) in enumerate(zip(devices, pulses, targets, strict=True))
        ]
