"""Records ports cycle by cycle, and writes them as WaveJSON."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sim.block_bench import BlockBench

#: Variable that tells a simulation where to write.
OUTPUT = "WAVES_FOLDER"
#: Letters that fit a cycle of normal width.
_CELL = 6


class Recorder:
    """Collects port values cycle by cycle, when asked.

    Parameters
    ----------
    bench : BlockBench
        The block.
    signals : list of str or None
        Ports in the order of the diagram, with an empty line at every None.
    texts : dict of str to callable
        How the value of a port is written; without one, one bit is a level and more are hexadecimal.
    valid : dict of str to str
        Port -> port without which its value means nothing.
    """

    def __init__(
        self,
        bench: BlockBench,
        signals: list[str | None],
        texts: dict[str, Callable[[int], str]] | None = None,
        valid: dict[str, str] | None = None,
    ) -> None:
        self._bench, self._signals = bench, signals
        self._texts, self._valid = texts or {}, valid or {}
        self._cycles: list[dict[str, int] | None] = []
        self.on = True
        bench.each_cycle(sample=self._sample)

    def _sample(self, cycle: int) -> None:
        if self.on:
            self._cycles.append({name: self._bench.ports.bits(name) for name in self._signals if name})

    def gap(self) -> None:
        """Leave cycles out from here."""
        self.on = False
        self._cycles.append(None)

    def write(self, name: str, title: str) -> None:
        """Write the diagram."""
        waves: list[dict[str, Any]] = [{"name": "clk", "wave": self._compact(["p"] * len(self._cycles))}]
        waves += [self._line(signal) if signal else {} for signal in self._signals]
        longest = max(len(label) for wave in waves for label in wave.get("data", [""]))
        scale = 1 + longest // _CELL
        diagram = {"signal": waves, "head": {"text": title, "tick": 0}, "config": {"hscale": scale}}
        lines = ",\n  ".join(json.dumps(wave) for wave in waves)
        text = json.dumps(diagram | {"signal": []}).replace('"signal": []', f'"signal": [\n  {lines}\n ]')
        assert json.loads(text) == diagram
        (Path(os.environ[OUTPUT]) / f"{name}.json").write_text(text + "\n")

    def _line(self, signal: str) -> dict[str, Any]:
        levels = self._bench.ports.described[signal]["width"] == 1 and signal not in self._texts
        valid, text = self._valid.get(signal), self._texts.get(signal, "{:x}".format)
        symbols, data, before = [], [], ""
        ready = valid.removesuffix("valid") + "ready" if valid else ""
        for last, cycle in zip([None, *self._cycles], self._cycles, strict=False):
            if last and last.get(ready):
                before = ""  # what was offered has been taken
            if cycle is None or (valid and not cycle[valid]):
                symbols.append("x")
                before = ""
            elif levels:
                symbols.append(str(cycle[signal]))
            else:
                label = text(cycle[signal])
                symbols.append("." if label == before else "=")
                data += [] if label == before else [label]
                before = label
        return {"name": signal, "wave": self._compact(symbols), **({"data": data} if data else {})}

    def _compact(self, symbols: list[str]) -> str:
        """Write a symbol only where it changes, and gaps."""
        found, before = "", ""
        for symbol, cycle in zip(symbols, self._cycles, strict=True):
            if cycle is None:
                found += "|"
                continue
            found += "." if symbol == before and symbol != "=" else symbol
            before = before if symbol == "." else symbol
        return found
