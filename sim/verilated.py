"""A Verilated machine in this process: a transport to generated Verilog, without an FPGA."""

import ctypes
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from golden.bus.transport import BusError, TransportTimeout
from golden.input_buffer import word_bytes
from sim import verilate

#: The shim.
SHIM = Path(__file__).with_name("shim.cpp")

#: Where models are built, one folder per content.
BUILDS = Path("build/host")

#: Clock cycles between two looks at the time, cycles that every call of `wait` runs, and most for a register access.
_CHUNK, _MOMENT, _ACCESS = 1 << 12, 1 << 6, 1 << 16
_NEVER = (1 << 64) - 1
_OKAY = 0


def library(folder: Path, top: str, shim: Path, builds: Path = BUILDS, *, quick: bool = False) -> Path:
    """Build the model of generated Verilog as a shared library, unless the same one is there already.

    Parameters
    ----------
    folder : Path
        Verilog and ``files.f``, which lists it.
    top : str
        Module that is the top level.
    shim : Path
        C++ with the functions that the library shall have.
    builds : Path
        Folder under which models are kept.
    quick : bool
        Compile quickly instead of for speed: right for short runs.

    Returns
    -------
    Path
        The library.

    Raises
    ------
    sim.build.BuildError
        If that fails.
    sim.verilator.ToolError
        If a tool is missing.
    """
    files = {name: (folder / name).read_text() for name in (folder / "files.f").read_text().split()}
    return verilate.build(verilate.Model(top, files, shim.read_text(), "model.so", shared=True, quick=quick), builds)


def _load(library: Path) -> ctypes.CDLL:
    """Load a model and say what its functions take."""
    loaded = ctypes.CDLL(str(library))
    model, number, small = ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint32
    for name, result, *arguments in (
        ("new", model, number),
        ("delete", None, model),
        ("stalls", None, model, number, small),
        ("reset", None, model),
        ("word_capacity", number, model),
        ("cycles", number, model),
        ("violations", number, model),
        ("read", ctypes.c_int, model, small, ctypes.POINTER(small), number),
        ("write", ctypes.c_int, model, small, small, small, number),
        ("send", None, model, ctypes.c_char_p, ctypes.POINTER(number), number, ctypes.c_int),
        ("unsent", number, model),
        ("received", number, model),
        ("run", ctypes.c_int, model, number, number, ctypes.c_int, number),
        ("take", None, model, ctypes.c_char_p, number, ctypes.c_char_p),
        ("discard", None, model),
    ):
        function = getattr(loaded, f"model_{name}")
        function.restype, function.argtypes = result, arguments
    return loaded


class Verilated:
    """A transport to a Verilated model. Its clock runs only while a call waits for something.

    Parameters
    ----------
    folder : Path
        Verilog, ``files.f`` and ``manifest.json``.
    builds : Path
        Folder under which models are kept.
    quick : bool
        Compile quickly instead of for speed.
    stalls : float
        Chance that an idle channel pauses in a cycle, 0 .. 1, every channel by itself.
    seed : int
        Seed of these pauses.
    """

    def __init__(
        self, folder: Path, builds: Path = BUILDS, *, quick: bool = False, stalls: float = 0.0, seed: int = 1
    ) -> None:
        if not 0 <= stalls < 1:
            raise ValueError(f"stalls must be 0 .. 1, 1 excluded, not {stalls}")
        manifest = json.loads((folder / "manifest.json").read_text())
        self._word = word_bytes(manifest["config"]["array"]["group"])
        self._library = _load(library(folder, manifest["bus"], SHIM, builds, quick=quick))
        self._model: int | None = self._library.model_new(self._word)
        self._ended = 0, 0
        if self._word > self._do("word_capacity"):
            raise ValueError(f"the Verilog has narrower stream words than {self._word} bytes, which its manifest says")
        self._do("stalls", seed, int(stalls * (1 << 32)))

    def _do(self, name: str, *arguments: Any) -> Any:
        """Call a function of the shim."""
        if self._model is None:
            raise ValueError("the model is closed")
        return getattr(self._library, f"model_{name}")(self._model, *arguments)

    @property
    def cycles(self) -> int:
        """Clock cycles so far; until it was closed, if it was."""
        return self._ended[0] if self._model is None else self._do("cycles")

    @property
    def violations(self) -> int:
        """How often the block changed or withdrew what it had offered and nobody had taken."""
        return self._ended[1] if self._model is None else self._do("violations")

    def run(self, cycles: int) -> bool:
        """Let cycles pass; say whether the interrupt is high then."""
        return bool(self._library.model_run(self._model, cycles, cycles, False, _NEVER))

    def reset(self) -> None:
        """Pulse the reset input, and empty both buffers."""
        self._do("reset")

    def read(self, address: int) -> int:
        """Read a register word."""
        value = ctypes.c_uint32()
        response = self._do("read", address, ctypes.byref(value), _ACCESS)
        self._check(response, "read", address)
        return value.value

    def write(self, address: int, value: int, strobes: int = 0b1111) -> None:
        """Write a register word."""
        response = self._do("write", address, value, strobes, _ACCESS)
        self._check(response, "write", address)

    def _check(self, response: int, access: str, address: int) -> None:
        if response < 0:
            raise TransportTimeout(f"no answer to a {access} of address {address:#x} in {_ACCESS} cycles")
        if response != _OKAY:
            raise BusError(access, address)

    def send(self, packets: Sequence[bytes], *, last: bool = True) -> None:
        """Put packets into the buffer; or, for tests, words in the middle of a packet, without `last`."""
        for packet in packets:
            if not packet or len(packet) % self._word:
                raise ValueError(f"a packet of {len(packet)} bytes is not one of whole words of {self._word} bytes")
        sizes = (ctypes.c_uint64 * len(packets))(*map(len, packets))
        self._do("send", b"".join(packets), sizes, len(packets), last)

    def receive(self, size: int, timeout: float) -> bytes:
        """Take output words."""
        until = time.monotonic() + timeout
        while self.received() < size:
            self._do("run", 0, _CHUNK, False, size)
            if self.received() < size and time.monotonic() >= until:
                raise TransportTimeout(f"{self.received()} of {size} bytes of output after {timeout:g} s")
        return self.take(size)[0]

    def take(self, size: int) -> tuple[bytes, list[bool]]:
        """Take output words that are here; say of every word whether it had tlast."""
        data, marks = ctypes.create_string_buffer(size), ctypes.create_string_buffer(size // self._word)
        self._do("take", data, size, marks)
        return data.raw, [bool(mark) for mark in marks.raw]

    def wait(self, timeout: float) -> bool:
        """Wait until the interrupt is high."""
        until = time.monotonic() + timeout
        while not (interrupt := self._do("run", _MOMENT, _CHUNK, True, _NEVER)):
            if time.monotonic() >= until:
                break
        return bool(interrupt)

    def unsent(self) -> int:
        """Bytes that the model has not taken."""
        return self._do("unsent")

    def received(self) -> int:
        """Bytes of output that are here."""
        return self._do("received")

    def discard(self) -> None:
        """Empty both buffers."""
        self._do("discard")

    def close(self) -> None:
        """Free the model."""
        if self._model is not None:
            self._ended = self.cycles, self.violations
            self._do("delete")
            self._model = None
