"""Registers by name, as the manifest of a design describes them."""

import re
from dataclasses import dataclass
from typing import Any

from golden.bus.transport import Transport
from golden.lib.errors import UserError

_WORD = 32


class MachineError(UserError):
    """The machine is misused, or says that it was; the message is one line.

    Attributes
    ----------
    names : tuple of str
        Fields of the register ERROR that say how.
    """

    def __init__(self, names: tuple[str, ...], message: str) -> None:
        super().__init__(message)
        self.names = names


@dataclass(frozen=True)
class FieldPlace:
    """A field of a register.

    Attributes
    ----------
    lsb, width : int
        Where it is.
    access : str
        ``r``, ``rw``, ``pulse`` (a written 1 does something once) or ``w1c`` (a written 1 clears it).
    reset : int
        Value after reset.
    text : str
        What it means.
    values : dict of str to int
        Names of values.
    """

    lsb: int
    width: int
    access: str
    reset: int
    text: str
    values: dict[str, int]

    @property
    def limit(self) -> int:
        """Largest value."""
        return (1 << self.width) - 1


@dataclass(frozen=True)
class RegisterPlace:
    """A register, or an array of registers.

    Attributes
    ----------
    address : int
        Byte address.
    words : int
        Words of one register.
    writable : bool
        Whether it takes writes.
    count, stride : int
        Registers of an array and bytes from one to the next; 0 where it is none.
    fields : dict of str to Field
        Its fields.
    """

    address: int
    words: int
    writable: bool
    count: int
    stride: int
    fields: dict[str, FieldPlace]

    def settings(self, value: int) -> int:
        """Take from a register's value what was set in it: nothing that a write would do or clear."""
        return value & sum(field.limit << field.lsb for field in self.fields.values() if field.access == "rw")


def _register(entry: dict[str, Any]) -> RegisterPlace:
    fields = {
        name: FieldPlace(
            field["lsb"], field["width"], field["access"], field["reset"], field["text"], field.get("values", {})
        )
        for name, field in entry["fields"].items()
    }
    writable, array = entry["access"] != "r", (entry.get("count", 0), entry.get("stride", 0))
    return RegisterPlace(entry["address"], entry["width"] // _WORD, writable, *array, fields)


class Registers:
    """Reads and writes registers and fields by name.

    A name is ``REGISTER``, ``REGISTER.FIELD``, or ``REGISTER[2]`` for one of an array.

    Parameters
    ----------
    transport : Transport
        The way to the machine.
    described : dict
        Entry ``registers`` of the manifest.

    Attributes
    ----------
    registers : dict of str to Register
        All registers.
    """

    def __init__(self, transport: Transport, described: dict[str, Any]) -> None:
        self._transport = transport
        self.registers = {name: _register(entry) for name, entry in described.items()}

    def read(self, name: str) -> int:
        """Read a register, low word first, or a field.

        Raises
        ------
        ValueError
            If there is no such register or field.
        """
        register, address, field = self._find(name)
        value = sum(self._transport.read(address + 4 * word) << _WORD * word for word in range(register.words))
        return value if field is None else value >> field.lsb & field.limit

    def write(self, name: str, value: int | str) -> None:
        """Write a register, or a field alone: others keep what is set in them, and do or clear nothing.

        Parameters
        ----------
        name : str
            Which.
        value : int or str
            A number, or the name of a value of a field.

        Raises
        ------
        ValueError
            If there is no such register, field or value.
        MachineError
            If it cannot be written.
        """
        register, address, field = self._find(name)
        if not register.writable or (field is not None and field.access == "r"):
            raise self.error("READ_ONLY", detail=name)
        number = self._number(name, register, field, value)
        if field is None:
            self._transport.write(address, number)
            return
        others = any(other.access == "rw" and other is not field for other in register.fields.values())
        kept = register.settings(self._transport.read(address)) if others else 0
        self._transport.write(address, kept & ~(field.limit << field.lsb) | number << field.lsb)

    def error(self, *names: str, detail: str = "") -> MachineError:
        """Make the exception for fields of the register ERROR, with their texts."""
        fields = self.registers["ERROR"].fields
        message = " ".join(f"{name}: {fields[name].text}" for name in names)
        return MachineError(names, f"{message} ({detail})" if detail else message)

    def errors(self) -> tuple[str, ...]:
        """Read which fields of the register ERROR are set."""
        value = self.read("ERROR")
        return tuple(name for name, field in self.registers["ERROR"].fields.items() if value >> field.lsb & 1)

    def _find(self, name: str) -> tuple[RegisterPlace, int, FieldPlace | None]:
        """Find register, address and, if named, field."""
        parts = re.fullmatch(r"(\w+)(?:\[(\d+)\])?(?:\.(\w+))?", name)
        register = self.registers.get(parts[1]) if parts else None
        if parts is None or register is None:
            raise ValueError(f"there is no register {name!r}; there are {', '.join(self.registers)}")
        _, index, part = parts.groups()
        if (index is None) != (not register.count) or int(index or 0) >= max(1, register.count):
            size = f"an array of {register.count}" if register.count else "no array"
            raise ValueError(f"{name!r} cannot be: {parts[1]} is {size}")
        if part is not None and part not in register.fields:
            raise ValueError(f"there is no field {name!r}; there are {', '.join(register.fields)}")
        address = register.address + int(index or 0) * register.stride
        return register, address, None if part is None else register.fields[part]

    @staticmethod
    def _number(name: str, register: RegisterPlace, field: FieldPlace | None, value: int | str) -> int:
        """Check a value."""
        if isinstance(value, str):
            values = {} if field is None else field.values
            if value not in values:
                raise ValueError(f"{name} has no value {value!r}; it has {', '.join(values) or 'none with a name'}")
            return values[value]
        limit = sum(part.limit << part.lsb for part in register.fields.values()) if field is None else field.limit
        if not 0 <= value <= limit:
            raise ValueError(f"{name} must be 0 .. {limit}, not {value}")
        return int(value)
