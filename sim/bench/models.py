"""The golden models beside each other: NumPy and compiled, one kind of configuration after another."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gen import config as configs
from golden.array.converter import ConverterParameters
from golden.array.nonideal import NonidealParameters
from golden.config import MachineConfig, variant
from golden.fast.machine import quickest
from golden.machine import Machine
from golden.samples import Samples
from sim.bench import machines

_CONVERTER = ConverterParameters(step=1, offset=2, noise=16)
_MEASURED = NonidealParameters(columns=_CONVERTER, rows=_CONVERTER)
_STUCK = NonidealParameters(stuck_parallel=0.005, stuck_antiparallel=0.005)
#: Every device differs from others.
_DEVICES = {
    "model": "macrospin",
    "device": "perpendicular_50nm",
    "current_to_antiparallel": 47e-6,
    "current_to_parallel": 47e-6,
    "variation_bins": 8,
    "variation": 0.05,
}


def kinds(config: MachineConfig) -> dict[str, MachineConfig]:
    """Make variants of a configuration, each another way through the model."""
    loadable = {"loadable": True}
    everything = replace(_STUCK, columns=_CONVERTER, rows=_CONVERTER)
    worst = replace(variant(config, array={"scheme": "blind"}, switching=_DEVICES), nonideal=everything)
    return {
        "as it is": config,
        "blind": variant(config, array={"scheme": "blind"}),
        "binary": variant(config, array={"synapse": "binary"}),
        "binary, blind": variant(config, array={"synapse": "binary", "scheme": "blind"}),
        "4 slices, 3 stages": variant(config, array={"slices": 4, "stages": 3}),
        "gradient sums of 20 bits": variant(config, gradient={"bits": 20}),
        "gradient sums kept at a switch": variant(config, gradient={"reset_on_switch": False}),
        "offsets that track the mean": variant(config, neuron={"offset_tracks_mean": True}),
        "batch 1": variant(config, training={"batch": 1}),
        "loadable tables and streams": variant(config, switching=loadable, pulse=loadable, random=loadable),
        "8 device bins": variant(config, switching=_DEVICES),
        "1 % of devices stuck": replace(config, nonideal=_STUCK),
        "converters with noise": replace(config, nonideal=_MEASURED),
        "blind and all non-idealities": worst,
        "the same, batch 1": variant(worst, training={"batch": 1}),
    }


def rate(model: type[Machine], config: MachineConfig, samples: Samples) -> float:
    """Samples per second of a golden model in training."""
    machine = model(config)
    machine.initialise()
    batch = config.training.batch
    started = time.process_time()
    for first in range(0, len(samples), batch):
        machine.train(samples[first : first + batch], batch, config.update_shifts(0))
    return len(samples) / (time.process_time() - started)


def compare(name: str, count: int, repetitions: int, tell: Callable[[str], None]) -> list[dict[str, Any]]:
    """Time both models on every kind of a configuration.

    Parameters
    ----------
    name : str
        A named configuration.
    count : int
        Samples for the NumPy model; the compiled one gets ten times as many.
    repetitions : int
        Of the compiled model, of which the best counts.
    tell : callable
        Takes a line of progress.

    Returns
    -------
    list of dict
        ``config`` and ``kind``; ``numpy`` and ``numba``, training samples per second; ``ratio``. None without Numba.
    """
    quick, rows = quickest(), []
    if quick is Machine:
        return rows
    config = configs.load(name)
    many = machines.samples(config, 10 * count)
    for kind, changed in kinds(config).items():
        tell(f"golden models: {name}, {kind}")
        rate(quick, changed, many[:2])  # compiles
        numpy = rate(Machine, changed, many[:count])
        numba = max(rate(quick, changed, many) for _ in range(repetitions))
        rows.append({"config": name, "kind": kind, "numpy": numpy, "numba": numba, "ratio": numba / numpy})
    return rows
