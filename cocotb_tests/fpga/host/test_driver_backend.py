"""A training on RTL and golden machine side by side, cut at any word and taken up again by another program."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cocotb_tests.fpga.driver_fixture import random
from cocotb_tests.kit.random_data import random_dataset
from fpga.host.driver import Driver
from fpga.host.driver_backend import DriverBackend, StateError
from gen import config as named
from gen import generated, verilog
from golden.bus.packets import pack_samples
from golden.run.checkpoint import Past
from golden.run.run import Run
from golden.run.session import Session
from sim.verilated import Verilated

TINY = named.load("tiny")
_GROUP = TINY.array.group


@pytest.fixture(scope="module")
def design(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The generated machine and its manifest."""
    files, folder = generated.machine(TINY, "tiny"), tmp_path_factory.mktemp("design")
    verilog.write(files, folder)
    return folder, json.loads(files["manifest.json"])


def _run() -> Run:
    return Run(TINY, random_dataset(TINY, 11, 3, random(50)), 0, 2)


def _cut(driver: Driver, transport: Verilated, run: Run, words: int) -> None:
    """Begin the run's next step, and leave it when so many words of its samples have been sent."""
    step = run.steps()[0]
    samples = run.present(step)
    driver.write("SAMPLES", step.count)
    driver.write("BATCH", step.count)
    for layer, update_shift in enumerate(run.config.update_shifts(step.epoch)):
        driver.write(f"UPDATE_SHIFT[{layer}]", update_shift)
    driver.write("COMMAND.OPERATION", "TRAIN" if step.training else "TEST")
    driver.write("CONTROL.START", 1)
    for packet in pack_samples(samples.trits, samples.labels, _GROUP):
        size = len(packet)
        part = packet[:words] if words < size else packet
        if part:
            transport.send([part], last=len(part) == size)
        words -= len(part)
    # a new session of a link empties both buffers; nobody says how much of this the machine has taken
    transport.run(int(random(51, words).integers(0, 3000)))
    transport.discard()


class _Watched(DriverBackend):
    """Notes how many steps, and samples of the next, the machine had done when it was found again."""

    found = (0, 0)

    def resume(self, run: Run) -> None:
        done = run.done
        super().resume(run)
        self.found = run.done - done, self.driver.counters()["samples"] - run.machine.counters["samples"]


def _steps(backend: DriverBackend, run: Run, count: int) -> None:
    """Begin, and do so many steps."""
    Session(run, backend, steps=count, progress=False).train()


@pytest.mark.parametrize("before", [0, 2, 3])
def test_cut_anywhere(design: tuple[Path, dict[str, Any]], before: int, tmp_path: Path) -> None:
    """Whatever has been sent of a mini-batch or of a test: the training goes on to the same weights."""
    folder, manifest = design
    alone = _run()
    Session(alone, progress=False).train()
    count = _run().steps()[before].count
    size = len(pack_samples(np.zeros((1, TINY.sizes[0]), np.int8), np.zeros(1, np.uint8), _GROUP)[0])
    worked = set()
    for words in range(count * size + 1):
        transport, run = Verilated(folder, quick=True), _run()
        driver = Driver(transport, manifest)
        _steps(DriverBackend(driver, run), run, before)
        _cut(driver, transport, run, words)
        again = _Watched(Driver(transport, manifest), run, counts_every_step=True)
        checkpoint = tmp_path / "checkpoint.npz"
        run.save(checkpoint, Past())
        outcome = Session(run, again, checkpoint, resume=True, progress=False).train()
        assert outcome.bit_exact, outcome.mismatch
        worked.add(again.found)
        assert run.weights_sha256() == alone.weights_sha256(), words
        assert transport.violations == 0
        transport.close()
    # every place within the step has occurred, and its end
    assert worked == {(0, sample) for sample in range(count)} | {(1, 0)}


def test_other_states(design: tuple[Path, dict[str, Any]]) -> None:
    """A machine that stands elsewhere is refused; what it shall have been given is compared."""
    folder, manifest = design
    transport, run = Verilated(folder, quick=True), _run()
    driver = Driver(transport, manifest)
    backend = DriverBackend(driver, run)
    _steps(backend, run, 1)
    state = run.machine.state()
    driver.load_weights(1 - state["r1"], state["r2"])
    with pytest.raises(StateError, match=r"^the machine is not where this training left it: after 4 samples: r1\["):
        DriverBackend(driver, run).resume(run)
    driver.reset()
    with pytest.raises(StateError, match=r"samples is 0, the checkpoint has 4: was it without power, or used by ano"):
        DriverBackend(driver, run).resume(run)
    backend.reload()
    for step in run.steps():
        samples = run.present(step)
        np.testing.assert_array_equal(backend.step(step, samples), run.advance(step, samples))
    # and a comparison that can fail
    other = _run()
    other.machine.load_weights(1 - state["r1"], state["r2"])
    outcome = Session(other, DriverBackend(driver, other), progress=False).train()
    assert outcome.bit_exact is False
    assert "epoch 1, batch from sample 0" in outcome.mismatch
    transport.close()
