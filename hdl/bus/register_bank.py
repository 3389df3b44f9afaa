"""Register bank of the block on a bus (twin of `golden/bus/register_bank.py`)."""

from amaranth.hdl import Cat, Const, Module, Mux, ShapeLike, Signal, Value, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.bus.register_bank import REFUSALS
from golden.bus.register_map import ADDRESS_BITS, DATA_BITS, WORD, Kind, Place, RegisterMap
from hdl.lib.planes import reg_en, wire

#: Bit of an address at which the number of its word begins.
WORD_AT = WORD.bit_length() - 1
#: An access: number of its word, what is written, which bytes of it, whether it writes.
RequestLayout = data.StructLayout({"word": ADDRESS_BITS - WORD_AT, "data": DATA_BITS, "strobes": WORD, "write": 1})
#: What becomes of it: what was read, whether it was refused.
AnswerLayout = data.StructLayout({"data": DATA_BITS, "error": 1})

#: log2 of the words in a block, among which the first stage of reading chooses.
_BLOCK_BITS = 4


def register_ports(registers: RegisterMap) -> dict[str, wiring.Member]:
    """Ports for the fields of a register map.

    Parameters
    ----------
    registers : RegisterMap
        The registers.

    Returns
    -------
    dict of str to wiring.Member
        By ``register_field``, lower-case, ``register`` alone if its only field is VALUE. A setting: Out, an array of
        registers as an array. A pulse: Out, one cycle of 1. A status: In. An event: In, which sets it; and for every
        register with events, by its name, Out: those that are set, lowest first. Of all counters together
        ``counter``, In, which one is given in this cycle, and ``count``, In, its value.
    """
    ports: dict[str, wiring.Member] = {}
    if registers.counters:
        ports["counter"] = In(range(len(registers.counters)))
        ports["count"] = In(registers.counters[0].fields[0].width)
    for register in registers.registers:
        if register.buffered:
            continue
        for part in register.fields:
            if part.kind is Kind.SETTING:
                shape = data.ArrayLayout(part.width, register.count) if register.count else unsigned(part.width)
                init = [part.reset] * register.count if register.count else part.reset
                ports[register.port(part)] = _out(shape, init)
            elif part.kind is not Kind.CONSTANT:
                ports[register.port(part)] = Out(1) if part.kind is Kind.PULSE else In(part.width)
        if register.events:
            init = sum(part.reset << bit for bit, part in enumerate(register.events))
            ports[register.name.lower()] = _out(unsigned(len(register.events)), init)
    return ports


def _out(shape: ShapeLike, init: object) -> wiring.Member:
    """Make an output that is a register with a reset value."""
    return Out(shape, init=init)  # pyright: ignore[reportCallIssue]  missing from the stubs


def register_meanings(registers: RegisterMap) -> dict[str, str]:
    """Meanings of the ports of `register_ports`, from the texts of the map."""
    meanings = {
        "counter": "Number of the counter that is given in this cycle; every counter has its turn, again and again.",
        "count": "Value of that counter.",
    }
    for register in registers.registers:
        for part in register.fields:
            sets = f"Sets {register.name}.{part.name}: " if part.kind is Kind.EVENT else ""
            meanings[register.port(part)] = sets + part.text
        if register.events:
            names = ", ".join(part.name for part in register.events)
            meanings[register.name.lower()] = f"Bits of {register.name} that are set, lowest first: {names}."
    return meanings


