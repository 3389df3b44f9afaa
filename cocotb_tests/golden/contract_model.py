"""A second model of the machine, written from docs/contract.md alone: plain integers and lists, nothing of golden's.

It knows dense networks on ideal arrays, and neither cycles nor what elements beyond a vector's size hold. It is slow,
and says with the contract's own symbols what the contract says.
"""

import math
from hashlib import blake2b
from typing import Any

#: Counters that this model has.
COUNTERS = (
    *("samples", "correct", "updates", "rows_initialised", "pulses", "pulse_width", "switches"),
    *(f"{phase}_{what}" for phase in ("forward", "backward") for what in ("rows_driven", "products")),
    *(f"{phase}_{what}" for phase in ("forward", "backward") for what in ("rows_sensed", "groups_sensed")),
    *("gradient_rows", "update_rows"),
)


def clamp(value: int, low: int, high: int) -> int:
    """Saturate."""
    return min(max(value, low), high)


class Streams:
    """Random streams: "Random streams" of the contract.

    Parameters
    ----------
    width, tap, leap, seed, count : int
        Of all streams, and how many there are.
    """

    def __init__(self, width: int, tap: int, leap: int, seed: int, count: int) -> None:
        self.width, self.tap, self.leap = width, tap, leap
        period = 2**width - 1
        mixed = int.from_bytes(blake2b(seed.to_bytes(8, "little"), digest_size=8).digest(), "little")
        apart = 0x9E3779B97F4A7C15 * (period // count) // 2**64 | 1
        self.states = [1 + mixed % period]
        while len(self.states) < count:
            self.states.append(self._later(self.states[-1], apart))

    def _step(self, state: int) -> int:
        return state >> 1 | ((state >> self.tap ^ state) & 1) << self.width - 1

    def _later(self, state: int, steps: int) -> int:
        """Many steps at once: x^steps modulo x^width + x^tap + 1 says which bits of the sequence make a later one."""
        power, square = 1, 2
        while steps:
            if steps & 1:
                power = self._product(power, square)
            square, steps = self._product(square, square), steps >> 1
        window, found = state, 0
        for at in range(self.width):
            found |= (power & window).bit_count() % 2 << at
            window = self._step(window)
        return found

    def _product(self, one: int, other: int) -> int:
        product = 0
        for at in range(self.width):
            if other >> at & 1:
                product ^= one << at
        for at in range(2 * self.width, self.width - 1, -1):
            if product >> at & 1:
                product ^= (1 << self.width | 1 << self.tap | 1) << at - self.width
        return product

    def draw(self, bits: int) -> list[int]:
        """Draw one word of every stream."""
        words = [state % 2**bits for state in self.states]
        for _ in range(self.leap):
            self.states = [self._step(state) for state in self.states]
        return words


class ContractModel:
    """The machine, formed.

    Parameters
    ----------
    c : dict
        A configuration, table by table, as plain numbers and texts.

    Attributes
    ----------
    devices : list of dict
        Of every row, device (0 for R1, 1 for R2) and lane, the state.
    sums : list of list of int
        Gradient sums G by row and lane.
    offset, scale : list of list of int
        o and r of the outputs of every layer; r of the last is not used.
    counters : dict of str to int
        Those of `COUNTERS`.
    """

    def __init__(self, c: dict[str, Any]) -> None:
        self.c, array = c, c["array"]
        self.sizes, self.lanes, self.group = list(c["layers"]), array["lanes"], array["group"]
        self.binary, self.blind = array["synapse"] == "binary", array["scheme"] == "blind"
        self.slice = self.lanes // array["slices"]
        self.limit = 2 ** (c["error"]["bits"] - 1) - 1
        self.row, self.places = 0, []
        for number, (inputs, outputs) in enumerate(zip(self.sizes, self.sizes[1:], strict=False)):
            high, wide = (inputs, outputs) if number % 2 == 0 else (outputs, inputs)
            self.places.append((self.row, high, wide, -(-wide // self.lanes)))
            self.row += high * -(-wide // self.lanes)
        forward, backward = max(self.sizes[:-1]), max((n * self.limit for n in self.sizes[2:]), default=0)
        self.fraction = c["neuron"]["fraction"]
        self.offset_limit = 1 << max(forward, backward).bit_length() + self.fraction
        self.two_streams = self.blind and not self.binary
        random = {name: c["random"][name] for name in ("width", "tap", "leap", "seed")}
        self.streams = Streams(**random, count=self.slice * (1 + self.two_streams))
        self._tables()
        self.counters = dict.fromkeys(COUNTERS, 0)
        self.sums = [[0] * self.lanes for _ in range(self.row)]
        self.devices = [self._formed() for _ in range(self.row)]
        self.counters["rows_initialised"] = self.row
        self.offset = [[0] * size for size in self.sizes[1:]]
        self.scale = [[c["neuron"]["initial_scale"] << self.fraction] * size for size in self.sizes[1:]]

    def _tables(self) -> None:
        """Fill the switching table of ideal devices, T by code, and the pulse table, codes by |nu|."""
        switching, pulse = self.c["switching"], self.c["pulse"]
        codes, full = 2 ** switching["code_bits"], 2 ** switching["threshold_bits"]
        asked = [*(math.tanh(switching["slope"] * k / codes) for k in range(codes - 1)), 1.0]
        self.thresholds = [0, *(clamp(round(full * p), 1, full) for p in asked[1:])]
        self.pulses = []
        for v in range(2 ** pulse["nu_bits"]):
            p = 0.0 if v < pulse["dead_zone"] else math.tanh(pulse["slope"] * v / 2 ** pulse["nu_bits"])
            self.pulses.append(min(range(codes), key=lambda k, p=p: (abs(self.thresholds[k] / full - p), k)))

    def _draws(self) -> list[list[int]]:
        """Draw words of all lanes for R1 and R2, slice after slice."""
        bits, first, second = self.c["switching"]["threshold_bits"], [], []
        for _ in range(self.lanes // self.slice):
            words = self.streams.draw(bits)
            first += words[: self.slice]
            second += words[self.slice :] if self.two_streams else words
        return [first, second]

    def _formed(self) -> list[list[int]]:
        """Do INIT_RANDOM of a row."""
        lead = self.c["switching"]["threshold_bits"] - 1
        first, second = self._draws()
        r2 = [0 if self.binary else word >> (lead if self.two_streams else lead - 1) & 1 for word in second]
        return [[word >> lead & 1 for word in first], r2]

    def weight(self, row: int, lane: int) -> int:
        """W of a synapse."""
        r1, r2 = self.devices[row][0][lane], self.devices[row][1][lane]
        return 2 * r1 - 1 if self.binary else r1 - r2

    def _place(self, layer: int, i: int, j: int) -> tuple[int, int]:
        """Row and lane of the synapse from input i to output j."""
        first, high, _, _ = self.places[layer]
        on_row, on_lane = (i, j) if layer % 2 == 0 else (j, i)
        return first + on_lane // self.lanes * high + on_row, on_lane % self.lanes

    def _through(self, phase: str, layer: int, vector: list[int]) -> list[int]:
        """Sums of a layer's outputs (forward) or inputs (backward), and what the array is asked for them."""
        forward = phase == "forward"
        inputs, outputs = self.sizes[layer : layer + 2]
        found = [0] * (outputs if forward else inputs)
        for i in range(inputs):
            for j in range(outputs):
                w = self.weight(*self._place(layer, i, j))
                found[j if forward else i] += vector[i if forward else j] * w
        first, high, wide, blocks = self.places[layer]
        driven = forward == (layer % 2 == 0)
        for block in range(blocks):
            if driven:
                rows = [first + block * high + k for k in range(high) if vector[k]]
                self.counters[f"{phase}_rows_driven"] += len(rows)
                self.counters[f"{phase}_groups_sensed"] += self.lanes // self.group
                lanes = list(range(self.lanes))
            else:
                rows = range(first + block * high, first + (block + 1) * high)
                self.counters[f"{phase}_rows_sensed"] += high
                lanes = [k for k in range(min(self.lanes, wide - block * self.lanes)) if vector[block * self.lanes + k]]
            self.counters[f"{phase}_products"] += sum(self.weight(row, lane) != 0 for row in rows for lane in lanes)
        return found

    def _move(self, layer: int, j: int, step: int) -> None:
        """Move an offset; it saturates."""
        self.offset[layer][j] = clamp(self.offset[layer][j] + step, -self.offset_limit, self.offset_limit - 1)

    def _fire(self, layer: int, j: int, s: int, training: bool) -> tuple[int, bool]:
        """Step 1 for one neuron: activation and window."""
        n, f, r = self.c["neuron"], self.fraction, self.scale[layer][j]
        t = s - (self.offset[layer][j] >> f)
        th = max(n["threshold_eighths"] * r >> 3 + f, 1)
        window = abs(abs(t) - th) <= n["window_eighths"] * r >> 3 + f
        if training:
            self.scale[layer][j] += (abs(t) << f) - r >> n["ema_shift"]
            if n["offset_tracks_mean"]:
                self._move(layer, j, (s << f) - self.offset[layer][j] >> n["ema_shift"])
        return (0 if abs(t) < th else 1 if t > 0 else -1), window

    def present(self, trits: list[int], label: int, training: bool) -> int:
        """Present a sample; return the prediction."""
        error, last = self.c["error"], len(self.places) - 1
        vectors, windows = [list(trits)], []
        for layer in range(last):
            fired = [
                self._fire(layer, j, s, training) for j, s in enumerate(self._through("forward", layer, vectors[-1]))
            ]
            vectors.append([activation for activation, _ in fired])
            windows.append([window for _, window in fired])
        sums = self._through("forward", last, vectors[-1])
        t = [s - (o >> self.fraction) for s, o in zip(sums, self.offset[last], strict=True)]
        deltas = [0] * len(t)
        for j, distance in enumerate(t):
            tau = 1 if j == label else -1
            deltas[j] = tau * min(max(error["margin"] - tau * distance, 0) >> error["shift"], self.limit)
            if training:
                self._move(last, j, -(deltas[j] << self.c["neuron"]["train_shift"]))
        prediction = t.index(max(t))
        self.counters["samples"] += 1
        self.counters["correct"] += prediction == label
        if training and any(deltas):
            self._learn(vectors, windows, deltas)
        return prediction

    def _learn(self, vectors: list[list[int]], windows: list[list[bool]], deltas: list[int]) -> None:
        """Steps 3 and 4."""
        q, errors = self.c["error"]["backward_shift"], [deltas]
        for layer in range(len(self.places) - 1, 0, -1):
            found = []
            for j, e in enumerate(self._through("backward", layer, errors[0])):
                delta = clamp(e + (1 << q >> 1) >> q, -self.limit, self.limit) if windows[layer - 1][j] else 0
                if self.c["neuron"]["offset_learned"]:
                    self._move(layer - 1, j, -(delta << self.c["neuron"]["train_shift"]))
                found.append(delta)
            errors.insert(0, found)
        most = 1 << self.c["gradient"]["bits"] - 1
        for layer, (x, delta) in enumerate(zip(vectors, errors, strict=True)):
            on_rows, blocks = (x if layer % 2 == 0 else delta), self.places[layer][3]
            self.counters["gradient_rows"] += blocks * sum(element != 0 for element in on_rows)
            for i, x_i in enumerate(x):
                for j, delta_j in enumerate(delta):
                    row, lane = self._place(layer, i, j)
                    self.sums[row][lane] = clamp(self.sums[row][lane] + x_i * delta_j, -most, most - 1)

    def update(self, shifts: list[int]) -> None:
        """Steps 5 to 8, with the update shift p of every layer."""
        gradient, n = self.c["gradient"], self.c["pulse"]["nu_bits"]
        last_code, switched = len(self.thresholds) - 1, set()
        for (first, high, _, blocks), p in zip(self.places, shifts, strict=True):
            for row in range(first, first + high * blocks):
                increase = [g >= 0 for g in self.sums[row]]
                sizes = [g if g >= 0 else -1 - g for g in self.sums[row]]
                kappa = [min(a >> p, 1 if self.binary else 2) for a in sizes]
                codes = [[last_code * (k >= 1) for k in kappa], [last_code * (k >= 2) for k in kappa]]
                codes.append([self.pulses[(a >> p - n) % 2**n] for a in sizes])
                for command in codes:
                    if any(command):
                        switched |= {(row, lane) for lane in self._pulse(row, increase, command)}
                left = [a - (0 if gradient["leak"] == gradient["bits"] else a >> gradient["leak"]) for a in sizes]
                self.sums[row] = [a if up else -1 - a for a, up in zip(left, increase, strict=True)]
                self.counters["update_rows"] += 1
        if gradient["reset_on_switch"]:
            for row, lane in switched:
                self.sums[row][lane] = 0
        self.counters["updates"] += 1

    def _pulse(self, row: int, increase: list[bool], codes: list[int]) -> set[int]:
        """Do PULSE; say in which lanes a device has switched."""
        words, switched = self._draws(), set()
        for lane, code in enumerate(codes):
            for device in self._pulsed(row, lane, increase[lane]) if code else ():
                self.counters["pulses"] += 1
                self.counters["pulse_width"] += code
                towards = int(increase[lane] == (device == 0))
                state = self.devices[row][device]
                if state[lane] != towards and words[device][lane] < self.thresholds[code]:
                    state[lane] = towards
                    switched.add(lane)
                    self.counters["switches"] += 1
        return switched

    def _pulsed(self, row: int, lane: int, increase: bool) -> tuple[int, ...]:
        """Which devices of a synapse a pulse reaches."""
        r1, r2 = self.devices[row][0][lane], self.devices[row][1][lane]
        if self.blind:
            return (0,) if self.binary else (0, 1)
        if self.binary:
            return (0,) if r1 != increase else ()
        if increase:
            return (1,) if r2 == 1 else (0,) if r1 == 0 else ()
        return (0,) if r1 == 1 else (1,) if r2 == 0 else ()
