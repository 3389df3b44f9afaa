"""The choice of precision and layout."""

import pytest
import torch

from training import speed
from training.settings import Settings, recipe

CPU, SHAPE = torch.device("cpu"), (1, 12, 12)


def _settings() -> Settings:
    return recipe("mnist", "accumulate", network="4C5-MP2-10")


def _times(monkeypatch: pytest.MonkeyPatch, seconds: dict[tuple[str, str], list[float]]) -> None:
    """Let passes take given times, by precision and layout."""

    def deal(self: speed._Pass) -> float:
        key = str(self._dtype).removeprefix("torch."), self._network.layout
        return seconds[key].pop(0)

    monkeypatch.setattr(speed._Pass, "seconds", deal)


def test_the_shortest_time_wins_and_the_first_turn_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    _times(
        monkeypatch,
        {
            ("float32", "channels_last"): [1, 5, 5, 5],
            ("float32", "channels_first"): [9, 9, 3, 9],
            ("bfloat16", "channels_last"): [9, 4, 4, 4],
            ("bfloat16", "channels_first"): [9, 9, 9, 9],
        },
    )
    chosen = speed.quickest(_settings(), SHAPE, CPU)
    assert (chosen.precision, chosen.layout) == ("float32", "channels_first")


def test_what_is_given_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    times = {("bfloat16", "channels_last"): [2.0] * 4, ("bfloat16", "channels_first"): [1.0] * 4}
    _times(monkeypatch, times)
    chosen = speed.quickest(_settings(), SHAPE, CPU, precision="bfloat16")
    assert (chosen.precision, chosen.layout) == ("bfloat16", "channels_first")
    # nothing is measured where nothing is open
    given = speed.quickest(_settings(), SHAPE, CPU, precision="float32", layout="channels_first")
    assert (given.precision, given.layout) == ("float32", "channels_first")


@pytest.mark.parametrize("layout", ["channels_last", "channels_first"])
def test_a_pass_computes_gradients_in_its_layout(layout: str) -> None:
    one = speed._Pass(recipe("mnist", "mtj", network="4C5-MP2-10", layout=layout), SHAPE, CPU)
    seen = []
    one._network.hidden[0].register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    assert one.seconds() > 0
    expected = torch.channels_last if layout == "channels_last" else torch.contiguous_format
    assert seen[0].is_contiguous(memory_format=expected)
    assert all(synapses.weight.grad is not None for synapses in one._network.synapses)
