"""Loads and dumps, word by word between the host and whatever holds the state (twin of `golden/loader.py`)."""

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.config import MachineConfig


class Loader(wiring.Component):
    """Takes the steps of a load or dump: one row, group, bit or word each.

    A step of a load collects its words, one per cycle, then acts; a step of a dump asks, once or twice, and then gives
    its words away, one per cycle. A step takes as many cycles as it has words, and 2, and the latency of whoever is
    asked.

    Parameters
    ----------
    config : MachineConfig
        The machine.

    Attributes
    ----------
    step : valid, ready, last
        The sequencer's sweep during a load or dump; ready in the step's last cycle.
    loading : Signal(1), in
        The present operation is a load, not a dump; stable during a step, as what follows.
    words : in
        Words of a step.
    twice : Signal(1), in
        A dump asks twice, once for each of two devices.
    load : stream, in
        Words of the host.
    dump : valid and ready
        Words for the host, each the lowest one of whoever was asked.
    shift : Signal(1), out
        A word goes in at the top and the lowest one out.
    act : valid and ready
        What the words were collected for, or what is asked.
    second : Signal(1), out
        It is the second device that is asked for.
    answered : Signal(1), in
        The act has been done, at least one cycle after `act` was accepted.
    last : Signal(1), out
        With `dump`: of the last word.
    idle : Signal(1), out
        Nothing is under way.
    starved : Signal(1), out
        The next word has not come.
    abandon : Signal(1), in
        Give up while `starved`.
    """

    def __init__(self, config: MachineConfig) -> None:
        sections = config.program.transfers.values()
        self._words = words = max(instruction.words for section in sections for instruction in section)
        handshake = wiring.Signature({"valid": Out(1), "ready": In(1)})
        super().__init__(
            {
                "step": In(wiring.Signature({"valid": Out(1), "ready": In(1), "last": Out(1)})),
                "loading": In(1),
                "words": In(range(words + 1)),
                "twice": In(1),
                "load": In(stream.Signature(unsigned(2 * config.geometry.group))),
                "dump": Out(handshake),
                "shift": Out(1),
                "act": Out(handshake),
                "second": Out(1),
                "answered": In(1),
                "last": Out(1),
                "idle": Out(1),
                "starved": Out(1),
                "abandon": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        left = Signal(range(self._words + 1), name="left")
        taken, given = self.load.valid & self.load.ready, self.dump.valid & self.dump.ready
        m.d.comb += [
            self.shift.eq(taken | given),
            self.last.eq(self.step.last & (left == 1)),
        ]
        with m.If(self.shift):
            m.d.sync += left.eq(left - 1)
        with m.FSM(name="state"):
            with m.State("IDLE"):
                m.d.comb += self.idle.eq(1)
                m.d.sync += [left.eq(self.words), self.second.eq(0)]
                with m.If(self.step.valid):
                    m.next = "ACT"
                    with m.If(self.loading):
                        m.next = "FILL"
            with m.State("FILL"):
                m.d.comb += [self.load.ready.eq(1), self.starved.eq(~self.load.valid)]
                with m.If(taken & (left == 1)):
                    m.next = "ACT"
                with m.If(self.abandon):
                    m.next = "IDLE"
            with m.State("ACT"):
                m.d.comb += self.act.valid.eq(1)
                with m.If(self.act.ready):
                    m.next = "ANSWER"
            with m.State("ANSWER"), m.If(self.answered):
                with m.If(self.loading):
                    m.d.comb += self.step.ready.eq(1)
                    m.next = "IDLE"
                with m.Elif(self.twice & ~self.second):
                    m.d.sync += self.second.eq(1)
                    m.next = "ACT"
                with m.Else():
                    m.next = "DRAIN"
            with m.State("DRAIN"):
                m.d.comb += self.dump.valid.eq(1)
                with m.If(given & (left == 1)):
                    m.d.comb += self.step.ready.eq(1)
                    m.next = "IDLE"
        return m
