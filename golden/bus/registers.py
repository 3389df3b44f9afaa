"""The register map of the block on a bus, and the model of its register bank (twin of `hdl/bus/register_bank.py`).

The map is made by `gen/register_map.py` from `gen/registers.rdl`; nothing here knows a register by name but `ERROR` and
`INTERRUPT`, which the bank's own refusals set.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

#: Width of a byte address, and of the data of one access.
ADDRESS_BITS, DATA_BITS = 10, 32
#: Bytes of a word.
WORD = DATA_BITS // 8

#: Why an access is refused, the first reason that holds; each has a pulse of the bank and a bit of ERROR.
REFUSALS = ("unaligned", "unmapped", "read_only")


class Kind(Enum):
    """What a field is; the value is how the host may access it."""

    CONSTANT = "constant"  #: never changes
    STATUS = "status"  #: given by hardware
    SETTING = "setting"  #: written and read by the host
    PULSE = "pulse"  #: a written 1 gives one cycle of 1; reads 0
    EVENT = "event"  #: set by hardware, cleared by a written 1

    @property
    def access(self) -> str:
        """How the host may access it: ``r``, ``rw``, ``pulse`` or, cleared by writing 1, ``w1c``."""
        return {Kind.SETTING: "rw", Kind.PULSE: "pulse", Kind.EVENT: "w1c"}.get(self, "r")


@dataclass(frozen=True)
class Field:
    """A field of a register.

    Attributes
    ----------
    name : str
        Its name, upper-case.
    lsb, width : int
        Where it is.
    kind : Kind
        What it is.
    text : str
        What it means.
    reset : int
        Value after reset, and for ever where the field is constant.
    values : dict of str to int
        Names of values.
    """

    name: str
    lsb: int
    width: int
    kind: Kind
    text: str = ""
    reset: int = 0
    values: dict[str, int] = field(default_factory=dict)

    @property
    def mask(self) -> int:
        """Its bits in the register."""
        return (1 << self.width) - 1 << self.lsb


@dataclass(frozen=True)
class Register:
    """A register, or an array of registers.

    Attributes
    ----------
    name : str
        Its name, upper-case.
    address : int
        Byte address, of the first one of an array.
    width : int
        Bits, a multiple of 32.
    fields : tuple of Field
        Its fields, lowest first; other bits read 0 and ignore what is written.
    text : str
        What it means.
    count, stride : int
        Registers of an array and bytes from one to the next; 0 where it is no array.
    buffered : bool
        A counter: reading the lowest word copies the words above it, which is what their next read returns.

    Raises
    ------
    ValueError
        If the fields do not fit, or are of a kind that such a register cannot have.
    """

    name: str
    address: int
    width: int
    fields: tuple[Field, ...]
    text: str = ""
    count: int = 0
    stride: int = 0
    buffered: bool = False

    def __post_init__(self) -> None:
        taken = 0
        for part in self.fields:
            where = f"{self.name}.{part.name}"
            if part.mask >> self.width or taken & part.mask:
                raise ValueError(f"{where} does not fit its register")
            taken |= part.mask
            if part.reset >> part.width:
                raise ValueError(f"{where} has a reset value of more than {part.width} bits")
            if self.count and part.kind is not Kind.SETTING:
                raise ValueError(f"{where}: only settings can be in an array")
            if part.kind not in (Kind.CONSTANT, Kind.STATUS) and self.width != DATA_BITS:
                raise ValueError(f"{where}: what is written fits one word")
            if part.kind in (Kind.PULSE, Kind.EVENT) and part.width != 1:
                raise ValueError(f"{where}: a pulse or an event is one bit")
        if self.buffered and (
            self.width != 2 * DATA_BITS
            or [(part.kind, part.lsb) for part in self.fields] != [(Kind.STATUS, 0)]
            or self.fields[0].width <= DATA_BITS
        ):
            raise ValueError(f"{self.name}: a counter is one number that hardware gives, of more than one word")

    @property
    def words(self) -> int:
        """Words of one register."""
        return self.width // DATA_BITS

    @property
    def writable(self) -> bool:
        """Whether any of its bits can be written."""
        return any(part.kind not in (Kind.CONSTANT, Kind.STATUS) for part in self.fields)

    @property
    def events(self) -> tuple[Field, ...]:
        """Its fields that hardware sets."""
        return tuple(part for part in self.fields if part.kind is Kind.EVENT)

    def port(self, part: Field) -> str:
        """Name of a field's port of the register bank."""
        name = self.name if [part.name] == ["VALUE"] * len(self.fields) else f"{self.name}_{part.name}"
        return name.lower()


@dataclass(frozen=True)
class Place:
    """What is at an address.

    Attributes
    ----------
    register : Register
        The register.
    index : int
        Which one of an array, else 0.
    word : int
        Which word of it, the lowest is 0.
    """

    register: Register
    index: int
    word: int


@dataclass(frozen=True)
class RegisterMap:
    """All registers of the block.

    Attributes
    ----------
    registers : tuple of Register
        By address.

    Raises
    ------
    ValueError
        If registers overlap, are not aligned or outside the addresses, counters do not follow one another or are not of
        one width, or two ports have the same name.
    """

    registers: tuple[Register, ...]

    def __post_init__(self) -> None:
        ports = [register.port(part) for register, part in self.fields()]
        ports += [register.name.lower() for register in self.registers if register.events]
        for name in ports:
            if ports.count(name) > 1:
                raise ValueError(f"two ports are called {name}")
        if len(self.places) != sum(max(1, register.count) * register.words for register in self.registers):
            raise ValueError("registers overlap")
        for address in self.places:
            if address % WORD or address >> ADDRESS_BITS:
                raise ValueError(f"there cannot be a register at {address:#x}")
        for number, counter in enumerate(self.counters):
            first = self.counters[0]
            if counter.address != first.address + 2 * WORD * number or counter.fields[0].width != first.fields[0].width:
                raise ValueError(f"{counter.name}: counters follow one another and are of one width")

    @cached_property
    def places(self) -> dict[int, Place]:
        """What is at every address that has a register."""
        return {
            register.address + index * register.stride + WORD * word: Place(register, index, word)
            for register in self.registers
            for index in range(max(1, register.count))
            for word in range(register.words)
        }

    @cached_property
    def counters(self) -> tuple[Register, ...]:
        """The counters, which are read from where they are kept, not from ports of their own."""
        return tuple(register for register in self.registers if register.buffered)

    def fields(self) -> Iterator[tuple[Register, Field]]:
        """Yield every field with its register."""
        for register in self.registers:
            for part in register.fields:
                yield register, part

    def __getitem__(self, name: str) -> Register:
        for register in self.registers:
            if register.name == name:
                return register
        raise KeyError(name)


@dataclass(frozen=True)
class Request:
    """An access.

    Attributes
    ----------
    address : int
        Byte address.
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
        """Say why an access is refused; empty if it is not."""
        if request.address % WORD:
            return "unaligned"
        place = self.registers.places.get(request.address)
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
        place = self.registers.places[request.address]
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
