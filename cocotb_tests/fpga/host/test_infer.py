"""Networks trained elsewhere, in the RTL."""

from pathlib import Path

import numpy as np

from cocotb_tests.fpga.driver_fixture import TINY
from cocotb_tests.golden.test_dense import network_for, predict
from fpga.host import infer
from gen import generated, verilog
from golden.samples import Samples
from sim.runner import seed


def test_rtl_predicts_as_the_network_does(tmp_path: Path) -> None:
    """Five networks, one after the other."""
    verilog.write(generated.machine(TINY, "tiny"), tmp_path)
    rng = np.random.default_rng(seed())
    classes = set()
    for _ in range(5):
        network = network_for(TINY, rng)
        trits = rng.integers(-1, 2, (200, TINY.sizes[0])).astype(np.int8)
        outcome = infer.infer(network, TINY, tmp_path, Samples(trits, np.zeros(200, np.uint8)), quick=True)
        expected = predict(network, trits)
        np.testing.assert_array_equal(outcome["predictions"], expected)
        classes |= set(expected.tolist())
        assert outcome["cycles"] > 0
    assert len(classes) == TINY.sizes[-1]
