"""Random configurations that follow from a seed alone."""

from dataclasses import replace
from typing import Any

import numpy as np

from golden.array.converter import ConverterParameters
from golden.array.nonideal import NonidealParameters
from golden.array.synapse_array import ArrayParameters
from golden.config import MachineConfig, TrainingParameters, variant
from golden.error_unit import ErrorParameters
from golden.gradient_memory import GradientParameters
from golden.input_buffer import InputParameters
from golden.lfsr import TRINOMIALS, LfsrParameters
from golden.neuron import NeuronParameters
from golden.tables import LOADABLE, PulseParameters, SwitchingParameters

#: Synapse and write scheme, in turn: any four neighbouring numbers of random configurations cover all of them.
KINDS = (("ternary", "blind"), ("binary", "verified"), ("ternary", "verified"), ("binary", "blind"))


def random_config(seed: int, number: int = 0) -> MachineConfig:
    """Make a small valid configuration.

    Parameters
    ----------
    seed : int
        Seed of the whole series.
    number : int
        Which one of the series; its synapse and scheme are ``KINDS[number % 4]``.

    Returns
    -------
    MachineConfig
        The same for the same arguments.
    """
    rng = np.random.default_rng([seed, number])

    def pick(low: int, high: int) -> int:
        """Choose an integer, both ends included."""
        return int(rng.integers(low, high + 1))

    def one_of(choices: Any) -> Any:
        """Choose an element."""
        return choices[pick(0, len(choices) - 1)]

    synapse, scheme = KINDS[number % len(KINDS)]
    group = pick(2, 4)
    array = ArrayParameters(group * pick(1, 4), group, synapse, scheme)
    layers = (pick(1, 24), *(pick(1, 14) for _ in range(pick(0, 3))), pick(2, min(12, 1 << (2 * group))))
    width = one_of([width for width in TRINOMIALS if width >= 7])
    random = LfsrParameters(width, one_of(TRINOMIALS[width]), pick(1, width), pick(1, (1 << min(width, 62)) - 1))
    threshold_bits = pick(4, min(16, width))
    model = one_of(("ideal", "erf", "macrospin"))
    switching = SwitchingParameters(
        model,
        code_bits=pick(1, 6),
        threshold_bits=threshold_bits,
        slope=float(rng.uniform(1.5, 4.0)),
        device="perpendicular_50nm",
        current_to_antiparallel=float(rng.uniform(42e-6, 60e-6)),
        current_to_parallel=float(rng.uniform(42e-6, 60e-6)),
        width_max=30e-9,
        shared_widths=True,
    )
    nu_bits = pick(1, 7)
    pulse = PulseParameters(nu_bits, float(rng.uniform(1.5, 4.0)), pick(0, max(1, (1 << nu_bits) // 3)))
    neuron = NeuronParameters(
        fraction=pick(0, 8),
        threshold_eighths=pick(0, 15),
        window_eighths=pick(0, 31),
        ema_shift=pick(0, 8),
        offset_tracks_mean=bool(pick(0, 1)),
        offset_learned=bool(pick(0, 1)),
        train_shift=pick(0, 4),
        initial_scale=pick(1, 3),  # below the smallest sums that random layers have
    )
    error = ErrorParameters(pick(2, 6), pick(1, 20), pick(0, 3), pick(0, 4))
    bits = pick(max(4, error.bits), 12)
    gradient = GradientParameters(bits, pick(1, bits), bool(pick(0, 1)))
    low = pick(0, 200)
    training = TrainingParameters(
        batch=pick(1, 6),
        epochs=1,
        update_shifts=tuple(nu_bits + pick(0, bits - 1) for _ in layers[1:]),
        shuffle_seed=pick(1, 1000),
    )
    inputs = InputParameters(low, pick(low, 255), pick(-1, 1), pick(-1, 1))
    # drawn last: a seed's other choices are older
    random = replace(random, loadable=bool(pick(0, 1)))
    switching = replace(switching, loadable=bool(pick(0, 1)))
    pulse = replace(pulse, loadable=bool(pick(0, 1)))
    twos = (array.lanes & -array.lanes).bit_length() - 1
    array = replace(array, slices=1 << pick(0, twos), stages=pick(1, 3), adders=one_of(("planes", "chains")))
    return MachineConfig(layers, array, inputs, training, random, switching, pulse, neuron, error, gradient)


def convolutional(config: MachineConfig, seed: int, number: int = 0) -> MachineConfig:
    """Give a configuration convolutions in the place of its layers; every other one is segmented.

    Parameters
    ----------
    config : MachineConfig
        The machine; one of `random_config`.
    seed, number : int
        As of `random_config`.
    """
    rng = np.random.default_rng([seed, number, 2])

    def pick(low: int, high: int) -> int:
        return int(rng.integers(low, high + 1))

    planes, group, lanes = pick(1, 2), config.array.group, config.array.lanes
    side = (pick(3, 8), pick(3, 8))
    layers: list[int | str] = [f"{side[0]}x{side[1]}x{planes}"]
    for index in range(pick(1, 2 + number % 2)):
        most = min(4, *side) if index else min(3, *side, int((lanes // planes) ** 0.5))
        kernel, stride = pick(1, most), pick(1, 3)
        padding = pick(0, kernel // 2)
        if not index and number % 2:
            lanes = group * max(lanes // group, kernel**2 * planes)
        layers.append(f"{pick(1, 6)}C{kernel}s{stride}p{padding}")
        side = ((side[0] + 2 * padding - kernel) // stride + 1, (side[1] + 2 * padding - kernel) // stride + 1)
        if pick(0, 2) and not (side[0] % 2 or side[1] % 2):
            layers.append("MP2")
            side = side[0] // 2, side[1] // 2
    layers += [f"{pick(1, 12)}FC" for _ in range(pick(0, 2))]
    layers.append(config.sizes[-1])
    deep = len(layers) - 1 - layers.count("MP2")
    lows = tuple(pick(0, 200) for _ in range(planes))
    shifts = tuple(pick(0, 4) for _ in range(deep - 1))
    first = config.pulse.nu_bits
    return replace(
        config,
        layers=tuple(layers),
        array=replace(config.array, lanes=lanes, slices=config.array.slices if lanes == config.array.lanes else 1),
        random=config.random if lanes == config.array.lanes else LfsrParameters(loadable=config.random.loadable),
        input=replace(config.input, low=lows, high=tuple(pick(low, 255) for low in lows)),
        neuron=replace(
            config.neuron,
            offset_tracks_mean=False,
            offset_learned=False,
            activation=("ternary", "binary")[number // 3 % 2],
        ),
        error=replace(config.error, backward_shift=shifts if pick(0, 1) else pick(0, 4)),
        training=replace(
            config.training,
            update_shifts=tuple(first + pick(0, min(3, config.gradient.bits - 1)) for _ in range(deep)),
        ),
    )


def nonideal(config: MachineConfig, seed: int, number: int = 0) -> MachineConfig:
    """Make the array of a configuration non-ideal: variation, stuck devices, converters, each with even chances.

    Parameters
    ----------
    config : MachineConfig
        The machine.
    seed, number : int
        As of `random_config`.
    """
    rng = np.random.default_rng([seed, number, 1])

    def pick(low: int, high: int) -> int:
        return int(rng.integers(low, high + 1))

    def converter(sum_bits: int) -> ConverterParameters:
        if not pick(0, 1):
            return ConverterParameters()
        step = pick(0, max(0, min(3, sum_bits - 2)))
        noise = 2 * pick(0, min(8, config.random.width // 2))
        bits = pick(2, sum_bits - step) * pick(0, 1)
        return ConverterParameters(bits, step, pick(0, 5), noise, pick(0, 2) if noise else 0)

    array, geometry = config.array, config.geometry
    cell = (pick(0, geometry.rows - 1), pick(0, array.lanes - 1), pick(0, array.devices - 1), pick(0, 1))
    wrong = NonidealParameters(
        seed=pick(0, 1000),
        stuck_parallel=float(rng.uniform(0, 0.1)) * pick(0, 1),
        stuck_antiparallel=float(rng.uniform(0, 0.1)) * pick(0, 1),
        stuck=(cell,) * pick(0, 1),
        columns=converter(geometry.column_bits),
        rows=converter(geometry.row_bits),
    )
    switching, random = config.switching, replace(config.random, loadable=bool(pick(0, 1)))
    if pick(0, 1):
        # the model of the paper, with currents that both directions and all kinds reach
        current = float(rng.uniform(45e-6, 55e-6))
        variation_bins = 1 << pick(1, 4)
        switching = replace(
            switching,
            model="erf",
            current_to_antiparallel=current,
            current_to_parallel=current,
            variation_bins=variation_bins,
            loadable=switching.loadable and 2 * variation_bins * switching.codes <= LOADABLE,
            variation=float(rng.uniform(0.01, 0.08)),
        )
    return replace(config, nonideal=wrong, switching=switching, random=random)


def loadable(config: MachineConfig, *, loadable: bool = True) -> MachineConfig:
    """Let the host load streams and tables, or let it not."""
    return variant(config, **{block: {"loadable": loadable} for block in ("random", "switching", "pulse")})
