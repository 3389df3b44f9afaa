"""Generated Verilog, kept by configuration and digest of everything that it is generated from.

A machine takes seconds to generate, and many programs and tests need the same one.
"""

import json
from collections.abc import Callable
from importlib import resources
from pathlib import Path

from gen import manifest, verilog
from gen.names import PREFIX
from golden.config import MachineConfig
from golden.lib.build_once import build_once

#: Folder under which files are kept, one folder per content.
KEPT = Path("build/generated")

_FILES = "files.json"
_PACKAGES = ("golden", "hdl", "gen")


def _sources() -> str:
    """Digest of the packages that decide what is generated."""
    found = {}
    for package in _PACKAGES:
        root = Path(str(resources.files(package)))
        found |= {f"{package}/{path.relative_to(root)}": path for path in root.rglob("*") if path.suffix in _SUFFIXES}
    return manifest.digest({name: path.read_text() for name, path in found.items()})


#: What these packages consist of; compiled code is not a source.
_SUFFIXES = (".py", ".rdl", ".sv", ".toml", ".vlt")
# read now, near the moment in which this process has read the code itself
_DIGEST = _sources()


def machine(config: MachineConfig, title: str, prefix: str = PREFIX) -> dict[str, str]:
    """Files of `gen.verilog.machine_files`, generated at most once."""
    return _kept("machine", (config, title, prefix), lambda: verilog.machine_files(config, title, prefix))


def block(config: MachineConfig, title: str, name: str) -> dict[str, str]:
    """Files of `gen.verilog.block_files`, generated at most once."""
    return _kept(name, (config, title), lambda: verilog.block_files(config, title, name))


def _kept(name: str, content: object, generate: Callable[[], dict[str, str]]) -> dict[str, str]:
    def make(folder: Path) -> None:
        (folder / _FILES).write_text(json.dumps(generate()))

    folder = build_once(KEPT, name, (content, _DIGEST, manifest.versions()), make)
    return json.loads((folder / _FILES).read_text())
