"""One machine: the parameters of all blocks, and the rules that reach across blocks."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from golden import cycles
from golden.array.nonideal import NonidealParameters
from golden.array.synapse_array import ArrayParameters
from golden.error_unit import ErrorParameters
from golden.geometry import Geometry
from golden.gradient_memory import GradientParameters
from golden.input_buffer import InputParameters
from golden.lfsr import LfsrParameters
from golden.network import parse
from golden.neuron import NeuronParameters
from golden.sequencer import Loadable, Program, assemble
from golden.tables import PulseParameters, SwitchingParameters


@dataclass(frozen=True)
class TrainingParameters:
    """What the host asks of the machine; no hardware depends on it.

    Attributes
    ----------
    batch : int, 1 .. 65535
        Samples per mini-batch; 1 updates after every sample.
    epochs : int, >= 1
        Passes over the training set.
    update_shifts : tuple of int
        Per layer, log2 of the gradient sum that stands for one weight step.
    shift_increase_every : int, >= 0
        The update shifts rise by one every this many epochs; 0 keeps them.
    shuffle_seed : int, 0 .. 2^64 - 1
        Seed of the sample order; every epoch has its own permutation.
    """

    batch: int
    epochs: int
    update_shifts: tuple[int, ...]
    shift_increase_every: int = 0
    shuffle_seed: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.batch <= 65535:
            raise ValueError(f"training.batch must be 1 .. 65535 samples, not {self.batch}")
        if self.epochs < 1:
            raise ValueError(f"training.epochs must be >= 1, not {self.epochs}")
        if self.shift_increase_every < 0:
            raise ValueError(f"training.shift_increase_every must be >= 0 epochs, not {self.shift_increase_every}")
        if not 0 <= self.shuffle_seed < 1 << 64:
            raise ValueError(f"training.shuffle_seed must be 0 .. 2^64 - 1, not {self.shuffle_seed}")


@dataclass(frozen=True)
class MachineConfig:
    """Parameters of a whole machine; frozen, validated, the only input of golden model and hardware.

    Attributes
    ----------
    layers : tuple of int or str
        Layer sizes, 1 .. 65536 each: inputs, hidden layers, classes; 2 .. 256 classes. A convolutional network has
        names: an image ``"28x28x1"`` (height, width, planes), convolutions ``"16C5s2p1"`` (16 channels, kernel 5,
        stride 2, padding 1; stride 1 and padding 0 if left out), each perhaps followed by pooling ``"MP2"``, then
        dense layers ``"512FC"`` and the classes.
    array, random, switching, nonideal, pulse, neuron, error, gradient, input, training
        Parameters of the blocks.

    Raises
    ------
    ValueError
        If a rule across blocks is broken.
    """

    layers: tuple[int | str, ...]
    array: ArrayParameters
    input: InputParameters
    training: TrainingParameters
    random: LfsrParameters = field(default_factory=LfsrParameters)
    switching: SwitchingParameters = field(default_factory=SwitchingParameters)
    pulse: PulseParameters = field(default_factory=PulseParameters)
    neuron: NeuronParameters = field(default_factory=NeuronParameters)
    error: ErrorParameters = field(default_factory=ErrorParameters)
    gradient: GradientParameters = field(default_factory=GradientParameters)
    nonideal: NonidealParameters = field(default_factory=NonidealParameters)

    def __post_init__(self) -> None:
        parse(self.layers)
        if not 2 <= self.sizes[-1] <= 256:
            raise ValueError(f"the last of layers must be 2 .. 256 classes, not {self.sizes[-1]}")
        if self.sizes[-1] > 1 << (2 * self.array.group):
            raise ValueError(
                f"a label of {self.sizes[-1]} classes must fit a sample word of 2 * array.group = "
                f"{2 * self.array.group} bits: widen array.group"
            )
        self._check_convolutions()
        self.error.check(len(self.geometry.layers) - 1)
        if self.geometry.rows > 1 << 20:
            raise ValueError(f"layers need {self.geometry.rows} rows, more than 2^20: widen array.lanes")
        if self.neuron.initial_scale >= 1 << self.geometry.sum_bits:
            raise ValueError(
                f"neuron.initial_scale must be below 2^{self.geometry.sum_bits}, beyond every sum of these layers, "
                f"not {self.neuron.initial_scale}"
            )
        if self.switching.threshold_bits > self.random.width:
            raise ValueError(
                f"switching.threshold_bits must not exceed random.width = {self.random.width}, "
                f"not {self.switching.threshold_bits}"
            )
        if self.gradient.bits < self.error.bits:
            raise ValueError(f"gradient.bits must be at least error.bits = {self.error.bits}, not {self.gradient.bits}")
        self.random.separation(self.streams)
        self.nonideal.check(
            rows=self.geometry.rows,
            lanes=self.array.lanes,
            devices=self.array.devices,
            column_bits=self.geometry.column_bits,
            row_bits=self.geometry.row_bits,
        )
        for name in ("columns", "rows"):
            if getattr(self.nonideal, name).noise > self.random.width:
                raise ValueError(
                    f"nonideal.{name}.noise must not exceed random.width = {self.random.width} bits, "
                    f"not {getattr(self.nonideal, name).noise}"
                )
        update_shifts, offered = self.training.update_shifts, self.offered_shifts
        possible = replace(self.gradient, update_shifts=()).offered(self.pulse.nu_bits)
        for update_shift in self.gradient.update_shifts:
            if update_shift not in possible:
                raise ValueError(
                    f"gradient.update_shifts must be pulse.nu_bits .. pulse.nu_bits + gradient.bits - 1 = "
                    f"{possible[0]} .. {possible[-1]}, not {list(self.gradient.update_shifts)}"
                )
        if len(update_shifts) != len(self.geometry.layers):
            raise ValueError(
                f"training.update_shifts must name one update shift per layer ({len(self.geometry.layers)}), "
                f"not {list(update_shifts)}"
            )
        for update_shift in update_shifts:
            if update_shift not in offered:
                rule = (
                    "in gradient.update_shifts"
                    if self.gradient.update_shifts
                    else "pulse.nu_bits .. pulse.nu_bits + gradient.bits - 1"
                )
                raise ValueError(
                    f"training.update_shifts must be {rule} = {offered[0]} .. {offered[-1]}, not {update_shift}"
                )

    def _check_convolutions(self) -> None:
        """Refuse what a convolutional network cannot have."""
        first, lanes = self.geometry.synapses[0], self.array.lanes
        if not first.kernel:
            return
        if first.patch > lanes:
            raise ValueError(
                f"layers: the first convolution's patch of {first.kernel} x {first.kernel} x {first.inputs.channels} = "
                f"{first.patch} trits must fit array.lanes = {lanes}: take a smaller kernel, fewer planes or more lanes"
            )
        planes = self.input.planes
        if first.inputs.channels != planes:
            raise ValueError(
                f"layers: an image of {first.inputs.channels} planes needs as many thresholds in input.low and high, "
                f"not {planes}"
            )
        for name in ("offset_tracks_mean", "offset_learned"):
            if getattr(self.neuron, name):
                raise ValueError(f"neuron.{name} must be false in a convolutional network")

    @property
    def sizes(self) -> tuple[int, ...]:
        """Elements of the input and of the outputs of every layer of synapses."""
        return self.geometry.sizes

    @cached_property
    def geometry(self) -> Geometry:
        """Memory layout."""
        return Geometry(
            self.layers, self.array.lanes, self.array.group, self.error.limit, converted=self.nonideal.converting
        )

    @cached_property
    def program(self) -> Program:
        """Microprogram."""
        bits, switching = self.geometry.sum_bits, self.switching
        return assemble(
            self.geometry,
            Loadable(
                neuron_bits=self.neuron.offset_bits(bits) + self.neuron.scale_bits(bits),
                banks=tuple(self.seed_banks),
                stream_bits=self.random.width,
                pulse_bits=(switching.code_bits << self.pulse.nu_bits) * self.pulse.loadable,
                switching_bits=2
                * switching.variation_bins
                * switching.codes
                * switching.threshold_bits
                * switching.loadable,
            ),
            reset_on_switch=self.gradient.reset_on_switch,
        )

    @cached_property
    def seed_banks(self) -> dict[int, int]:
        """Banks of random streams that can be loaded, and their sizes.

        Banks 0 and 1 are the streams of the lanes of a slice, 2 those of column converters, 3 the row converter's.
        """
        if not self.random.loadable:
            return {}
        lanes = dict.fromkeys(range(self.array.streams_per_lane), self.array.slice_lanes)
        noise = enumerate(self.nonideal.noise_streams(self.array.group), start=2)
        return lanes | {bank: count for bank, count in noise if count}

    @property
    def streams(self) -> int:
        """Random streams of the array: one or two per lane of a slice, and those of noisy converters."""
        noise = sum(self.nonideal.noise_streams(self.array.group))
        return self.array.streams + noise

    @property
    def array_latency(self) -> int:
        """Cycles from a command's acceptance by the array until its answer has been counted."""
        return cycles.array_latency(self.array.stages, converting=self.nonideal.converting)

    @property
    def array_writing(self) -> int:
        """Cycles that a command takes that changes or reads states."""
        return cycles.array_writing(self.array.slices, self.array.stages)

    @property
    def steps(self) -> int:
        """Steps across the weight space: the largest kappa."""
        return self.array.devices

    @property
    def offered_shifts(self) -> range:
        """Rates that the hardware offers."""
        return self.gradient.offered(self.pulse.nu_bits)

    def update_shifts(self, epoch: int) -> tuple[int, ...]:
        """Rates of all layers in an epoch, counted from 0; they stop rising at the highest that the hardware offers."""
        slower = epoch // self.training.shift_increase_every if self.training.shift_increase_every else 0
        return tuple(
            min(update_shift + slower, self.offered_shifts[-1]) for update_shift in self.training.update_shifts
        )


def variant(config: MachineConfig, **blocks: dict[str, Any]) -> MachineConfig:
    """Change fields of the blocks' parameters, for example ``variant(c, error={"bits": 3})``.

    The update shifts of training move into the range that the change leaves open.
    """
    parts = {block: replace(getattr(config, block), **fields) for block, fields in blocks.items()}
    pulse, gradient = parts.get("pulse", config.pulse), parts.get("gradient", config.gradient)
    training = parts.get("training", config.training)
    offered = gradient.offered(pulse.nu_bits)
    update_shifts = tuple(min(max(update_shift, offered[0]), offered[-1]) for update_shift in training.update_shifts)
    return replace(config, **{**parts, "training": replace(training, update_shifts=update_shifts)})


def seeded(config: MachineConfig, seed: int) -> MachineConfig:
    """Give a configuration another seed for its random streams and its sample order; 0 leaves it as it is."""
    if not seed:
        return config
    random, training = replace(config.random, seed=seed), replace(config.training, shuffle_seed=seed)
    return replace(config, random=random, training=training)
