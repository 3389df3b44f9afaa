"""The quickest way to form products on the machine at hand: found by a short measurement, not assumed.

Which of float32 and bfloat16, and which order of an image's values in memory, is quickest depends on the processor
and on the network, by a factor of two and more. The choice changes roundings, and with them a run's course; it is one
of the run's settings therefore, is written into checkpoint and report, and a run that is taken up keeps it.
"""

import itertools
import time
from dataclasses import replace

import torch

from training.networks import LAYOUTS, squared_hinge
from training.run import network_of
from training.settings import PRECISIONS, Settings

#: Samples of a measured step, and how often every candidate takes it; the shortest time counts.
_SAMPLES, _REPETITIONS = 20, 3


def quickest(
    settings: Settings,
    shape: tuple[int, int, int],
    device: torch.device,
    *,
    precision: str | None = None,
    layout: str | None = None,
) -> Settings:
    """Choose precision and layout of a run.

    Parameters
    ----------
    settings : Settings
        The run.
    shape : tuple of int
        Channels, height, width of a sample.
    device : torch.device
        Where it will run.
    precision, layout : str or None
        What is given already; None is to be chosen.

    Returns
    -------
    Settings
        With the candidate whose forward and backward pass took the shortest time; the first on a tie.
    """
    precisions, layouts = (precision,) if precision else PRECISIONS, (layout,) if layout else tuple(LAYOUTS)
    candidates = [
        replace(settings, precision=one, layout=other) for one, other in itertools.product(precisions, layouts)
    ]
    if len(candidates) == 1:
        return candidates[0]
    passes = [_Pass(candidate, shape, device) for candidate in candidates]
    # in turns, so that other programs disturb all of them alike; the first turn warms up
    turns = [[each.seconds() for each in passes] for _ in range(1 + _REPETITIONS)]
    times = [min(found) for found in zip(*turns[1:], strict=True)]
    return candidates[times.index(min(times))]


class _Pass:
    """A forward and backward pass of a network, to be timed; parameters as of `quickest`."""

    def __init__(self, settings: Settings, shape: tuple[int, int, int], device: torch.device) -> None:
        self._network = network_of(settings, shape).to(device)
        self._dtype = getattr(torch, settings.precision)
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for synapses in self._network.synapses:
                synapses.weight.copy_(torch.randint(-1, 2, synapses.weight.shape, generator=generator))
        images = torch.randint(-255, 256, (_SAMPLES, *self._network.shape), generator=generator)
        self._images = images.to(device, self._dtype)
        self._labels = torch.arange(_SAMPLES, device=device) % 10

    def seconds(self) -> float:
        """Take the step once, s; on a processor what it computes, for other programs may be running on it as well."""
        clock = time.process_time if self._images.device.type == "cpu" else time.perf_counter
        started = clock()
        squared_hinge(self._network(self._images, self._dtype), self._labels).backward()
        # reading a number waits for a GPU
        float(next(self._network.parameters()).grad.flatten()[0])  # pyright: ignore[reportOptionalMemberAccess]
        return clock() - started
