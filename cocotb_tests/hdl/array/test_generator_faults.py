"""Faults seeded into the generator of the synapse array: the comparison with the golden twin must catch each.

Every one is generated here and now: Verilog that was kept (`gen.generated`) would not have it.
"""

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from cocotb_tests.hdl.array import test_nonideal, test_synapse_array
from cocotb_tests.hdl.array.test_nonideal import LOADABLE, STUCK, VARIATION, array_config
from cocotb_tests.hdl.array.test_synapse_array import sliced
from gen import verilog
from golden.array.converter import ConverterParameters
from golden.array.nonideal import NonidealParameters
from golden.config import MachineConfig
from golden.lfsr import LfsrParameters
from hdl import lfsr
from hdl.array import cells, read_path, slices, write_path
from hdl.array.slices import Slices
from sim import block_bench


def _caught(module: ModuleType, config: MachineConfig, tests: str) -> None:
    """Expect that cocotb tests of a module fail."""
    files = verilog.block_files(config, "test", "synapse_array")
    with pytest.raises(AssertionError, match="cocotb tests failed"):
        block_bench.run_files(files, module.__name__, public=("states",), tests=tests)


def test_wrong_slice_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pulses of a slice go to lanes that are one further."""
    right = Slices.rotating
    monkeypatch.setattr(Slices, "rotating", lambda block, name, *given: right(block, name, *given).rotate_left(1))
    _caught(test_synapse_array, sliced(slices=4, stages=2), "every_pulse")


def test_slice_too_early_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The array accepts a command one cycle before all slices are done."""
    right = slices.array_writing
    monkeypatch.setattr(slices, "array_writing", lambda *shape: right(*shape) - 1)
    _caught(test_synapse_array, sliced(slices=4, stages=2), "hazard")


def test_sum_in_too_few_bits_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums over lanes lose their leading bit."""
    right = read_path.add_up
    for path in (read_path, write_path):
        monkeypatch.setattr(path, "add_up", lambda *given, bits, **options: right(*given, bits=bits - 1, **options))
    _caught(test_synapse_array, sliced(slices=4, stages=2), "random_commands")


def test_wrong_kind_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """One constant of one lane is inverted."""
    right = cells.constants

    def wrong(*arguments: Any) -> Any:
        found = right(*arguments).copy()
        found[0, 2, 0, 5] ^= 1
        return found

    monkeypatch.setattr(cells, "constants", wrong)
    _caught(test_nonideal, array_config("binary", "blind", **VARIATION), "commands")


def test_wrong_stuck_device_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """One device more is stuck."""
    right = NonidealParameters.stuck_devices

    def wrong(*arguments: Any) -> Any:
        stuck, states = right(*arguments)
        row, lane = np.argwhere(~stuck[1])[0]
        stuck[1, row, lane] = True
        return stuck, states

    monkeypatch.setattr(NonidealParameters, "stuck_devices", wrong)
    _caught(test_nonideal, array_config(**STUCK), "commands")


def test_wrong_converter_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """One offset of one converter is off by one."""
    right = ConverterParameters.offsets

    def wrong(*arguments: Any) -> Any:
        found = right(*arguments).copy()
        found[-1] += 1
        return found

    monkeypatch.setattr(ConverterParameters, "offsets", wrong)
    _caught(test_nonideal, array_config(nonideal={"columns": ConverterParameters(offset=2)}), "commands")


def test_swapped_seeds_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two lanes have exchanged their streams."""
    right = LfsrParameters.seeds

    def wrong(*arguments: Any) -> Any:
        found = right(*arguments).copy()
        found[[3, 7]] = found[[7, 3]]
        return found

    monkeypatch.setattr(LfsrParameters, "seeds", wrong)
    _caught(test_nonideal, array_config(), "commands")


def test_missing_repair_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A load of zeros is not repaired."""
    monkeypatch.setattr(lfsr, "broadcast", lambda bit, lanes: lfsr.any_of([], lanes))
    _caught(test_nonideal, array_config(**LOADABLE), "load")
