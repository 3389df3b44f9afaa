"""The C driver in this process, compiled against a transport instead of pointers to registers."""

import ctypes
import subprocess
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.bus.transport import Transport
from sim import build, runner

#: The driver, and the example for bare metal.
FOLDER, EXAMPLE = runner.ROOT / "fpga" / "c", runner.ROOT / "fpga" / "examples" / "bare_metal.c"
#: Options of a compiler that takes no liberties.
STRICT = ["-Wall", "-Wextra", "-pedantic", "-Werror", "-O2", f"-I{FOLDER}"]

#: Where the driver believes registers and FIFOs to be.
BASE, FIFOS = 0x40000000, 0x40001000

_HOOKS = """\
#include <stdint.h>
uint32_t (*hook_read)(uint32_t);
void (*hook_write)(uint32_t, uint32_t);
#define MTJ_GXNOR_READ(address) hook_read((uint32_t)(uintptr_t)(address))
#define MTJ_GXNOR_WRITE(address, value) hook_write((uint32_t)(uintptr_t)(address), value)
"""


class Result(IntEnum):
    """What a call of the driver returns."""

    OK = 0
    ABSENT = 1
    OTHER_VERSION = 2
    OTHER_DESIGN = 3
    MISUSE = 4
    STUCK = 5


def library(folder: Path, sources: list[Path], *options: str) -> ctypes.CDLL:
    """Compile C whose register accesses come back here."""
    (folder / "hooks.h").write_text(_HOOKS)
    command = ["cc", "-std=c99", *STRICT, "-fPIC", "-shared", "-include", "hooks.h", *options]
    # one translation unit: the hooks are there once
    unit = "".join(f'#include "{source}"\n' for source in sources)
    (folder / "unit.c").write_text(unit)
    target = folder / "driver.so"
    finished = subprocess.run(
        [*command, "unit.c", "-o", target], cwd=folder, capture_output=True, text=True, check=False
    )
    if finished.returncode:
        raise build.BuildError(finished.stderr)
    return ctypes.CDLL(str(target))


class Hooks:
    """Accesses of the C program, on a transport: registers, stream words, and the FIFOs of the example.

    Parameters
    ----------
    transport : Transport
        The way to the machine.
    word : int
        Bytes of a stream word.
    room : int, optional
        Words of input that the machine has not taken, above which no packet is begun, as a FIFO fills up.
    """

    def __init__(self, transport: Transport, word: int, room: int | None = None) -> None:
        self._transport, self._word, self._room = transport, word, room
        self._packet = bytearray()
        self._kept: list[Any] = []

    def connect(self, loaded: ctypes.CDLL) -> None:
        """Give the program its accesses."""
        number = ctypes.c_uint32
        for name, kind, function in (
            ("hook_read", ctypes.CFUNCTYPE(number, number), self._read),
            ("hook_write", ctypes.CFUNCTYPE(None, number, number), self._write),
        ):
            hook = kind(function)
            self._kept.append(hook)
            ctypes.c_void_p.in_dll(loaded, name).value = ctypes.cast(hook, ctypes.c_void_p).value

    def offer(self, word: bytes, last: bool) -> bool:
        """Take a word of input, if there is room; whole packets go on."""
        if self._room is not None and not self._packet and self._transport.unsent() > self._room * self._word:
            self._transport.wait(0)
            return False
        self._packet += word
        if last:
            self._transport.send([bytes(self._packet)])
            self._packet.clear()
        return True

    def answer(self) -> bytes | None:
        """Give a word of output, if there is one."""
        if not self._transport.received():
            self._transport.wait(0)
        return self._transport.receive(self._word, 0) if self._transport.received() else None

    def sent(self) -> bool:
        """Whether the machine has taken all words of whole packets; words of one that never ended are forgotten."""
        self._packet.clear()
        self._transport.wait(0)
        return not self._transport.unsent()

    def _read(self, address: int) -> int:
        if address < FIFOS:
            return self._transport.read(address - BASE)
        place = (address - FIFOS) // 4
        if place == 2:
            return 1
        if place == 3:
            return not self.sent()
        if place == 4:
            return int.from_bytes(self._transport.receive(self._word, 0), "little")
        assert place == 5, f"there is no register of the FIFOs at {address:#x}"
        self._transport.wait(0)
        return self._transport.received() // self._word

    def _write(self, address: int, value: int) -> None:
        if address < FIFOS:
            self._transport.write(address - BASE, value)
        else:
            assert self.offer(value.to_bytes(self._word, "little"), address - FIFOS == 4)


