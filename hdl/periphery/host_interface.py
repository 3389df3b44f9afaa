"""The ports on the host's side, common to the periphery and to the whole machine."""

from amaranth.hdl import unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.config import MachineConfig
from golden.counters import COUNTER_BITS, COUNTERS
from hdl.sequencer import HostCommand
from hdl.update_unit import shift_shape


class HostSignature(wiring.Signature):
    """The host's ports, seen from the machine.

    Parameters
    ----------
    config : MachineConfig
        The machine.

    Attributes
    ----------
    command : stream, in
        Host commands: ``op``, see `golden.sequencer.HostOp`; ``samples``; ``batch``. Ready when idle.
    samples : stream, in
        Sample words, see `InputBuffer`; taken ahead of need into a double buffer.
    results : stream, out
        ``prediction`` and ``label`` of every sample, in order; the machine waits until it is taken.
    load : stream, in
        Words of a load, formats of docs/bus.md; taken while a load is under way.
    dump : stream, out
        Words of a dump.
    last : Signal(1), out
        With a result or a word of a dump: the command's last.
    waiting : Signal(1), out
        The command needs a sample or a word, and there is none.
    abandoned : Signal(1), out
        High for one cycle when a load ends early.
    stop : Signal(1), in
        Begin no further sample: the command ends, after a write pass if a mini-batch is unfinished.
    abort : Signal(1), in
        Where the command would wait, end it, without a write pass.
    drop : Signal(1), in
        Forget the words of an unfinished sample; no word is taken in the same cycle.
    flush : Signal(1), in
        Forget all samples received; only while `command` is ready, and no word is taken in the same cycle.
    update_shifts : one unsigned per layer, in
        log2 of the gradient sum that stands for one weight step, minus the lowest that is offered; stable during a
        command.
    batch_done : Signal(1), out
        High for one cycle after every write pass.
    counter, count : Signal, out
        An event counter, each in its turn: its number in the order of `golden.counters.COUNTERS`, and its count.
    """

    def __init__(self, config: MachineConfig) -> None:
        classes, layers = range(config.sizes[-1]), len(config.geometry.layers)
        word = stream.Signature(unsigned(2 * config.geometry.group))
        super().__init__(
            {
                "command": In(stream.Signature(HostCommand)),
                "samples": In(word),
                "results": Out(stream.Signature(data.StructLayout({"prediction": classes, "label": classes}))),
                "load": In(word),
                "dump": Out(word),
                "last": Out(1),
                "waiting": Out(1),
                "abandoned": Out(1),
                "stop": In(1),
                "abort": In(1),
                "drop": In(1),
                "flush": In(1),
                "update_shifts": In(data.ArrayLayout(shift_shape(config.offered_shifts), layers)),
                "batch_done": Out(1),
                "counter": Out(range(len(COUNTERS))),
                "count": Out(COUNTER_BITS),
            }
        )
