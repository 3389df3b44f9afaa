"""Training of the same network with pulsed updates in aihwkit, for comparison: a program for any Python that has it.

aihwkit is never a dependency; this file imports nothing of the project, so that another interpreter can run it:
``PYTHON -m cocotb_tests.bench.analog SAMPLES BATCH THREADS`` prints samples per second, wall time.
"""

import importlib
import json
import subprocess
import sys
import time
from typing import Any


def measure(samples: int, batch: int, threads: int) -> dict[str, Any]:
    """Train 784-512-10 on random samples as sparse as MNIST; run in a Python with aihwkit."""
    # optional, and only another Python may have them
    aihwkit, torch = importlib.import_module("aihwkit"), importlib.import_module("torch")
    nn, optim = importlib.import_module("aihwkit.nn"), importlib.import_module("aihwkit.optim")
    configs = importlib.import_module("aihwkit.simulator.configs")

    torch.set_num_threads(threads)
    torch.manual_seed(1)
    config = configs.SingleRPUConfig(device=configs.ConstantStepDevice())
    config.mapping.max_input_size = config.mapping.max_output_size = 0  # one array per layer, as here
    layers = nn.AnalogLinear(784, 512, rpu_config=config), torch.nn.Tanh(), nn.AnalogLinear(512, 10, rpu_config=config)
    network = nn.AnalogSequential(*layers)
    optimizer = optim.AnalogSGD(network.parameters(), lr=0.05)
    optimizer.regroup_param_groups(network)
    images = (torch.rand(samples, 784) < 104 / 784).float()
    labels = torch.randint(0, 10, (samples,))
    loss = torch.nn.CrossEntropyLoss()

    def train(first: int, last: int) -> None:
        for at in range(first, last, batch):
            optimizer.zero_grad()
            loss(network(images[at : at + batch]), labels[at : at + batch]).backward()
            optimizer.step()

    train(0, batch)  # warm
    started = time.perf_counter()
    train(0, samples)
    rate = samples / (time.perf_counter() - started)
    return {
        "batch": batch,
        "threads": threads,
        "samples_per_second": rate,
        "aihwkit": aihwkit.__version__,
        "torch": torch.__version__,
    }


def rows(python: str, batches: dict[int, int]) -> list[dict[str, Any]] | None:
    """Measure with another interpreter, 1 and 2 threads; None where it has no aihwkit.

    Parameters
    ----------
    python : str
        The interpreter.
    batches : dict of int to int
        Batch -> samples.
    """
    if subprocess.run([python, "-c", "import aihwkit"], capture_output=True, check=False).returncode:
        return None
    found = []
    for batch, samples in batches.items():
        for threads in (1, 2):
            arguments = [python, __file__, *map(str, (samples, batch, threads))]
            found.append(json.loads(subprocess.run(arguments, capture_output=True, text=True, check=True).stdout))
    return found


if __name__ == "__main__":
    print(json.dumps(measure(*map(int, sys.argv[1:]))))