class _Design(ctypes.Structure):
    _fields_ = (
        ("design", ctypes.c_uint64),
        *((name, ctypes.c_uint32) for name in ("inputs", "layers", "group", "word_bytes")),
        *((name, ctypes.c_uint32) for name in ("weights_words", "neurons_words")),
    )


_SEND = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(ctypes.c_uint8), ctypes.c_int)
_RECEIVE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(ctypes.c_uint8))
_SENT = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)


class _Machine(ctypes.Structure):
    _fields_ = (
        ("registers", ctypes.c_void_p),
        ("design", _Design),
        ("send", _SEND),
        ("receive", _RECEIVE),
        ("sent", _SENT),
        ("streams", ctypes.c_void_p),
        ("patience", ctypes.c_uint32),
        ("errors", ctypes.c_uint32),
    )


class CDriver:
    """The driver with the functions of its header, on NumPy arrays.

    Parameters
    ----------
    loaded : ctypes.CDLL
        Of `library`.
    hooks : Hooks
        Its accesses.
    sizes : dict of str to int
        Members of the structure ``mtj_gxnor_design``.
    patience : int
        Looks without anything moving after which a command is stuck.
    """

    def __init__(self, loaded: ctypes.CDLL, hooks: Hooks, sizes: dict[str, int], patience: int = 10_000) -> None:
        self._library, self._word, self.sizes = loaded, sizes["word_bytes"], sizes
        hooks.connect(loaded)

        def send(_: Any, word: Any, last: int) -> int:
            return hooks.offer(bytes(word[: self._word]), bool(last))

        def receive(_: Any, word: Any) -> int:
            found = hooks.answer()
            for at, byte in enumerate(found or b""):
                word[at] = byte
            return found is not None

        functions = _SEND(send), _RECEIVE(receive), _SENT(lambda _: hooks.sent())
        self.machine = _Machine(BASE, _Design(**sizes), *functions, None, patience, 0)
        loaded.mtj_gxnor_number.restype = ctypes.c_uint64

    def call(self, name: str, *arguments: Any) -> Result:
        """Call a function of the driver."""
        return Result(getattr(self._library, f"mtj_gxnor_{name}")(ctypes.byref(self.machine), *arguments))

    def _samples(self, trits: NDArray[np.int8], labels: NDArray[np.integer]) -> tuple[Any, ...]:
        trits, labels = np.ascontiguousarray(trits, np.int8), np.ascontiguousarray(labels, np.uint16)
        return trits.ctypes.data_as(ctypes.c_void_p), labels.ctypes.data_as(ctypes.c_void_p), trits, labels

    def train(
        self, trits: NDArray[np.int8], labels: NDArray[np.integer], batch: int, shifts: tuple[int, ...]
    ) -> tuple[Result, NDArray[np.uint16]]:
        """Train; also return predictions."""
        predictions, (at, classes, *_kept) = np.zeros(len(labels), np.uint16), self._samples(trits, labels)
        result = self.call(
            *("train", at, classes, len(labels), ctypes.c_uint16(batch)),
            *((ctypes.c_uint8 * len(shifts))(*shifts), predictions.ctypes.data_as(ctypes.c_void_p)),
        )
        return result, predictions

    def infer(self, trits: NDArray[np.int8], labels: NDArray[np.integer]) -> tuple[Result, NDArray[np.uint16]]:
        """Predict; also return predictions."""
        predictions, (at, classes, *_kept) = np.zeros(len(labels), np.uint16), self._samples(trits, labels)
        result = self.call("infer", at, classes, len(labels), predictions.ctypes.data_as(ctypes.c_void_p))
        return result, predictions

    def load(self, operation: int, packet: bytes) -> Result:
        """Load a packet."""
        return self.call("load", operation, packet, len(packet) // self._word)

    def dump(self, operation: int, words: int) -> tuple[Result, bytes]:
        """Dump; also return the words."""
        content = ctypes.create_string_buffer(words * self._word)
        return self.call("dump", operation, content, words), content.raw

    def number(self, address: int) -> int:
        """Read a register of two words."""
        return self._library.mtj_gxnor_number(ctypes.c_void_p(BASE + address))
