"""What follows from seeds, by a few lines of the contract's own: hardware calls the same golden functions, so that only
numbers from elsewhere can see a wrong one."""

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import numpy as np
import pytest

from cocotb_tests.kit.random_data import random_dataset
from gen import config as named
from golden.array import nonideal, synapse_array
from golden.array.converter import ConverterParameters
from golden.config import MachineConfig, variant
from golden.lib import seeded_hash
from golden.machine import Machine
from golden.run.run import Run

TINY = named.load("tiny")
SEEDS = (0, 1, 77, 2**64 - 1)
#: Of seed 77: offsets of columns and rows, digests of device bins and of stuck devices, the order of the second epoch.
PINNED_OFFSETS = ([3, 3], [-1])
PINNED_BINS, PINNED_STUCK = "57e163544a8c837f", "da793fb6ed86c53a"
PINNED_ORDER = [11, 3, 4, 5, 6, 9, 0, 1, 7, 8, 2, 10]


def _bytes(seed: int, purpose: bytes, count: int) -> bytes:
    blocks = (blake2b(i.to_bytes(8, "little"), key=seed.to_bytes(8, "little"), person=purpose) for i in range(count))
    return b"".join(block.digest() for block in blocks)[:count]


def _words(seed: int, purpose: bytes, count: int) -> list[int]:
    raw = _bytes(seed, purpose, 4 * count)
    return [int.from_bytes(raw[4 * i : 4 * i + 4], "little") for i in range(count)]


def _machine(seed: int) -> Machine:
    """Everything that a seed decides, in an array of 35 rows, 4 lanes, 2 devices and groups of 2."""
    columns, rows = {"offset": 5}, {"offset": 9}
    config = variant(
        TINY,
        switching={
            **{"model": "erf", "device": "perpendicular_50nm", "variation_bins": 4, "variation": 0.05},
            **{"current_to_antiparallel": 60e-6, "current_to_parallel": 60e-6},
        },
        nonideal={
            **{"seed": seed, "stuck_parallel": 0.1, "stuck_antiparallel": 0.2},
            **{"columns": ConverterParameters(**columns), "rows": ConverterParameters(**rows)},
        },
    )
    return Machine(config)


def _check_bins(seed: int) -> None:
    array = _machine(seed).array
    devices, rows, lanes = array.device_bins.shape
    assert (devices, rows, lanes) == (2, 35, 4)
    raw = _bytes(seed, b"kinds", 2 * 2 * 7 * 4 // 8)
    bits = [raw[i // 8] >> i % 8 & 1 for i in range(2 * 2 * 7 * 4)]
    for device, row, lane in np.ndindex(devices, rows, lanes):
        found = 0
        for b in range(2):
            constants = [bits[((device * 2 + b) * 7 + k) * 4 + lane] for k in range(7)]
            found |= (constants[0] + sum((row >> k & 1) * constants[1 + k] for k in range(6))) % 2 << b
        assert array.device_bins[device, row, lane] == found


def _check_stuck(seed: int) -> None:
    array = _machine(seed).array
    words = np.array(_words(seed, b"stuck", 2 * 35 * 4)).reshape(2, 35, 4)
    assert (array.stuck == (words < 2**32 * (0.1 + 0.2))).all()
    assert (array.stuck_states == (words < 2**32 * 0.1)).all()
    assert 0.2 < array.stuck.mean() < 0.4


def _check_offsets(seed: int) -> None:
    array = _machine(seed).array
    for converter, purpose, offset in (
        (array.column_converters, b"column offsets", 5),
        (array.row_converter, b"row offsets", 9),
    ):
        words = _words(seed, purpose, len(converter.offsets))
        assert converter.offsets.tolist() == [(u * (2 * offset + 1) >> 32) - offset for u in words]


def _check_order(seed: int) -> None:
    run = Run(_shuffled(seed), random_dataset(TINY, 30, 3), 0, 3)
    for epoch in range(3):
        steps = [step for step in run.steps() if step.training and step.epoch == epoch]
        shown = np.concatenate([run.present(step).trits for step in steps])
        order = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, epoch]))).permutation(30)
        assert (shown == run._train.trits[order]).all()


def _shuffled(seed: int) -> MachineConfig:
    return variant(TINY, training={"shuffle_seed": seed})


CHECKS = {"bins": _check_bins, "stuck": _check_stuck, "offsets": _check_offsets, "order": _check_order}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", CHECKS)
def test_seeds(name: str, seed: int) -> None:
    """Golden machines have what the contract says."""
    CHECKS[name](seed)


def test_pinned() -> None:
    """The same numbers on every machine, under every release of Python and NumPy."""
    array = _machine(77).array
    assert (array.column_converters.offsets.tolist(), array.row_converter.offsets.tolist()) == PINNED_OFFSETS
    assert blake2b(array.device_bins.tobytes(), digest_size=8).hexdigest() == PINNED_BINS
    assert blake2b(array.stuck.tobytes() + array.stuck_states.tobytes(), digest_size=8).hexdigest() == PINNED_STUCK
    assert Run(_shuffled(77), random_dataset(TINY, 12, 3), 0, 2)._order(1).tolist() == PINNED_ORDER


def _offsets_by_columns(expand: Callable[..., Any]) -> Callable[..., Any]:
    return lambda seed, purpose, count: expand(seed, purpose.replace("row", "column"), count)


def _without_seed(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda seed, *rest: function(1, *rest)


def _of_orders(change: Callable[[list[int]], list[int]]) -> Callable[..., Any]:
    """Change seeds of orders, which are of two numbers."""
    return lambda make: lambda seed: make(change(seed) if isinstance(seed, list) else seed)


@pytest.mark.parametrize(
    ("check", "module", "name", "fault"),
    [
        ("bins", synapse_array.cells, "constants", _without_seed),
        ("stuck", nonideal.seeded_hash, "words", _without_seed),
        ("offsets", seeded_hash, "words", _without_seed),
        ("offsets", seeded_hash, "expand", _offsets_by_columns),
        ("order", np.random, "default_rng", _of_orders(lambda seed: [1, seed[1]])),
        ("order", np.random, "default_rng", _of_orders(lambda seed: seed[:1])),
    ],
    ids=["bins", "stuck", "offsets", "row offsets by columns", "order without seed", "order without epoch"],
)
def test_faults(check: str, module: Any, name: str, fault: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A seed that is ignored, and a purpose that serves twice, are caught."""
    monkeypatch.setattr(module, name, fault(getattr(module, name)))
    with pytest.raises(AssertionError):
        CHECKS[check](77)
