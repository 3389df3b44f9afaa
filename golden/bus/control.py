"""Commands of the block on a bus: which can start, and which state is valid (twin of `hdl/bus/control.py`)."""

from collections.abc import Mapping
from dataclasses import dataclass

from golden.bus.errors import Error
from golden.config import MachineConfig
from golden.sequencer import HostOp

#: State that can be valid, and the commands after which it is; while one of them is under way it is not.
VALID_AFTER = {
    "pulse_table": (HostOp.LOAD_PULSES,),
    "switching_table": (HostOp.LOAD_SWITCHING,),
    "neurons": (HostOp.INIT_RANDOM, HostOp.LOAD_NEURONS),
    "gradients": (HostOp.INIT_RANDOM, HostOp.LOAD_WEIGHTS),
}


@dataclass
class Command:
    """A command under way.

    Attributes
    ----------
    op : HostOp
        Its operation.
    samples, batch : int
        Samples that are left, and samples per mini-batch.
    update_shifts : tuple of int
        Per layer.
    batch_left : int
        Samples of the present mini-batch that are left.
    """

    op: HostOp
    samples: int
    batch: int
    update_shifts: tuple[int, ...]
    batch_left: int

    @property
    def training(self) -> bool:
        """Whether it trains."""
        return self.op == HostOp.TRAIN

    @property
    def presents(self) -> bool:
        """Whether it takes samples."""
        return self.op in (HostOp.TRAIN, HostOp.TEST)


class Control:
    """Golden model of the control.

    Parameters
    ----------
    config : MachineConfig
        The machine.

    Attributes
    ----------
    valid : dict of str to bool
        Which state is valid, by the names of `VALID_AFTER`.
    command : Command or None
        The command under way.
    """

    def __init__(self, config: MachineConfig) -> None:
        self._config, self._words = config, config.program.words
        self.valid = {name: name.endswith("table") for name in VALID_AFTER}
        self.command: Command | None = None

    @property
    def load(self) -> int:
        """Words of the load under way, 0 for none."""
        command = self.command
        return self._words[command.op] if command is not None and command.op.name.startswith("LOAD") else 0

    def start(self, settings: Mapping[str, list[int]], operation: int, *, unfinished: bool) -> list[Error]:
        """Start a command.

        Parameters
        ----------
        settings : mapping of str to list of int
            Ports of the register bank, see `golden.bus.register_bank.RegisterBank.outputs`.
        operation : int
            Number of the operation.
        unfinished : bool
            Whether a packet has begun and not ended.

        Returns
        -------
        list of Error
            Why it does not start; empty if it does.
        """
        if self.command is not None:
            return [Error.BUSY]
        if operation >= len(HostOp):
            return [Error.OPERATION]
        op = HostOp(operation)
        refusals = self._refusals(op, settings, unfinished=unfinished)
        if not refusals:
            for name, commands in VALID_AFTER.items():
                self.valid[name] &= op not in commands
            (samples,), (batch,) = settings["samples"], settings["batch"]
            self.command = Command(op, samples, batch, tuple(settings["update_shift"]), batch)
        return refusals

    def finish(self, *, complete: bool = True) -> None:
        """End the command; of one that is not complete nothing becomes valid."""
        assert self.command is not None
        for name, commands in VALID_AFTER.items():
            self.valid[name] |= complete and self.command.op in commands
        self.command = None

    def _refusals(self, op: HostOp, settings: Mapping[str, list[int]], *, unfinished: bool) -> list[Error]:
        """Say why a command cannot start."""
        presents, trains = op in (HostOp.TRAIN, HostOp.TEST), op == HostOp.TRAIN
        loads, valid = op.name.startswith("LOAD"), self.valid
        rules = {
            Error.SAMPLES: presents and not settings["samples"][0],
            Error.BATCH: trains and not settings["batch"][0],
            Error.UPDATE_SHIFT: trains
            and any(shift not in self._config.offered_shifts for shift in settings["update_shift"]),
            Error.TABLE: trains and not (valid["pulse_table"] and valid["switching_table"]),
            Error.LOADABLE: loads and op not in self._words,
            Error.STATE: (presents and not valid["neurons"]) or (trains and not valid["gradients"]),
            Error.UNFINISHED: loads and op in self._words and unfinished,
        }
        return [error for error, broken in rules.items() if broken]
