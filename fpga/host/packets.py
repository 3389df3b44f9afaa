"""What goes through the streams of a machine: arrays to packets and back, checked."""

from collections.abc import Callable, Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fpga.host.register_access import MachineError
from golden.bus import packets as packet_format
from golden.config import MachineConfig
from golden.input_buffer import word_bytes
from golden.samples import Samples

#: Samples that are packed at a time: arrays of bits are large.
_CHUNK = 4096


class Packets:
    """Packs and unpacks what a machine takes and gives.

    Arrays of a wrong shape or with values out of range raise `ValueError`; where the machine would say that it was
    misused, they raise `MachineError` in its words.

    Parameters
    ----------
    config : MachineConfig
        The machine.
    error : callable
        Makes the `MachineError` of a field of the register ERROR, and a detail.
    """

    def __init__(self, config: MachineConfig, error: Callable[..., MachineError]) -> None:
        self._config, self._error = config, error
        self._group = config.array.group
        bits = config.geometry.sum_bits
        self._offset_bits, self._scale_bits = config.neuron.offset_bits(bits), config.neuron.scale_bits(bits)
        self._weights = (config.geometry.rows, config.array.lanes)
        self._neurons = (config.geometry.vector_groups * config.array.group,)

    def samples(self, samples: Samples) -> list[bytes]:
        """Pack samples, one packet each."""
        sizes = self._config.geometry.sizes
        trits, labels = samples.trits, samples.labels
        if trits.ndim != 2 or labels.shape != trits.shape[:1]:
            raise ValueError(
                f"samples must be trits (n, {sizes[0]}) and labels (n,), not {trits.shape}, {labels.shape}"
            )
        if trits.shape[1] != sizes[0]:
            detail = f"samples have {trits.shape[1]} inputs, the machine {sizes[0]}"
            raise self._error("SHORT" if trits.shape[1] < sizes[0] else "LONG", detail=detail)
        _check("trits", trits, trits.shape, -1, 1)
        _check_integers("labels", labels)
        wrong = np.flatnonzero((labels < 0) | (labels >= sizes[-1]))
        if len(wrong):
            raise self._error("LABEL", detail=f"sample {wrong[0]} has label {labels[wrong[0]]}, classes {sizes[-1]}")
        packets: list[bytes] = []
        for start in range(0, len(labels), _CHUNK):
            part = slice(start, start + _CHUNK)
            packets += packet_format.pack_samples(trits[part].astype(np.int8), labels[part], self._group)
        return packets

    def predictions(self, data: bytes) -> NDArray[np.int64]:
        """Unpack predictions."""
        return packet_format.unpack_predictions(data, self._group)

    def predictions_size(self, samples: int) -> int:
        """Bytes of predictions."""
        return samples * word_bytes(self._group)

    def weights(self, r1: NDArray[np.integer], r2: NDArray[np.integer]) -> bytes:
        """Pack device states."""
        _check("r1", r1, self._weights, 0, 1)
        _check("r2", r2, self._weights, 0, self._config.array.devices - 1)
        return packet_format.pack_weights(r1, r2, self._group)

    def unpack_weights(self, data: bytes) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Unpack device states."""
        return packet_format.unpack_weights(data, self._config.array.lanes, self._group)

    @property
    def weights_size(self) -> int:
        """Bytes of all device states."""
        rows, lanes = self._weights
        return rows * (lanes // self._group) * word_bytes(self._group)

    def neurons(self, offset: NDArray[np.integer], scale: NDArray[np.integer]) -> bytes:
        """Pack offsets and scales."""
        half = 1 << (self._offset_bits - 1)
        _check("offset", offset, self._neurons, -half, half - 1)
        _check("scale", scale, self._neurons, 0, (1 << self._scale_bits) - 1)
        return packet_format.pack_neurons(offset, scale, self._offset_bits, self._scale_bits, self._group)

    def unpack_neurons(self, data: bytes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Unpack offsets and scales."""
        return packet_format.unpack_neurons(data, self._offset_bits, self._scale_bits, self._group)

    @cached_property
    def neurons_size(self) -> int:
        """Bytes of all offsets and scales."""
        return len(self.neurons(np.zeros(self._neurons, np.int64), np.zeros(self._neurons, np.int64)))

    def seeds(self, banks: Mapping[int, NDArray[np.unsignedinteger]]) -> bytes:
        """Pack states of random streams."""
        width = self._config.random.width
        if not self._config.seed_banks:
            raise self._error("LOADABLE", detail="random.loadable is off")
        if banks.keys() != self._config.seed_banks.keys():
            raise ValueError(f"banks must be {sorted(self._config.seed_banks)}, not {sorted(banks)}")
        for bank, states in banks.items():
            _check(f"states of bank {bank}", states, (self._config.seed_banks[bank],), 1, (1 << width) - 1)
        return packet_format.pack_seeds(banks, width, self._config.array.lanes, self._group)

    def pulses(self, codes: NDArray[np.integer]) -> bytes:
        """Pack a pulse table."""
        pulse, switching = self._config.pulse, self._config.switching
        if not pulse.loadable:
            raise self._error("LOADABLE", detail="pulse.loadable is off")
        _check("codes", codes, (1 << pulse.nu_bits,), 0, switching.codes - 1)
        return packet_format.pack_pulses(codes, switching.code_bits, self._group)

    def switching(self, thresholds: NDArray[np.integer]) -> bytes:
        """Pack a switching table."""
        s = self._config.switching
        if not s.loadable:
            raise self._error("LOADABLE", detail="switching.loadable is off")
        _check("thresholds", thresholds, (s.variation_bins, 2, s.codes), 0, 1 << s.threshold_bits)
        if (thresholds[..., 1:] == 0).any():
            raise ValueError(f"thresholds must be 1 .. {1 << s.threshold_bits} for all codes but 0, not 0")
        return packet_format.pack_switching(thresholds, s.threshold_bits, self._group)


def _check(name: str, values: NDArray[np.integer], shape: tuple[int, ...], low: int, high: int) -> None:
    """Refuse an array of another shape, of other things than integers, or with values out of range."""
    if values.shape != shape:
        raise ValueError(f"{name} must have the shape {shape}, not {values.shape}")
    _check_integers(name, values)
    wrong = values[(values < low) | (values > high)]
    if wrong.size:
        raise ValueError(f"{name} must be {low} .. {high}, not {wrong.flat[0]}")


def _check_integers(name: str, values: NDArray[np.generic]) -> None:
    if values.dtype.kind not in "iub":
        raise ValueError(f"{name} must be integers, not {values.dtype}")
