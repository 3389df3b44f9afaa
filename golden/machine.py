"""The whole machine in NumPy (twin of `hdl/machine.py`): it interprets the microprogram that the hardware runs."""

import numpy as np
from numpy.typing import NDArray

from golden import cycles, pooling
from golden.array.synapse_array import SynapseArray
from golden.collector import Collector
from golden.config import MachineConfig
from golden.counters import COUNTER_BITS, COUNTERS
from golden.drivers import events
from golden.error_map import ErrorMap
from golden.error_unit import ErrorUnit
from golden.gradient_memory import GradientMemory
from golden.lfsr import Lfsr
from golden.neuron import Neurons, Position
from golden.samples import Sample, Samples
from golden.sequencer import Instruction, Op, Phase, Source, Unit
from golden.update_unit import UpdateUnit
from golden.vector_memory import VectorMemory


class Machine:
    """Golden model of the machine: the same state, operation by operation, the same counts.

    Parameters
    ----------
    config : MachineConfig
        The machine.

    Attributes
    ----------
    array, gradient, neurons, vectors, collector, map
        State of the blocks.
    counters : dict of str to int
        Event counters; cycles_wait, which depends on the host, stays 0.
    """

    def __init__(self, config: MachineConfig) -> None:
        self.config = config
        geometry = config.geometry
        self.array = SynapseArray(
            config.array,
            config.switching,
            config.random,
            geometry.rows,
            config.nonideal,
            column_bits=geometry.column_bits,
            row_bits=geometry.row_bits,
        )
        self.gradient = GradientMemory(config.gradient, geometry.rows, geometry.lanes)
        self.neurons = Neurons(config.neuron, geometry.neuron_groups * geometry.group, geometry.sum_bits)
        self.vectors = VectorMemory(geometry.vector_groups, geometry.group)
        self.collector = Collector(geometry.group, max(vector.groups for vector in geometry.vectors))
        self.map = ErrorMap(geometry.map_groups, geometry.group)
        self.errors = ErrorUnit(config.error)
        self.updates = UpdateUnit(config.pulse, config.switching, config.steps)
        self.drive = np.zeros(geometry.lanes, np.int64)
        self._counts = dict.fromkeys(COUNTERS, 0)
        self._sample = Sample(np.zeros(geometry.sizes[0], np.int8), 0)
        self._outputs = np.zeros(0, np.int64)
        self._learn = False
        self._training = False
        self._position = 0
        self._patches = [geometry.patches(layer) if layer.convolution else None for layer in geometry.layers]

    @property
    def counters(self) -> dict[str, int]:
        """Event counters, wrapped to their width."""
        array = {name: getattr(self.array, name) for name in ("pulses", "pulse_width", "switches")}
        return {name: count % (1 << COUNTER_BITS) for name, count in (self._counts | array).items()}

    def state(self) -> dict[str, NDArray[np.int64]]:
        """Copy the whole state between two commands.

        Returns
        -------
        dict of str to ndarray of int64
            ``r1``, ``r2``, ``gradient``, shape (rows, lanes); ``random``, shape (streams,), and ``random_columns`` and
            ``random_rows`` where those converters are noisy; ``offset``, ``scale``, shape (neurons,), ``activations``,
            ``windows``, ``errors``, shape (elements,).
        """
        state = {
            "r1": self.array.r1,
            "r2": self.array.r2,
            "gradient": self.gradient.sums,
            "random": self.array.lfsr.states,
            **{name: lfsr.states for name, lfsr in self._noise.items()},
            "offset": self.neurons.offset,
            "scale": self.neurons.scale,
            "activations": self.vectors.activations.reshape(-1),
            "windows": self.vectors.windows.reshape(-1),
            "errors": self.vectors.errors.reshape(-1),
        }
        return {name: values.astype(np.int64) for name, values in state.items()}

    def ranges(self) -> dict[str, tuple[int, int]]:
        """Give the least and the greatest value of every quantity of `state`."""
        config, sum_bits = self.config, self.config.geometry.sum_bits
        stream = 1, (1 << config.random.width) - 1
        offset = config.neuron.offset_bits(sum_bits) - 1
        return {
            "r1": (0, 1),
            "r2": (0, config.array.devices - 1),
            "gradient": (-(1 << config.gradient.bits - 1), (1 << config.gradient.bits - 1) - 1),
            "random": stream,
            **dict.fromkeys(self._noise, stream),
            "offset": (-(1 << offset), (1 << offset) - 1),
            "scale": (0, (1 << config.neuron.scale_bits(sum_bits)) - 1),
            "activations": (-1, 1),
            "windows": (0, 1),
            "errors": (-config.error.limit, config.error.limit),
        }

    def restore(self, state: dict[str, NDArray[np.int64]], counters: dict[str, int]) -> None:
        """Continue from a state and counters taken earlier from a machine of the same configuration."""
        self.array.r1[:] = state["r1"]
        self.array.r2[:] = state["r2"]
        self.gradient.sums[:] = state["gradient"]
        self.array.lfsr.states[:] = state["random"].astype(np.uint64)
        for name, lfsr in self._noise.items():
            lfsr.states[:] = state[name].astype(np.uint64)
        self.neurons.offset[:] = state["offset"]
        self.neurons.scale[:] = state["scale"]
        self.vectors.activations.reshape(-1)[:] = state["activations"]
        self.vectors.windows.reshape(-1)[:] = state["windows"]
        self.vectors.errors.reshape(-1)[:] = state["errors"]
        self._counts = dict(counters)
        for name in ("pulses", "pulse_width", "switches"):
            setattr(self.array, name, counters[name])

    @property
    def _noise(self) -> dict[str, Lfsr]:
        """Streams of noisy converters, by their name in `state`."""
        converters = {"random_columns": self.array.column_converters, "random_rows": self.array.row_converter}
        return {name: converter.lfsr for name, converter in converters.items() if converter.parameters.noise}

    def initialise(self) -> None:
        """Host command INIT_RANDOM: random weights, zero gradient sums, initial neurons."""
        for instruction in self.config.program.initialise:
            self._execute(instruction, ())

    def train(self, samples: Samples, batch: int, update_shifts: tuple[int, ...]) -> NDArray[np.int64]:
        """Host command TRAIN.

        Parameters
        ----------
        samples : Samples
            In the order of the stream.
        batch : int
            Samples per mini-batch; the last one may be shorter.
        update_shifts : tuple of int
            Per layer, log2 of the gradient sum that stands for one weight step.

        Returns
        -------
        ndarray of int64, shape (n,)
            Predictions, made before the sample was learned from.
        """
        predictions = np.empty(len(samples), np.int64)
        for start in range(0, len(samples), batch):
            part = slice(start, start + batch)
            predictions[part] = self.present(samples[part], training=True)
            self.update(update_shifts)
        return predictions

    def test(self, samples: Samples) -> NDArray[np.int64]:
        """Host command TEST: predictions of samples, shape (n,); nothing is learned."""
        return self.present(samples, training=False)

    def reset(self) -> None:
        """Do what reset does between two commands: memories stay, all else is as in the beginning."""
        c = self.config
        fresh = SynapseArray(c.array, c.switching, c.random, c.geometry.rows, c.nonideal)
        for mine, other in zip(self.array.banks, fresh.banks, strict=True):
            mine.states[:], mine.shifts[:] = other.states, other.shifts
        self.array.thresholds[:] = fresh.thresholds
        self.updates.table[:] = self.config.pulse.codes(self.config.switching)
        self._counts = dict.fromkeys(COUNTERS, 0)
        for name in ("pulses", "pulse_width", "switches"):
            setattr(self.array, name, 0)

    def write_row(self, row: int, r1: NDArray[np.integer], r2: NDArray[np.integer]) -> None:
        """Load the device states of one row, shape (lanes,); its gradient sums become 0."""
        self.array.write(row, r1, r2)
        self.gradient.clear(row)
        self._counts["rows_written"] += 1

    def layer_weights(self, layer: int) -> NDArray[np.int8]:
        """Give the weights of a layer, counted from 0, shape (inputs, outputs), inputs in the order of the patch."""
        g, place, lanes = self.config.geometry, self.config.geometry.layers[layer], self.config.array.lanes
        rows = self.array.weights(slice(place.row, place.row + place.rows))
        if place.segments > 1:
            return rows.reshape(-1, lanes // place.segments)[: place.outputs, : place.inputs].T
        # the side on the lanes is folded into blocks of all lanes, one below the other
        across = rows.reshape(place.blocks, -1, lanes).transpose(1, 0, 2).reshape(place.rows_per_block, -1)
        if place.inputs_on_rows:
            return across[:, : place.outputs]
        shape = g.vectors[place.source].shape
        if g.convolutional and layer and shape.channels % g.group:
            groups = across[:, : g.patch_groups(place) * g.group]
            channels = groups.reshape(place.outputs, -1, g.vectors[place.source].channel_groups * g.group)
            across = channels[:, :, : shape.channels].reshape(place.outputs, -1)
        return across[:, : place.inputs].T

    def load_weights(self, r1: NDArray[np.integer], r2: NDArray[np.integer]) -> None:
        """Host command LOAD_WEIGHTS: device states, shape (rows, lanes); gradient sums become 0.

        A load that ends early has the first rows alone.
        """
        for row, states in enumerate(zip(r1, r2, strict=True)):
            self.write_row(row, *states)

    def dump_weights(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Host command DUMP_WEIGHTS: device states R1 and R2, shape (rows, lanes)."""
        self._counts["rows_read"] += self.config.array.devices * self.config.geometry.rows
        return self.array.r1.copy(), self.array.r2.copy()

    def load_neurons(self, offset: NDArray[np.integer], scale: NDArray[np.integer]) -> None:
        """Host command LOAD_NEURONS: offsets and scales, shape (elements,), of the first if it ends early."""
        self.neurons.offset[: len(offset)] = offset
        self.neurons.scale[: len(scale)] = scale

    def load_seeds(self, banks: dict[int, NDArray[np.unsignedinteger]]) -> None:
        """Host command LOAD_SEEDS: states of all streams of every bank of `MachineConfig.seed_banks`.

        Parameters
        ----------
        banks : dict of int to ndarray of uint64, shape (streams,)
            States, as many as the bank has streams.
        """
        for bank, states in banks.items():
            for bit in range(self.config.random.width):
                self.array.seed(bank, (states >> np.uint64(bit) & np.uint64(1)).astype(bool))

    def load_pulses(self, codes: NDArray[np.integer]) -> None:
        """Host command LOAD_PULSES: width codes of all |nu|, shape (2^nu_bits,)."""
        self.updates.table[:] = codes

    def load_switching(self, thresholds: NDArray[np.integer]) -> None:
        """Host command LOAD_SWITCHING: thresholds, shape and range of `SwitchingParameters.bin_thresholds`."""
        self.array.thresholds[:] = thresholds

    def update(self, update_shifts: tuple[int, ...]) -> None:
        """Do the write pass at the end of a mini-batch."""
        for instruction in self.config.program.update:
            self._execute(instruction, update_shifts)
        self._counts["updates"] += 1

    def present(self, samples: Samples, *, training: bool) -> NDArray[np.int64]:
        """Present samples one after another, in training accumulate gradients; return predictions.

        Raises
        ------
        ValueError
            If the samples have another shape than the network's input.
        """
        self._check(samples)
        predictions = np.array([self._predict(sample, training=training) for sample in samples], np.int64)
        self._enter(samples, predictions)
        return predictions

    def _check(self, samples: Samples) -> None:
        inputs = self.config.sizes[0]
        if samples.trits.shape[1:] != (inputs,):
            raise ValueError(f"samples must have {inputs} trits each, not the shape {samples.trits.shape[1:]}")

    def _enter(self, samples: Samples, predictions: NDArray[np.int64]) -> None:
        self._counts["samples"] += len(samples)
        self._counts["correct"] += int(np.count_nonzero(predictions == samples.labels))

    def _predict(self, sample: Sample, *, training: bool) -> int:
        """Run the sample section."""
        self._sample, self._training, self._learn = sample, training, False
        self._outputs = np.zeros(0, np.int64)
        program, at = self.config.program.sample, 0
        while self._execute(program[at], ()):
            at = self._next(program[at], at) if program[at].op == Op.NEXT else at + 1
        return int(self._outputs.argmax())

    def _next(self, instruction: Instruction, at: int) -> int:
        """Go on to the next position; return the number of the next instruction."""
        self._position += 1
        if self._position < self.config.geometry.layers[instruction.layer].positions:
            return at - instruction.body
        self._position = 0
        return at + 1

    def _execute(self, instruction: Instruction, update_shifts: tuple[int, ...]) -> bool:
        """Execute one instruction; False where the section is left."""
        if instruction.op == Op.END:
            return False
        if instruction.op == Op.BRANCH:
            stay = self._training and self._learn
            self._spend(instruction, int(stay))
            return stay
        self._spend(instruction, self._done(instruction, update_shifts))
        return True

    def _spend(self, instruction: Instruction, done: int) -> None:
        """Count the cycles of an operation that is over in cycle `done`."""
        self._counts[f"cycles_{instruction.phase.name.lower()}"] += done + 1

    def _done(self, instruction: Instruction, update_shifts: tuple[int, ...]) -> int:
        """Execute an operation; return its last cycle."""
        match instruction.op:
            case Op.INIT_RANDOM:
                return self._init_random(instruction)
            case Op.RESET:
                self.neurons.reset()
                return cycles.reset(instruction.groups)
            case Op.DRIVE:
                return self._drive(instruction)
            case Op.ACCUMULATE:
                return self._accumulate(instruction)
            case Op.SENSE_COLUMNS | Op.SENSE_SEGMENTS:
                return self._sense_groups(instruction)
            case Op.SENSE_ROWS:
                return self._collect(instruction)
            case Op.GRADIENT:
                return self._gradient(instruction)
            case Op.GRADIENT_SEGMENTS:
                return self._gradient_segments(instruction)
            case Op.MAP_ERRORS:
                self._finish(instruction, self.map.take(instruction.groups))
                return cycles.map_errors(instruction.groups)
            case Op.POOL | Op.UNPOOL:
                return self._pool(instruction)
            case Op.UPDATE:
                return self._update(instruction, update_shifts[instruction.layer])
            case Op.CLEAR_SWITCHED:
                self.gradient.clear_switched(slice(instruction.row, instruction.row + instruction.rows))
                return cycles.clear_switched(instruction.rows)
            case Op.NEXT:
                positions = self.config.geometry.layers[instruction.layer].positions
                return cycles.next_position(positions - 1 - self._position, instruction.overlap)
            case _:
                raise AssertionError(f"{instruction.op.name} is none of the machine's own operations")

    def _group(self, instruction: Instruction) -> int:
        """First group of an instruction's vector, in a loop that of the present position."""
        return instruction.group + self._position * instruction.step

    def _drive(self, instruction: Instruction) -> int:
        g = self.config.geometry
        self.drive = np.zeros(g.lanes, np.int64)
        if not instruction.patch:
            vector = self._vector(instruction)
            self.drive[: len(vector)] = vector
            return cycles.drive(instruction.groups)
        patch = self._patch(instruction)
        inside = patch >= 0
        if instruction.source == Source.INPUT:
            values = np.where(inside, self._sample.trits[patch], 0)
            segments = self.drive.reshape(g.layers[instruction.layer].segments, -1)
            segments[:, : len(values)] = values
            synapses = g.synapses[instruction.layer]
            lines = synapses.kernel * (g.groups(0) // synapses.inputs.height)
            return cycles.drive_input(lines, self._position % synapses.outputs.width)
        base = g.group_base[g.layers[instruction.layer].source]
        words = np.where(inside[:, None], self.vectors.activations[base + patch], 0)
        self.drive[: words.size] = words.reshape(-1)
        return cycles.drive(instruction.groups)

    def _patch(self, instruction: Instruction) -> NDArray[np.int64]:
        """Groups, or elements of the input, that an instruction's block of the present patch has."""
        patches = self._patches[instruction.layer]
        assert patches is not None
        patch = patches[self._position]
        if instruction.layer == 0:
            return patch
        return patch[instruction.group : instruction.group + self.config.geometry.groups_per_block]

    def _vector(self, instruction: Instruction) -> NDArray[np.int64]:
        """Read the vector that an instruction names, whole groups."""
        if instruction.source == Source.INPUT:
            vector = np.zeros(instruction.groups * self.config.array.group, np.int64)
            vector[: len(self._sample.trits)] = self._sample.trits
            return vector
        return self.vectors.read(
            self._group(instruction), instruction.groups, errors=instruction.source == Source.ERROR
        )

    def _count_read(self, phase: Phase, name: str, count: int) -> None:
        self._counts[f"{phase.name.lower()}_{name}"] += count

    def _init_random(self, instruction: Instruction) -> int:
        for row in range(instruction.rows):
            self.array.initialise(row)
            self.gradient.clear(row)
        self._counts["rows_initialised"] += instruction.rows
        return cycles.initialise(instruction.rows, self.config.array_latency, self.config.array_writing)

    def _accumulate(self, instruction: Instruction) -> int:
        vector, before = self._vector(instruction), self.array.products
        indices, coefficients = events(vector)
        self.array.drive_rows(instruction.row + indices, coefficients)
        self._count_read(instruction.phase, "rows_driven", len(indices))
        self._count_read(instruction.phase, "products", self.array.products - before)
        return cycles.walk(vector, self.config.array.group, self.config.array_latency)

    def _collect(self, instruction: Instruction) -> int:
        before = self.array.products
        sums = self.array.sense_rows(slice(instruction.row, instruction.row + instruction.rows), self.drive)
        self._count_read(instruction.phase, "rows_sensed", instruction.rows)
        self._count_read(instruction.phase, "products", self.array.products - before)
        complete = self.collector.collect(sums, first=instruction.first, last=instruction.last)
        if complete is not None:
            self._finish(instruction, complete)
        latency, i = self.config.array_latency, instruction
        return cycles.sense_rows(i.rows, latency, last=i.last, overlap=i.overlap)

    def _sense_groups(self, instruction: Instruction) -> int:
        """Sense columns, or the segments of rows: a group of sums at a time."""
        before, count = self.array.products, instruction.groups
        if instruction.op == Op.SENSE_SEGMENTS:
            rows = slice(instruction.row, instruction.row + instruction.rows)
            sums, count = self.array.sense_segments(rows, self.drive), instruction.rows
            self._count_read(instruction.phase, "rows_sensed", count)
            self._count_read(instruction.phase, "products", self.array.products - before)
        else:
            sums = self.array.sense_columns()
            self._count_read(instruction.phase, "groups_sensed", count)
        if instruction.unit == Unit.MAP:
            patch = self._patch(instruction)[: instruction.elements // self.config.array.group]
            self.map.add(patch, sums[: len(patch)])
        else:
            self._finish(instruction, sums)
        return cycles.sense_columns(count, self.config.array_latency, overlap=instruction.overlap)

    def _finish(self, instruction: Instruction, groups: NDArray[np.int64]) -> None:
        """Send complete sums through a unit into vector memory."""
        sums, group = groups.reshape(-1), self.config.geometry.group
        first = self._group(instruction)
        words = slice(first, first + len(groups))
        neurons = slice(instruction.neuron_group * group, (instruction.neuron_group + len(groups)) * group)
        valid = np.arange(len(sums)) < instruction.elements
        if instruction.unit == Unit.NEURON:
            position = Position(self._position, self.config.geometry.layers[instruction.neuron_layer].positions)
            activations, window = self.neurons.fire(sums, neurons, training=self._training, position=position)
            self.vectors.activations[words] = (activations * valid).reshape(groups.shape)
            self.vectors.windows[words] = (window & valid).reshape(groups.shape)
            return
        if instruction.unit == Unit.OUTPUT:
            block = first - self.config.geometry.group_base[-1]
            outputs = self.neurons.centre(sums, neurons)
            errors = np.where(valid, self.errors.output(outputs, self._sample.label - block * group), 0)
            self._outputs = np.concatenate([self._outputs, outputs[valid]])
            self._learn |= bool(errors.any())
            trains = True
        else:
            window = self.vectors.windows[words].reshape(-1)
            errors = np.where(valid, self.errors.hidden(sums, window, instruction.neuron_layer), 0)
            trains = self.config.neuron.offset_learned
        self.vectors.errors[words] = errors.reshape(groups.shape)
        if self._training and trains:
            self.neurons.train(errors, neurons)

    def _gradient(self, instruction: Instruction) -> int:
        vector = self._vector(instruction)
        indices, coefficients = events(vector)
        self.gradient.accumulate(instruction.row + indices, coefficients, self.drive)
        self._counts["gradient_rows"] += len(indices)
        return cycles.walk(vector, self.config.array.group, cycles.GRADIENT)

    def _gradient_segments(self, instruction: Instruction) -> int:
        """Add to a segmented row per group of errors that are not all zero."""
        errors = self._vector(instruction).reshape(-1, self.config.array.group)
        some = errors.any(axis=1)
        rows = np.flatnonzero(some)
        lanes = np.repeat(errors[rows], self.config.array.lanes // errors.shape[1], axis=1)
        self.gradient.add(instruction.row + rows, lanes * self.drive)
        self._counts["gradient_rows"] += len(rows)
        return cycles.walk(np.asarray(some, np.int64), 1, cycles.GRADIENT)

    def _pool(self, instruction: Instruction) -> int:
        """Pool activations and windows, or give the errors of pooled positions to those that won."""
        g, v = self.config.geometry, self.vectors
        layer = g.layers[instruction.layer]
        full, pooled = g.vectors[layer.target], slice(instruction.group, instruction.group + instruction.groups)
        corners = pooling.corners(full.shape.height, full.shape.width)[..., None]
        words = (full.base + corners * full.channel_groups + np.arange(full.channel_groups)).reshape(4, -1)
        activations, windows = v.activations[words], v.windows[words]
        winners = pooling.winners(activations, windows)[None]
        if instruction.op == Op.POOL:
            v.activations[pooled] = np.take_along_axis(activations, winners, 0)[0]
            v.windows[pooled] = np.take_along_axis(windows, winners, 0)[0]
            return cycles.pool(instruction.groups)
        won = np.arange(4)[:, None, None] == winners
        v.errors[words] = np.where(won, v.errors[pooled], 0)
        return cycles.unpool(instruction.groups)

    def _update(self, instruction: Instruction, update_shift: int) -> int:
        issued = np.zeros(instruction.rows, np.int64)
        for index in range(instruction.rows):
            row = instruction.row + index
            # the pulses of a row follow from its sums before the leak
            pulses = list(self.updates.pulses(self.gradient.sums[row], update_shift))
            self.gradient.leak(row)
            for pulse in pulses:
                switched = self.array.pulse(row, pulse.increase, pulse.codes)
                self.gradient.switched(row, switched)
            issued[index] = len(pulses)
        self._counts["update_rows"] += instruction.rows
        self._counts["rows_pulsed"] += int(issued.sum())
        return cycles.update(issued, self.config.array_latency, self.config.array_writing)
