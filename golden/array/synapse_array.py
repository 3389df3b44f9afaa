"""The array of stochastic-MTJ synapses, which an analog macro would replace (twin of `hdl/array/synapse_array.py`).

Every synapse holds two devices R1 and R2 (1 = parallel, 0 = antiparallel) and the weight w = R1 - R2; the binary
synapse holds R1 alone and w = 2 R1 - 1. The array knows pulses, not gradients: a width code becomes a switching
probability through its own `SwitchingParameters`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from golden.array import cells
from golden.array.converter import Converter
from golden.array.nonideal import NonidealParameters
from golden.lfsr import Lfsr, LfsrParameters
from golden.tables import TO_ANTIPARALLEL, TO_PARALLEL, SwitchingParameters


@dataclass(frozen=True)
class ArrayParameters:
    """Parameters of the array.

    Attributes
    ----------
    lanes : int, 2 .. 4096
        Columns that work in parallel, a multiple of `group`; wider vectors are folded.
    group : int, 2 .. 64
        Columns read out per cycle (they share converters).
    synapse : {'ternary', 'binary'}
        Two devices per weight, or one.
    scheme : {'verified', 'blind'}
        Write scheme: ``blind`` pulses every device of the synapse, ``verified`` reads first and pulses exactly the
        one device that moves the weight by one step.
    adders : {'planes', 'chains'}
        How adders of lanes are built: ``planes``, bit by bit for all lanes at once, which simulates fast; ``chains``,
        lane by lane on the carry chains of an FPGA, which is smaller and faster there. Not a number depends on it.
    slices : int, a power of two
        Lanes share the circuits that write, random streams included: a command that changes or reads states works on
        ``lanes / slices`` lanes per cycle, slice after slice. It divides `lanes`.
    stages : int, 1 .. 3
        Cycles that switching takes, and sums over all lanes after the first: more for a faster clock. With 3, rows of
        gradient sums have a register behind their memory.

    Raises
    ------
    ValueError
        If a field breaks its rule.
    """

    lanes: int
    group: int
    synapse: str = "ternary"
    scheme: str = "verified"
    adders: str = "planes"
    slices: int = 1
    stages: int = 1

    def __post_init__(self) -> None:
        if not 2 <= self.group <= 64:
            raise ValueError(f"array.group must be 2 .. 64 columns, not {self.group}")
        if not 2 <= self.lanes <= 4096:
            raise ValueError(f"array.lanes must be 2 .. 4096, not {self.lanes}")
        if self.lanes % self.group:
            raise ValueError(f"array.lanes must be a multiple of array.group = {self.group}, not {self.lanes}")
        if self.synapse not in ("ternary", "binary"):
            raise ValueError(f"array.synapse must be 'ternary' or 'binary', not {self.synapse!r}")
        if self.scheme not in ("blind", "verified"):
            raise ValueError(f"array.scheme must be 'blind' or 'verified', not {self.scheme!r}")
        if self.adders not in ("planes", "chains"):
            raise ValueError(f"array.adders must be 'planes' or 'chains', not {self.adders!r}")
        if self.slices < 1 or self.slices & (self.slices - 1) or self.lanes % self.slices:
            raise ValueError(
                f"array.slices must be a power of two that divides array.lanes = {self.lanes}, not {self.slices}"
            )
        if not 1 <= self.stages <= 3:
            raise ValueError(f"array.stages must be 1 .. 3 cycles, not {self.stages}")

    @property
    def devices(self) -> int:
        """Devices per synapse."""
        return 2 if self.synapse == "ternary" else 1

    @property
    def streams_per_lane(self) -> int:
        """Random streams per lane: one per device that a single pulse can reach."""
        return 2 if self.synapse == "ternary" and self.scheme == "blind" else 1

    @property
    def slice_lanes(self) -> int:
        """Lanes of one slice, which have random streams."""
        return self.lanes // self.slices

    @property
    def streams(self) -> int:
        """Random streams of the lanes."""
        return self.slice_lanes * self.streams_per_lane


class SynapseArray:
    """Golden model of the array.

    Parameters
    ----------
    parameters : ArrayParameters
        Lanes, synapse and scheme.
    switching : SwitchingParameters
        Width code to probability.
    lfsr : LfsrParameters
        Random streams; with S lanes per slice lane l and device d draw from stream ``l mod S + S * d``.
    rows : int
        Rows of synapses, >= 1.
    nonideal : NonidealParameters
        What is wrong with the array.
    column_bits, row_bits : int
        Widths of column and row sums, for converters.

    Attributes
    ----------
    device_bins : ndarray of uint8, shape (devices, rows, lanes)
        Kind of every device, 0 where all are alike.
    thresholds : ndarray of uint32, shape (device bins, 2, codes)
        The switching table, see `SwitchingParameters.bin_thresholds`.
    stuck, stuck_states : ndarray of bool and of uint8, shape (devices, rows, lanes)
        Which devices are stuck, and in which state.
    r1, r2 : ndarray of uint8, shape (rows, lanes)
        Device states; `r2` stays 0 for the binary synapse.
    products, pulses, pulse_width, switches : int
        Events so far: non-zero products read, devices pulsed, sum of their width codes, devices switched.
    """

    def __init__(
        self,
        parameters: ArrayParameters,
        switching: SwitchingParameters,
        lfsr: LfsrParameters,
        rows: int,
        nonideal: NonidealParameters | None = None,
        *,
        column_bits: int = 32,
        row_bits: int = 32,
    ) -> None:
        self.parameters = parameters
        self.switching = switching
        self.thresholds = switching.bin_thresholds.copy()
        nonideal = nonideal or NonidealParameters()
        shape = (rows, parameters.lanes, parameters.devices)
        self.device_bins = cells.device_bins(nonideal.seed, *shape, switching.bin_bits)
        self.stuck, self.stuck_states = nonideal.stuck_devices(*shape)
        of_columns, of_rows = nonideal.noise_streams(parameters.group)
        self.lfsr, column_noise, row_noise = lfsr.banks(parameters.streams, of_columns, of_rows)
        columns, sides = nonideal.columns, nonideal.rows
        offsets = columns.offsets(nonideal.seed, "column offsets", parameters.group)
        self.column_converters = Converter(columns, column_bits, offsets, column_noise)
        self.row_converter = Converter(sides, row_bits, sides.offsets(nonideal.seed, "row offsets", 1), row_noise)
        self.r1 = np.zeros((rows, parameters.lanes), np.uint8)
        self.r2 = np.zeros((rows, parameters.lanes), np.uint8)
        self.columns = np.zeros(parameters.lanes, np.int64)
        self.products = 0
        self.pulses = 0
        self.pulse_width = 0
        self.switches = 0

    @property
    def banks(self) -> tuple[Lfsr, Lfsr, Lfsr]:
        """Random streams of the lanes, of the converters of columns and of that of rows."""
        return self.lfsr, self.column_converters.lfsr, self.row_converter.lfsr

    def weights(self, row: slice | NDArray[np.intp] = slice(None)) -> NDArray[np.int8]:
        """Weights of rows, all by default: -1, 0, +1 (binary: -1, +1), shape (n, lanes)."""
        if self.parameters.synapse == "binary":
            return (2 * self.r1[row]).astype(np.int8) - np.int8(1)
        return self.r1[row].astype(np.int8) - self.r2[row].astype(np.int8)

    def drive_rows(self, rows: NDArray[np.intp], coefficients: NDArray[np.int64]) -> None:
        """Drive rows one after another with signed coefficients: every column accumulates ``coefficient * w``.

        Parameters
        ----------
        rows : ndarray of intp, shape (n,)
            The rows.
        coefficients : ndarray of int64, shape (n,)
            What they are driven with.
        """
        w = self.weights(rows).astype(np.int64)
        self.columns += coefficients @ w
        self.products += int(np.count_nonzero(w))

    def sense_columns(self) -> NDArray[np.int64]:
        """Read out all column sums, `group` lanes at a time in lane order, and clear them.

        Returns
        -------
        ndarray of int64, shape (lanes / group, group)
            Column sums since the last read-out, as the converters see them.
        """
        sums = self.columns.reshape(-1, self.parameters.group).copy()
        self.columns[:] = 0
        return self.column_converters.convert(sums)

    def sense_rows(self, rows: slice, drive: NDArray[np.int64]) -> NDArray[np.int64]:
        """Drive all columns and sense consecutive rows: for each the sum over lanes of ``drive * w``.

        Parameters
        ----------
        rows : slice
            The n rows.
        drive : ndarray of int64, shape (lanes,)
            Signed column drive.

        Returns
        -------
        ndarray of int64, shape (n,)
            Row sums, as the converter sees them.
        """
        w = self.weights(rows).astype(np.int64)
        self.products += int(np.count_nonzero(w[:, drive != 0]))
        return self.row_converter.convert((w @ drive)[:, None])[:, 0]

    def sense_segments(self, rows: slice, drive: NDArray[np.int64]) -> NDArray[np.int64]:
        """Drive all columns and sense consecutive rows segment by segment: `group` segments of lanes side by side.

        Parameters
        ----------
        rows : slice
            The n rows.
        drive : ndarray of int64, shape (lanes,)
            Signed column drive.

        Returns
        -------
        ndarray of int64, shape (n, group)
            Sums over the lanes of every segment, as the converters of columns see them.
        """
        products = self.weights(rows).astype(np.int64) * drive
        self.products += int(np.count_nonzero(products))
        sums = products.reshape(len(products), self.parameters.group, -1).sum(axis=2)
        return self.column_converters.convert(sums)

    def initialise(self, row: int) -> None:
        """Put every device of a row into a random state, each with probability 1/2.

        Takes the leading bit of one draw per device; with one stream per lane R2 takes the next bit of the same draw.
        Stuck devices go into their own state whatever is drawn.
        """
        top = self.switching.threshold_bits - 1
        words_1, words_2 = self._draw()
        stuck, states = self.stuck[:, row], self.stuck_states[:, row]
        self.r1[row] = np.where(stuck[0], states[0], words_1 >> top & 1)
        if self.parameters.devices == 2:
            drawn = words_2 >> (top if self.parameters.streams_per_lane == 2 else top - 1)
            self.r2[row] = np.where(stuck[1], states[1], drawn & 1)

    def _draw(self) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """Draw one word per device that a pulse can reach, slice by slice: the words of R1 and of R2 in all lanes."""
        p = self.parameters
        draws = [self.lfsr.draw(self.switching.threshold_bits) for _ in range(p.slices)]
        words = np.concatenate([draw.reshape(p.streams_per_lane, -1) for draw in draws], axis=1)
        return words[0], words[-1]

    def pulse(self, row: int, increase: NDArray[np.bool_], codes: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Apply one write pulse to every lane of a row; all streams of the lanes advance by one draw per slice.

        A stuck device receives pulses, and never switches.

        Parameters
        ----------
        row : int
            The row.
        increase : ndarray of bool, shape (lanes,)
            Polarity: towards a larger weight (R1 to P, R2 to AP) or a smaller one.
        codes : ndarray of uint8, shape (lanes,)
            Width codes, 0 for no pulse.

        Returns
        -------
        ndarray of bool, shape (lanes,)
            Lanes in which a device has switched.
        """
        p, lanes = self.parameters, self.parameters.lanes
        words_1, words_2 = self._draw()
        r1, r2 = self.r1[row].astype(bool), self.r2[row].astype(bool)
        active = codes != 0
        # a pulse on R1 drives it to P when the weight shall increase, a pulse on R2 to AP
        if p.scheme == "blind":
            pulsed_1 = active
            pulsed_2 = active & (p.devices == 2)
        elif p.devices == 1:
            pulsed_1 = active & (r1 != increase)
            pulsed_2 = np.zeros(lanes, bool)
        else:
            # prefer the device that can go antiparallel: the step then ends in the weak zero, which conducts least
            pulsed_1 = active & np.where(increase, ~r2 & ~r1, r1)
            pulsed_2 = active & np.where(increase, r2, ~r1 & ~r2)
        thresholds = self.thresholds
        bin_1, bin_2, stuck_1, stuck_2 = (
            of[device, row] for of in (self.device_bins, self.stuck) for device in (0, -1)
        )
        to_1 = thresholds[bin_1, np.where(increase, TO_PARALLEL, TO_ANTIPARALLEL), codes]
        to_2 = thresholds[bin_2, np.where(increase, TO_ANTIPARALLEL, TO_PARALLEL), codes]
        flip_1 = pulsed_1 & (r1 != increase) & (words_1 < to_1) & ~stuck_1
        flip_2 = pulsed_2 & (r2 == increase) & (words_2 < to_2) & ~stuck_2
        self.r1[row] ^= flip_1
        self.r2[row] ^= flip_2
        width = codes.astype(np.int64)
        self.pulses += int(pulsed_1.sum()) + int(pulsed_2.sum())
        self.pulse_width += int(width[pulsed_1].sum()) + int(width[pulsed_2].sum())
        self.switches += int(flip_1.sum()) + int(flip_2.sum())
        return flip_1 | flip_2

    def write(self, row: int, r1: NDArray[np.integer], r2: NDArray[np.integer]) -> None:
        """Put the devices of a row into given states, all but the stuck ones.

        Parameters
        ----------
        row : int
            The row.
        r1, r2 : ndarray of integers, shape (lanes,)
            States, 0 or 1; `r2` is ignored for the binary synapse.
        """
        stuck, states = self.stuck[:, row], self.stuck_states[:, row]
        self.r1[row] = np.where(stuck[0], states[0], r1)
        if self.parameters.devices == 2:
            self.r2[row] = np.where(stuck[1], states[1], r2)

    def seed(self, bank: int, bits: NDArray[np.bool_]) -> None:
        """Shift one bit into every random stream of a bank; without effect where streams cannot be loaded.

        Parameters
        ----------
        bank : int
            0 or 1 for the first or second stream of every lane of a slice, 2 for the converters of columns, 3 for that
            of rows; a bank that the array does not have is none.
        bits : ndarray of bool, shape (n,)
            Newest bits, of which as many count as the bank has streams: those of the first lanes.
        """
        if not self.lfsr.parameters.loadable:
            return
        if bank < self.parameters.streams_per_lane:
            streams = self.parameters.slice_lanes
            self.lfsr.shift(bits[:streams], bank * streams)
        elif bank >= 2:
            converters = (self.column_converters, self.row_converter)[bank - 2].lfsr
            converters.shift(bits[: len(converters.states)])
