"""The library's public face: configurations, training, weights, Verilog.

>>> import mtj_gxnor
>>> config = mtj_gxnor.load_config("tiny")
>>> config.layers
(10, 6, 5, 3)

Everything here is a thin entry to the packages that do the work: `golden` (the machine in NumPy), `hdl` (in Amaranth),
`gen` (configurations and Verilog), `sim` (running Verilog), `fpga` (boards and drivers).
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gen import config as _configs
from golden.config import MachineConfig
from golden.machine import Machine
from golden.run.data import Dataset
from golden.run.data import load as _load_data
from golden.run.run import Run
from golden.run.session import Session
from golden.version import VERSION as __version__

__all__ = [
    "Dataset",
    "Machine",
    "MachineConfig",
    "Run",
    "__version__",
    "load_config",
    "load_data",
    "train",
    "weights",
    "write_verilog",
]


def load_config(name: str | Path) -> MachineConfig:
    """Read a configuration.

    Parameters
    ----------
    name : str or Path
        A named configuration (``mtj-gxnor configs`` lists them), or the path of a TOML file.

    Returns
    -------
    MachineConfig
        The validated configuration, frozen.

    Raises
    ------
    gen.config.ConfigError
        If there is none, or it breaks a rule; the message is one line.
    """
    return _configs.load(str(name))


def load_data(name: str = "digits", folder: str | Path | None = None) -> Dataset:
    """Load a data set: ``digits``, which ships with scikit-learn, or ``mnist`` from the folder of its files."""
    return _load_data(name, Path(folder) if folder else None)


def train(config: MachineConfig, data: Dataset, *, samples: int = 0, epochs: int = 0, progress: bool = False) -> Run:
    """Train the golden machine, compiled where Numba is installed; the RTL gives the same weights, bit for bit.

    Parameters
    ----------
    config : MachineConfig
        The machine; its first and last layer fit the data.
    data : Dataset
        Training and test set.
    samples : int
        Training samples, the first ones; 0 for all.
    epochs : int
        Passes over them; 0 for the configuration's.
    progress : bool
        Whether a bar is shown.

    Returns
    -------
    Run
        ``run.curve`` has the accuracy of every epoch, ``run.machine`` the machine.
    """
    from golden.fast.machine import quickest

    run = Run(config, data, samples, epochs or config.training.epochs, quickest())
    Session(run, progress=progress).train()
    return run


def weights(run: Run, layer: int) -> NDArray[np.int8]:
    """Weights of a layer.

    Parameters
    ----------
    run : Run
        A run of `train`.
    layer : int
        From 0.

    Returns
    -------
    ndarray of int8, shape (inputs, outputs)
        -1, 0 or 1.

    Raises
    ------
    ValueError
        If the machine has no such layer.
    """
    layers = len(run.config.geometry.layers)
    if not 0 <= layer < layers:
        raise ValueError(f"layer must be 0 .. {layers - 1}, not {layer}")
    return run.machine.layer_weights(layer)


def write_verilog(
    config: MachineConfig, folder: str | Path, title: str = "machine", prefix: str = "mtj_gxnor"
) -> list[Path]:
    """Generate a machine's Verilog, manifest and packages.

    Parameters
    ----------
    config : MachineConfig
        The machine.
    folder : str or Path
        Where the files go; made if needed, files that have not changed are left alone.
    title : str
        Name of the configuration in the manifest.
    prefix : str
        What names of modules and files begin with, see `gen.verilog.machine_files`.

    Returns
    -------
    list of Path
        The files, ``top.v`` and ``manifest.json`` among them.
    """
    from gen import verilog

    files = verilog.machine_files(config, title, prefix)
    verilog.write(files, Path(folder))
    return [Path(folder) / name for name in files]
