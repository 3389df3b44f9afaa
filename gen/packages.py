"""What other projects include a machine by: file lists, and a FuseSoC core with a bench."""

import re
from pathlib import Path
from typing import Any

from gen import constants
from gen.names import PREFIX, Names

#: File of the FuseSoC core, for the usual prefix.
CORE = f"{PREFIX}.core"
#: Flag of FuseSoC that leaves the behavioural array out.
EXTERNAL = "external_array"

_BENCH, _WAIVERS = (Path(__file__).with_name(name) for name in ("bench.sv", "waivers.vlt"))

#: What only the project's own lint looks at.
_UNUSED = """
// Every port of a submodule has a wire of its own, read or not, and intermediate results keep bits that the next
// operation drops.
"""

_CORE = """\
CAPI=2:
name: "mtj-gxnor:machine:{name}:{version}"
description: "Trains ternary networks where their weights are stored: machine {name}, design {design:016x}."

filesets:
  constants:
    files: [{constants}]
    file_type: systemVerilogSource
  # the flag {external} leaves it out, for a macro with the same name and ports
  array:
    files: [{array}]
    file_type: verilogSource-2005
  rtl:
    files: [{rtl}]
    file_type: verilogSource-2005
  waivers:
    files: [{waivers}]
    file_type: vlt
  bench:
    files: [{bench}]
    file_type: systemVerilogSource

targets:
  default: &default
    filesets: [constants, "!{external} ? (array)", rtl, waivers]
    toplevel: {top}
  lint:
    <<: *default
    description: "Verilator's lint, all warnings on."
    flow: lint
    flow_options:
      tool: verilator
      verilator_options: [-Wall]
  sim:
    <<: *default
    description: "Read ID, INIT_RANDOM the array, see it done."
    filesets_append: [bench]
    toplevel: {bench_top}
    flow: sim
    flow_options:
      tool: verilator
      mode: binary
      verilator_options: [--timing, -CFLAGS -std=c++20]
"""


def files(title: str, version: str, design: int, modules: dict[str, Any], names: Names) -> dict[str, str]:
    """Write the files.

    Parameters
    ----------
    title : str
        Name of the configuration.
    version : str
        Version of the project.
    design : int
        What the register DESIGN says.
    modules : dict
        Entry ``modules`` of the manifest.
    names : Names
        Names of the machine. With a prefix of its own, that is the core's name.

    Returns
    -------
    dict of str to str
        File name -> content: ``files.f``, ``periphery.f`` (all Verilog but the array), ``mtj_gxnor.core``,
        ``bench.sv``, ``waivers.vlt``.
    """
    array, bench, waivers = modules[names.module("array")]["file"], names.file(_BENCH.name), names.file(_WAIVERS.name)
    sources = [module["file"] for module in modules.values()]
    unused = "".join(f'lint_off -rule UNUSEDSIGNAL -file "*{source}"\n' for source in sources)
    rest = [source for source in sources if source != array]
    core = _CORE.format(
        name=re.sub(r"[^\w.-]", "_", title) if names.prefix == PREFIX else names.prefix,
        version=version,
        design=design,
        constants=constants.package_file(names),
        external=EXTERNAL,
        array=array,
        rtl=", ".join(rest),
        waivers=waivers,
        bench=bench,
        bench_top=names.module("bench"),
        top=names.module("axi"),
    )
    return {
        "files.f": "".join(f"{source}\n" for source in sources),
        "periphery.f": "".join(f"{source}\n" for source in rest),
        f"{names.prefix}.core": core,
        bench: names.text(_BENCH.read_text()),
        waivers: names.text(_WAIVERS.read_text()) + _UNUSED + unused,
    }
