"""Runs: they learn, are reproducible, resume to the same weights, and keep the last good checkpoint."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cocotb_tests.training import files
from training import checkpoint, loop
from training.augment import Augmentation
from training.data import Images
from training.errors import TrainingError
from training.run import Run
from training.settings import RULES, Settings, recipe

CPU = torch.device("cpu")
SMALL = "8C5-MP2-16FC-10"


def _images(train: int = 200, test: int = 100) -> Images:
    rng = np.random.default_rng(1)
    (images, labels), (others, classes) = files.digits(train, rng), files.digits(test, rng)
    return Images(images[:, None], labels.astype(np.int64), others[:, None], classes.astype(np.int64), "made here")


def _settings(rule: str = "mtj", **changes: Any) -> Settings:
    small = {"network": SMALL, "epochs": 3, "batch": 20, "precision": "float32", "rate": 0.1, "norm_rate": 0.03}
    return recipe("mnist", rule, **(small | changes))


def _run(rule: str = "mtj", **changes: Any) -> Run:
    return Run(_settings(rule, **changes), _images(), CPU)


def _finish(run: Run) -> Run:
    while not run.finished:
        run.advance()
        if run.at.step == run.steps:
            run.end_epoch()
    return run


@pytest.mark.parametrize("weights", ["ternary", "binary"])
@pytest.mark.parametrize("rule", RULES)
def test_every_rule_learns(rule: str, weights: str) -> None:
    run = _finish(_run(rule, weights=weights, epochs=12))
    values = {"ternary": {-1.0, 0.0, 1.0}, "binary": {-1.0, 1.0}}[weights]
    assert set(run.weights.unique().tolist()) <= values
    assert run.curve[-1]["test_accuracy"] > 0.8, run.curve
    assert run.curve[-1]["loss"] < run.curve[0]["loss"]
    # the weights that the network uses are those that the rule changes
    assert torch.equal(run.network.synapses[1].weight.flatten(), run.weights[200 : 200 + 16 * 8 * 144])


def test_binary_activations_learn() -> None:
    assert _finish(_run("gxnor", activations="binary", epochs=12)).curve[-1]["test_accuracy"] > 0.8


@pytest.mark.parametrize("rule", RULES)
def test_the_same_seed_gives_the_same_weights_and_another_others(rule: str) -> None:
    one, same, other = (_finish(_run(rule, seed=seed, augment="shift2", epochs=1)) for seed in (5, 5, 6))
    assert torch.equal(one.weights, same.weights)
    assert one.curve == same.curve
    assert not torch.equal(one.weights, other.weights)


@pytest.mark.parametrize("rule", RULES)
def test_a_run_taken_up_ends_with_the_same_weights(rule: str, tmp_path: Path) -> None:
    """Interrupted in the middle of an epoch, saved, and taken up by a new object."""
    whole = _finish(_run(rule, augment="shift1"))
    first = _run(rule, augment="shift1")
    for _ in range(14):
        first.advance()
        if first.at.step == first.steps:
            first.end_epoch()
    path = tmp_path / "checkpoint.pt"
    checkpoint.save(path, first.identity, first.state())
    second = _run(rule, augment="shift1")
    second.restore(checkpoint.load(path, second.identity, CPU)[1])
    _finish(second)
    assert torch.equal(second.weights, whole.weights)
    assert second.curve == whole.curve


def test_the_loop_stops_when_time_is_over_and_goes_on(tmp_path: Path) -> None:
    folder = loop.Folder(tmp_path)
    first = _run()
    assert not loop.train(first, folder, time_limit=0.0)
    assert (first.at.epoch, first.at.step) == (0, 1)
    second = _run()
    second.restore(checkpoint.load(folder.checkpoint, second.identity, CPU)[1])
    epochs: list[int] = []
    assert loop.train(second, folder, epoch_ended=lambda: epochs.append(second.at.epoch))
    assert epochs == [1, 2, 3]
    assert second.curve == _finish(_run()).curve
    assert second.at.seconds > 0
    assert list(folder.log.glob("events*"))


def test_what_is_no_number_stops_the_run_and_keeps_the_checkpoint(tmp_path: Path) -> None:
    folder = loop.Folder(tmp_path)
    run = _run()
    run.network.output.shift.data.fill_(float("nan"))
    with pytest.raises(TrainingError, match=r"the loss is nan in epoch 1, step 10: lower RATE.*no checkpoint yet"):
        loop.train(run, folder)
    good = _run()
    loop.train(good, folder, time_limit=0.0)
    before = folder.checkpoint.read_bytes()
    good.network.output.shift.data.fill_(float("nan"))
    with pytest.raises(TrainingError, match=f"the last good checkpoint is {folder.checkpoint}"):
        loop.train(good, folder)
    assert folder.checkpoint.read_bytes() == before


def test_too_large_a_batch_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    run = _run()

    def greedy(*arguments: Any) -> Any:
        return torch.empty(1 << 50)

    monkeypatch.setattr(run.network, "forward", greedy)
    with pytest.raises(TrainingError, match="a batch of 20 samples does not fit into memory: lower batch, or width"):
        run.advance()
    monkeypatch.setattr(run.network, "forward", lambda *arguments: torch.zeros(3) @ torch.zeros(4))
    with pytest.raises(RuntimeError, match="inconsistent tensor size"):
        run.advance()


def test_checkpoints_of_others_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    run = _run()
    with pytest.raises(TrainingError, match="nothing to resume: there is no checkpoint"):
        checkpoint.load(path, run.identity, CPU)
    checkpoint.save(path, run.identity, run.state())
    changes: tuple[tuple[dict[str, Any], str], ...] = (
        ({"network": "8FC-10"}, f"NETWORK is '{SMALL}' there and '8FC-10' here"),
        ({"seed": 2}, "SEED is 1 there and 2 here"),
        ({"width": 0.5}, "WIDTH is 1.0 there and 0.5 here"),
    )
    for change, words in changes:
        with pytest.raises(TrainingError, match=f"belongs to another run: {words}; use the same settings"):
            checkpoint.load(path, _run(**change).identity, CPU)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(TrainingError, match=r"cannot be read \(.*\): start without --resume"):
        checkpoint.load(path, run.identity, CPU)
    torch.save({"version": 0, "identity": {}, "state": {}}, path)
    with pytest.raises(TrainingError, match="has version 0, not 2"):
        checkpoint.load(path, run.identity, CPU)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": "float"}, "weights must be one of ternary, binary"),
        ({"precision": "half"}, "precision must be one of"),
        ({"layout": "rows"}, "layout must be one of channels_last, channels_first"),
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"batch": 1}, "batch must be at least 2"),
        ({"width": 0.0}, "width must be above 0"),
        ({"rate_end": 0.2}, "rate_end and rate must be above 0"),
        ({"norm_rate": 0.0}, "norm_rate must be above 0"),
        ({"augment": "blur"}, "unknown augmentation 'blur'"),
        ({"rule": "gxnor", "devices": "scheme = 'blind'"}, "devices are those of the rules mtj and accumulate"),
        ({"config": "mnist", "width": 2.0}, "a configuration goes with mnist"),
    ],
)
def test_wrong_settings_are_one_line(change: dict[str, Any], message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        replace(_settings(), **change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"samples": 500}, "samples must be 0 .. 200, not 500"),
        ({"batch": 300}, "batch must be at most the 200 training samples, not 300"),
        ({"devices": "scheme = 'slow'"}, "devices: scheme must be 'blind' or 'verified'"),
        ({"devices": "[switching]\ncode_bits = 9"}, "devices: switching.code_bits must be 1 .. 6"),
        ({"devices": "[switching]\nspeed = 9"}, "devices: .*speed"),
        ({"devices": "["}, "devices: "),
        ({"devices": "update_shift = 15"}, "devices: .*update_shift"),
        (
            {"rule": "accumulate", "devices": "update_shift = 7"},
            "devices: update_shift must be pulse.nu_bits = 8 .. 24",
        ),
        ({"rule": "accumulate", "devices": "[gradient]\nbits = 30"}, "devices: gradient.bits must be 4 .. 24"),
        (
            {"config": "mnist", "network": "8FC-10", "weights": "binary"},
            "the configuration mnist has ternary activations and",
        ),
    ],
)
def test_settings_that_do_not_fit_are_one_line(change: dict[str, Any], message: str) -> None:
    with pytest.raises(TrainingError, match=message) as caught:
        _run(**change)
    assert "\n" not in str(caught.value)


def test_an_unknown_data_set_or_rule_has_no_recipe() -> None:
    with pytest.raises(TrainingError, match="unknown data set 'x'"):
        recipe("x", "mtj")
    with pytest.raises(TrainingError, match="rule must be one of gxnor, mtj, accumulate, ste, bop, not 'adam'"):
        recipe("mnist", "adam")


def test_devices_change_the_course() -> None:
    plain, blind = _finish(_run(epochs=1)), _finish(_run(epochs=1, devices="scheme = 'blind'"))
    assert not torch.equal(plain.weights, blind.weights)


def test_augmentations_move_pixels_and_keep_them() -> None:
    images = torch.zeros(40, 1, 28, 28, dtype=torch.uint8)
    images[:, :, 10:18, 10:14] = 200
    generator = torch.Generator().manual_seed(1)
    shifted = Augmentation("shift2")(images, generator)
    assert shifted.shape == images.shape
    assert (shifted.sum(dim=(1, 2, 3)) == images.sum(dim=(1, 2, 3))).all()
    places = {tuple(image.nonzero()[0].tolist()) for image in shifted[:, 0]}
    assert places <= {(y, x) for y in range(8, 13) for x in range(8, 13)}
    assert len(places) > 10
    flipped = Augmentation("flip")(images, generator)
    mirrored = (flipped == images.flip(3)).all(dim=3).all(dim=2).all(dim=1)
    assert (mirrored | (flipped == images).all(dim=3).all(dim=2).all(dim=1)).all()
    assert 5 < int(mirrored.sum()) < 35
    turned = Augmentation("affine,shift1")(images, generator)
    assert turned.dtype == torch.uint8
    mass = turned.double().sum(dim=(1, 2, 3)) / images[0].sum()
    assert ((mass > 0.6) & (mass < 1.6)).all()
    assert not torch.equal(turned, images)
