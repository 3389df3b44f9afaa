"""The model of the register bank (twin of `hdl/bus/register_bank.py`).

Nothing here knows a register by name but `ERROR` and `INTERRUPT`, which the bank's own refusals set.
"""

from collections.abc import Collection
from dataclasses import dataclass

from golden.bus.register_map import DATA_BITS, WORD, Kind, Place, RegisterMap

#: Why an access is refused; each has a pulse of the bank and a bit of ERROR.
REFUSALS = ("unmapped", "read_only")


@dataclass(frozen=True)
class Request:
    """An access.

    Attributes
    ----------
    address : int
        Byte address; its two low bits are ignored.
    write : bool
        Whether it writes.
    data : int
        What it writes.
    strobes : int
        Which bytes of it, one bit each, lowest first.
    """

    address: int
    write: bool = False
    data: int = 0
    strobes: int = (1 << WORD) - 1

    @property
    def mask(self) -> int:
        """The bits that are written."""
        return sum(0xFF << 8 * byte for byte in range(WORD) if self.strobes >> byte & 1)

    @property
    def word(self) -> int:
        """Byte address of its word."""
        return self.address - self.address % WORD


@dataclass(frozen=True)
class Answer:
    """What becomes of an access.

    Attributes
    ----------
    data : int
        What was read; 0 for a write and for a refused read.
    refusal : str
        Why it was refused, one of `REFUSALS`; empty if it was not.
    pulses : tuple of str
        Ports that are 1 in the next cycle alone, the refusal's among them.
    """

    data: int = 0
    refusal: str = ""
    pulses: tuple[str, ...] = ()


class RegisterBank:
    """Golden model of the register bank.

    Parameters
    ----------
    registers : RegisterMap
        The registers.

    Attributes
    ----------
    inputs : dict of str to int
        Port -> value, of every field that hardware gives.
    outputs : dict of str to list of int
        Port -> values, of every setting (one value, or one per element of an array) and every event.
    """

    def __init__(self, registers: RegisterMap) -> None:
        self.registers = registers
        self.inputs = {register.port(part): 0 for register, part in registers.fields() if part.kind is Kind.STATUS}
        self.outputs: dict[str, list[int]] = {}
        self._high = 0
        self.clear()

    def clear(self) -> None:
        """Return to the reset values."""
        self._high = 0
        for register, part in self.registers.fields():
            if part.kind in (Kind.SETTING, Kind.EVENT):
                self.outputs[register.port(part)] = [part.reset] * max(1, register.count)

    @property
    def state(self) -> tuple[object, ...]:
        """All that it remembers, to compare."""
        return (self._high, *((port, tuple(values)) for port, values in self.outputs.items()))

    def copy(self) -> "RegisterBank":
        """Make another bank in the same state, with the same inputs."""
        other = RegisterBank(self.registers)
        other.inputs = dict(self.inputs)
        other.outputs = {port: list(values) for port, values in self.outputs.items()}
        other._high = self._high
        return other

    def refusal(self, request: Request) -> str:
        """Say why an access is refused; empty if it is not. A write of no byte never is."""
        if request.write and not request.strobes:
            return ""
        place = self.registers.places.get(request.word)
        if place is None:
            return "unmapped"
        return "read_only" if request.write and not place.register.writable else ""

    def step(self, request: Request | None = None, events: Collection[str] = (), clear: bool = False) -> Answer | None:
        """Let one cycle pass.

        A read sees what was before the cycle. Of all that changes a bit in the same cycle the last one wins: what the
        access writes or clears, what hardware sets, the return to reset values.

        Parameters
        ----------
        request : Request, optional
            An access that is taken in this cycle.
        events : collection of str
            Ports of the events that hardware sets.
        clear : bool
            Whether everything returns to its reset value.

        Returns
        -------
        Answer or None
            The answer to `request`.
        """
        answer = None if request is None else self._answer(request)
        for port in events:
            self.outputs[port] = [1]
        if clear:
            self.clear()
            if answer is not None:
                answer = Answer(answer.data, answer.refusal, (answer.refusal,) if answer.refusal else ())
        return answer

    def access(self, request: Request) -> Answer:
        """Access the bank in its place in the block: refusals set bits of ERROR, whose level INTERRUPT.ERROR is."""
        errors = self.registers["ERROR"]
        self.inputs["interrupt_error"] = int(any(self.outputs[errors.port(part)][0] for part in errors.events))
        answer = self._answer(request)
        if answer.refusal:
            self.step(events=(f"error_{answer.refusal}",))
        return answer

    def read(self, address: int) -> Answer:
        """Read a word, as `access` does."""
        return self.access(Request(address))

    def write(self, address: int, data: int, strobes: int = (1 << WORD) - 1) -> Answer:
        """Write bytes of a word, as `access` does."""
        return self.access(Request(address, True, data, strobes))

    def _answer(self, request: Request) -> Answer:
        refusal = self.refusal(request)
        if refusal:
            return Answer(0, refusal, (refusal,))
        if request.write and not request.strobes:
            return Answer()
        place = self.registers.places[request.word]
        if request.write:
            return Answer(pulses=self._write(place, request))
        value = self._value(place)
        if place.register.buffered and place.word == 0:
            self._high = value >> DATA_BITS
        elif place.register.buffered:
            return Answer(self._high)
        return Answer(value >> DATA_BITS * place.word & (1 << DATA_BITS) - 1)

    def _value(self, place: Place) -> int:
        """Value of a whole register."""
        value = 0
        for part in place.register.fields:
            port = place.register.port(part)
            if part.kind is Kind.CONSTANT:
                value |= part.reset << part.lsb
            elif part.kind is Kind.STATUS:
                value |= self.inputs[port] << part.lsb
            elif part.kind is not Kind.PULSE:
                value |= self.outputs[port][place.index] << part.lsb
        return value

    def _write(self, place: Place, request: Request) -> tuple[str, ...]:
        """Write; return the ports that pulse."""
        pulses = []
        for part in place.register.fields:
            port = place.register.port(part)
            written = (request.mask & part.mask) >> part.lsb
            data = request.data >> part.lsb & written
            if part.kind is Kind.SETTING:
                held = self.outputs[port]
                held[place.index] = held[place.index] & ~written | data
            elif part.kind is Kind.EVENT:
                self.outputs[port] = [self.outputs[port][0] & ~data]
            elif part.kind is Kind.PULSE and data:
                pulses.append(port)
        return tuple(pulses)
