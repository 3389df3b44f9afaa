"""Memory that a machine takes to build and to train: one that does not fit is refused before the work begins."""

from pathlib import Path

from golden.config import MachineConfig

#: Bytes that building takes: in any case, and per lane; 512 lanes were seen to take 0.7 GB, two compilers at a time.
_BUILD, _BUILD_LANE = 200e6, 1.5e6
#: Bytes that training takes: in any case, and per synapse, most of it for the comparison of whole states; 406000
#: synapses were seen to take 0.4 GB.
_TRAIN, _TRAIN_SYNAPSE = 250e6, 700.0


class TooLargeError(ValueError):
    """A machine does not fit into memory; the message is one line."""


def estimate(config: MachineConfig) -> float:
    """Estimate the memory that building a simulation of a machine and training it takes.

    Parameters
    ----------
    config : MachineConfig
        The machine.

    Returns
    -------
    float
        Bytes.
    """
    lanes = config.array.lanes
    return max(_BUILD + _BUILD_LANE * lanes, _TRAIN + _TRAIN_SYNAPSE * lanes * config.geometry.rows)


def available() -> float:
    """Memory that is free, bytes; no limit where Linux does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return float("inf")
    return next((1024.0 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")), float("inf"))


def check(config: MachineConfig) -> None:
    """Refuse a machine that does not fit.

    Raises
    ------
    TooLargeError
        If the estimate is beyond the memory that is free.
    """
    need, free = estimate(config), available()
    if need > free:
        raise TooLargeError(
            f"{config.geometry.rows} rows x {config.array.lanes} lanes need about {need / 1e9:.1f} GB of memory to "
            f"build and train, {free / 1e9:.1f} GB are free: make layers or array.lanes smaller"
        )