class RegisterBank(wiring.Component):
    """Holds what the host sets, shows it what the hardware says, and refuses what no register takes.

    One access at a time: the answer to a request comes in the next cycle, the next request 2 cycles later at the
    earliest. What a write changes shows in the cycle after the request, what hardware sets in the cycle after it did.
    A read sees the registers as they are when the request is taken. Of changes in the same cycle, setting by hardware
    wins over the access, `clear` over both. `clear` leaves the access alone.

    A read of a counter's low word waits for the counter's turn, which begins in the cycle after the request at the
    earliest, and is answered in the cycle after that.

    Parameters
    ----------
    registers : RegisterMap
        The registers; their ports are those of `register_ports`.

    Attributes
    ----------
    request : stream, in
        An access: number of its ``word``, ``data`` with one of ``strobes`` per byte, ``write``.
    answer : stream, out
        What becomes of it: ``data`` of a read, else 0; ``error``: it was refused and has changed nothing.
    clear : Signal(1), in
        All registers return to their reset values.
    unmapped, read_only : Signal(1), out
        High for one cycle after an access was refused, for this reason.
    """

    def __init__(self, registers: RegisterMap) -> None:
        self._registers = registers
        #: Meanings of the ports that the register map makes.
        self.meanings = register_meanings(registers)
        super().__init__(
            {
                "request": In(stream.Signature(RequestLayout)),
                "answer": Out(stream.Signature(AnswerLayout)),
                "clear": In(1),
                **{name: Out(1) for name in REFUSALS},
                **register_ports(registers),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        request, answer = self.request.payload, self.answer
        # a request has been taken, and there is its answer, or it is a counter whose turn has not come
        answering, seeking = Signal(name="answering"), Signal(name="seeking")
        m.d.comb += self.request.ready.eq(~answering & ~seeking)
        taken = wire(m, "taken", self.request.valid & self.request.ready)
        refused = self._refuse(m, taken)
        # other reasons to refuse need not be known: an address that matches no register does nothing
        reads = wire(m, "reads", taken & ~request.write)
        writes = wire(m, "writes", taken & request.write)

        high = Signal(self._high_bits, name="high")
        counts, turn = self._seek(m, reads, seeking, high) if self._registers.counters else (Const(0), Const(0))
        word = self._select(m, reads, high, turn)
        failed = reg_en(m, "failed", taken, refused)
        silent = reg_en(m, "silent", taken, refused | request.write)
        m.d.comb += [
            self.answer.valid.eq(answering),
            answer.payload.data.eq(Mux(silent, 0, word)),
            answer.payload.error.eq(failed),
        ]
        with m.If((taken & ~counts) | turn):
            m.d.sync += answering.eq(1)
        with m.Elif(answer.ready):
            m.d.sync += answering.eq(0)

        self._write(m, writes)
        return m

    def _refuse(self, m: Module, taken: Signal) -> Signal:
        """Tell whether the request is refused, and why. A write of no byte never is."""
        request, places = self.request.payload, self._registers.places
        writable = [address // WORD for address, place in places.items() if place.register.writable]
        others = [address // WORD for address, place in places.items() if not place.register.writable]
        unmapped, read_only = Signal(name="is_unmapped"), Signal(name="is_read_only")
        matters = wire(m, "matters", ~request.write | request.strobes.any())
        m.d.comb += unmapped.eq(matters)
        with m.Switch(request.word):
            with m.Case(*writable):
                m.d.comb += unmapped.eq(0)
            with m.Case(*others):
                m.d.comb += [unmapped.eq(0), read_only.eq(request.write & matters)]
        for reason, signal in zip(REFUSALS, (unmapped, read_only), strict=True):
            m.d.sync += getattr(self, reason).eq(taken & signal)
        return wire(m, "refused", unmapped | read_only)

    def _seek(self, m: Module, reads: Signal, seeking: Signal, high: Signal) -> tuple[Value, Value]:
        """Copy what is above a counter's low word in its turn; tell whether a counter is read, and when its turn is."""
        counters, word = self._registers.counters, self.request.payload.word
        first = counters[0].address // WORD
        counts, forget = Signal(name="counts"), Signal(name="forget")
        with m.Switch(word), m.Case(*(first + 2 * number for number in range(len(counters)))):
            m.d.comb += counts.eq(reads)
        sought = reg_en(m, "sought", reads, (word - first)[1:][: len(self.counter)])
        with m.If(counts):
            m.d.sync += [seeking.eq(1), forget.eq(self.clear)]
        turn = wire(m, "turn", seeking & (self.counter == sought))
        with m.If(turn):
            m.d.sync += [seeking.eq(0), high.eq(Mux(forget, 0, self.count[DATA_BITS:]))]
        # the copy of a read that has begun before all registers returned to their reset values is one of them
        with m.If(self.clear):
            m.d.sync += [high.eq(0), forget.eq(1)]
        return counts, turn

    def _select(self, m: Module, reads: Signal, high: Signal, turn: Value) -> Value:
        """Select what is read, in two stages: one word of every block of words, then one block.

        Of a counter it is the low word, when its turn comes, or the copy of what is above.
        """
        number, places = self.request.payload.word, self._registers.places
        blocks: dict[int, dict[int, Place]] = {}
        for at, place in places.items():
            if not place.register.buffered:
                block, inside = divmod(at // WORD, 1 << _BLOCK_BITS)
                blocks.setdefault(block, {})[inside] = place
        chosen = reg_en(m, "chosen", reads, number[_BLOCK_BITS:])
        words: dict[int, Signal] = {}
        for block, inside in blocks.items():
            words[block] = one = Signal(DATA_BITS, name=f"word_of_block{block}", reset_less=True)
            with m.If(reads), m.Switch(number[:_BLOCK_BITS]):
                for at, place in inside.items():
                    with m.Case(at):
                        m.d.sync += one.eq(self._value(place)[DATA_BITS * place.word :])
        word = Signal(DATA_BITS, name="word")
        with m.Switch(chosen):
            for block, one in words.items():
                with m.Case(block):
                    m.d.comb += word.eq(one)
        if not self._registers.counters:
            return word
        counters = Signal(name="counters")
        with (
            m.Switch(number),
            m.Case(*(at // WORD for at, place in places.items() if place.register.buffered)),
        ):
            m.d.comb += counters.eq(1)
        counted = reg_en(m, "counted", reads | turn, Mux(turn, self.count[:DATA_BITS], high))
        return Mux(reg_en(m, "of_counter", reads, counters), counted, word)

    @property
    def _high_bits(self) -> int:
        """Most bits of a register, above its low word, that are copied when that is read."""
        widths = [counter.fields[0].width for counter in self._registers.counters]
        return max([DATA_BITS, *widths]) - DATA_BITS

    def _value(self, place: Place) -> Value:
        """Value of a whole register."""
        register, bits, end = place.register, [], 0
        for part in register.fields:
            bits.append(Const(0, part.lsb - end))
            end = part.lsb + part.width
            if part.kind in (Kind.CONSTANT, Kind.PULSE):
                bits.append(Const(part.reset, part.width))
            elif part.kind is Kind.EVENT:
                bits.append(getattr(self, register.name.lower())[register.events.index(part)])
            else:
                port = getattr(self, register.port(part))
                bits.append(port[place.index] if register.count else port)
        return Cat(*bits, Const(0, register.width - end))

    def _write(self, m: Module, writes: Signal) -> None:
        """Write, and what hardware changes: events, the end of pulses, the return to reset values."""
        request = self.request.payload
        changed: list[Signal] = []
        cleared: dict[str, Signal] = {}
        for register in self._registers.registers:
            if register.events:
                name = register.name.lower()
                events = getattr(self, name)
                cleared[name] = Signal(len(events), name=f"{name}_cleared")
                sets = Cat(*(getattr(self, register.port(part)) for part in register.events))
                m.d.sync += events.eq(events & ~cleared[name] | sets)
                changed.append(events)
            for part in register.fields:
                if part.kind is Kind.PULSE:
                    m.d.sync += getattr(self, register.port(part)).eq(0)
                if part.kind in (Kind.SETTING, Kind.PULSE):
                    # an array of registers is a view of its signal
                    changed.append(Value.cast(getattr(self, register.port(part))))
        with m.If(writes), m.Switch(request.word):
            for at, place in self._registers.places.items():
                if place.register.writable:
                    with m.Case(at // WORD):
                        self._write_word(m, place, cleared)
        with m.If(self.clear):
            for signal in changed:
                m.d.sync += signal.eq(signal.init)

    def _write_word(self, m: Module, place: Place, cleared: dict[str, Signal]) -> None:
        """Write the bytes of a word whose strobes are set."""
        request, register = self.request.payload, place.register
        for byte in range(WORD):
            with m.If(request.strobes[byte]):
                for part in register.fields:
                    low, high = max(part.lsb, 8 * byte), min(part.lsb + part.width, 8 * byte + 8)
                    if low >= high or part.kind in (Kind.CONSTANT, Kind.STATUS):
                        continue
                    written = request.data[low:high]
                    if part.kind is Kind.EVENT:
                        m.d.comb += cleared[register.name.lower()][register.events.index(part)].eq(written)
                        continue
                    port = getattr(self, register.port(part))
                    target = port[place.index] if register.count else port
                    m.d.sync += target[low - part.lsb : high - part.lsb].eq(written)
