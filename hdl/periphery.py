"""The digital periphery: everything but the array, wired along the block diagram of docs/architecture.md."""

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.config import MachineConfig
from golden.sequencer import Op, Phase, Source, Unit
from hdl.collector import Collector
from hdl.counters import CounterLayout, EventCounters
from hdl.drivers import ColumnDriver, RowDriver
from hdl.error_unit import ErrorUnit
from hdl.gradient_memory import GradientMemory, GradientOp
from hdl.input_buffer import InputBuffer
from hdl.macro import ArrayOp, ArraySignature
from hdl.neuron import Neurons
from hdl.planes import delayed, named
from hdl.sequencer import HostCommand, Sequencer
from hdl.update_unit import UpdateUnit
from hdl.vector_memory import VectorMemory

#: Most array commands that may be under way.
OUTSTANDING = 63


def periphery_ports(config: MachineConfig) -> dict[str, wiring.Member]:
    """Ports on the host's side, common to the periphery and to the whole machine."""
    geometry = config.geometry
    result = data.StructLayout({"prediction": range(geometry.sizes[-1]), "label": range(geometry.sizes[-1])})
    return {
        "command": In(stream.Signature(HostCommand)),
        "samples": In(stream.Signature(unsigned(2 * geometry.group))),
        "results": Out(stream.Signature(result)),
        "rates": In(data.ArrayLayout(range(config.gradient.bits), len(geometry.layers))),
        "batch_done": Out(1),
        "counters": Out(CounterLayout),
    }


class Periphery(wiring.Component):
    """Trains and tests on the array behind `macro`, which it never looks into.

    Parameters
    ----------
    config : MachineConfig
        The machine.

    Attributes
    ----------
    command : stream, in
        Host commands: ``op`` FORM, TRAIN, TEST; ``samples``; ``batch``. Ready when idle.
    samples : stream, in
        Sample words, see `InputBuffer`; taken ahead of need into a double buffer.
    results : stream, out
        ``prediction`` and ``label`` of every sample, in order; the machine waits until it is taken.
    rates : one unsigned per layer, in
        log2 of the gradient sum that stands for one weight step, minus pulse.nu_bits; stable during a command.
    batch_done : Signal(1), out
        High for one cycle after every write pass.
    counters : CounterLayout, out
        Event counters.
    macro : ArraySignature
        The array.
    """

    def __init__(self, config: MachineConfig) -> None:
        self._config = config
        signature = ArraySignature(
            config.array, config.geometry, error_bits=config.error.bits, code_bits=config.switching.code_bits
        )
        super().__init__({**periphery_ports(config), "macro": Out(signature)})

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        config, geometry, macro = self._config, self._config.geometry, self.macro
        group, lanes, error_bits = geometry.group, geometry.lanes, config.error.bits
        depth = max(geometry.vector_groups, geometry.groups(0))
        shape = {"rows": geometry.rows, "lanes": lanes}

        m.submodules.sequencer = sequencer = Sequencer(geometry, config.program)
        m.submodules.input_buffer = inputs = InputBuffer(
            groups=geometry.groups(0), group=group, classes=geometry.sizes[-1], value_bits=error_bits
        )
        m.submodules.vector_memory = vectors = VectorMemory(
            groups=geometry.vector_groups, group=group, error_bits=error_bits
        )
        m.submodules.row_driver = rows = RowDriver(group=group, depth=depth, rows=geometry.rows, value_bits=error_bits)
        m.submodules.column_driver = columns = ColumnDriver(
            lanes=lanes, group=group, depth=depth, value_bits=error_bits
        )
        m.submodules.collector = collector = Collector(geometry)
        m.submodules.neurons = neurons = Neurons(
            config.neuron,
            groups=geometry.vector_groups,
            group=group,
            sum_bits=geometry.sum_bits,
            error_bits=error_bits,
        )
        m.submodules.error_unit = errors = ErrorUnit(
            config.error,
            group=group,
            sum_bits=geometry.sum_bits,
            classes=geometry.sizes[-1],
            span=geometry.groups(len(geometry.sizes) - 1) * group,
        )
        m.submodules.gradient_memory = gradient = GradientMemory(config.gradient, error_bits=error_bits, **shape)
        m.submodules.update_unit = update = UpdateUnit(
            config.pulse, config.switching, config.gradient, steps=config.steps, **shape
        )
        m.submodules.event_counters = counters = EventCounters(macro.pulse_width.shape().width + 1)

        instruction, sweep = sequencer.instruction, sequencer.sweep
        doing = {op: named(m, f"doing_{op.name.lower()}", instruction.op == op) for op in Op}
        row = named(m, "swept_row", (instruction.row + sweep.payload.index)[: len(macro.command.payload.row)])

        # host
        wiring.connect(m, wiring.flipped(self.command), sequencer.command)
        wiring.connect(m, wiring.flipped(self.samples), inputs.samples)
        m.d.comb += [
            sequencer.available.eq(inputs.available),
            inputs.release.eq(sequencer.release),
            self.results.valid.eq(sequencer.result_valid),
            self.results.payload.prediction.eq(errors.prediction),
            self.results.payload.label.eq(inputs.label),
            sequencer.result_ready.eq(self.results.ready),
            sequencer.learn.eq(errors.learn),
            self.batch_done.eq(sequencer.batch_done),
            self.counters.eq(counters.counts),
        ]

        # drivers read vectors; they never run at the same time
        from_input = named(m, "from_input", instruction.source == Source.INPUT)
        from_errors = named(m, "from_errors", instruction.source == Source.ERROR)
        address = named(m, "address", Mux(columns.busy, columns.address, rows.address))
        m.d.comb += [
            inputs.address.eq(address),
            vectors.address.eq(address),
            vectors.errors.eq(from_errors),
            rows.start.eq(sequencer.start & (doing[Op.ACCUMULATE] | doing[Op.GRADIENT])),
            rows.first.eq(instruction.group),
            rows.groups.eq(instruction.groups),
            rows.row.eq(instruction.row),
            columns.start.eq(sequencer.start & doing[Op.DRIVE]),
            columns.first.eq(instruction.group),
            macro.drive.eq(columns.drive),
            gradient.drive.eq(columns.drive),
        ]
        word = named(m, "word", Mux(from_input, inputs.word.as_value(), vectors.word.as_value()))
        m.d.comb += [rows.word.as_value().eq(word), columns.word.as_value().eq(word)]

        # commands to the array, from whichever block the operation puts in charge
        outstanding = Signal(range(OUTSTANDING + 1), name="outstanding")
        room = named(m, "room", outstanding != OUTSTANDING)
        ready = named(m, "array_ready", macro.command.ready & room)
        accepted = named(m, "accepted", macro.command.valid & macro.command.ready)
        valid = Signal(name="array_valid")
        m.d.comb += macro.command.valid.eq(valid & room)
        m.d.sync += outstanding.eq(outstanding + accepted - macro.done)
        m.d.comb += [
            macro.command.payload.row.eq(row),
            macro.increase.eq(update.pulse.payload.increase),
            macro.codes.eq(update.pulse.payload.codes),
            gradient.command.payload.row.eq(row),
        ]
        with m.Switch(instruction.op):
            with m.Case(Op.FORM):
                m.d.comb += [
                    valid.eq(sweep.valid & gradient.command.ready),
                    gradient.command.valid.eq(sweep.valid & ready),
                    gradient.command.payload.op.eq(GradientOp.CLEAR),
                    sweep.ready.eq(ready & gradient.command.ready),
                    macro.command.payload.op.eq(ArrayOp.FORM),
                ]
            with m.Case(Op.RESET):
                m.d.comb += sweep.ready.eq(1)
            with m.Case(Op.ACCUMULATE):
                m.d.comb += [
                    valid.eq(rows.event.valid),
                    rows.event.ready.eq(ready),
                    macro.command.payload.op.eq(ArrayOp.DRIVE_ROW),
                    macro.command.payload.row.eq(rows.event.payload.row),
                    macro.command.payload.coefficient.eq(rows.event.payload.coefficient),
                ]
            with m.Case(Op.SENSE, Op.COLLECT):
                m.d.comb += [
                    valid.eq(sweep.valid),
                    sweep.ready.eq(ready),
                    macro.command.payload.op.eq(Mux(doing[Op.SENSE], ArrayOp.SENSE_COLUMNS, ArrayOp.SENSE_ROW)),
                ]
            with m.Case(Op.GRADIENT):
                m.d.comb += [
                    gradient.command.valid.eq(rows.event.valid),
                    rows.event.ready.eq(gradient.command.ready),
                    gradient.command.payload.op.eq(Mux(from_errors, GradientOp.SCALE_TRITS, GradientOp.SCALE_DRIVE)),
                    gradient.command.payload.row.eq(rows.event.payload.row),
                    gradient.command.payload.coefficient.eq(rows.event.payload.coefficient),
                ]
            with m.Case(Op.UPDATE):
                m.d.comb += [
                    gradient.command.valid.eq(sweep.valid),
                    sweep.ready.eq(gradient.command.ready),
                    gradient.command.payload.op.eq(GradientOp.UPDATE),
                    valid.eq(update.pulse.valid),
                    update.pulse.ready.eq(ready),
                    macro.command.payload.op.eq(ArrayOp.PULSE),
                    macro.command.payload.row.eq(update.pulse.payload.row),
                ]
        wiring.connect(m, gradient.row, update.row)
        m.d.comb += [
            update.rate.eq(self.rates[instruction.layer]),
            gradient.switched.valid.eq(macro.done & doing[Op.UPDATE]),
            gradient.switched.payload.row.eq(macro.row),
            gradient.switched.payload.lanes.eq(macro.switched),
        ]

        # answers: sums to groups, groups through neurons and error unit into vector memory
        resetting = named(m, "resetting", doing[Op.RESET] & sweep.valid)
        mask = delayed(m, "mask", delayed(m, "mask1", collector.mask))
        m.d.comb += [
            collector.start.eq(sequencer.start),
            collector.sensing.eq(doing[Op.SENSE]),
            collector.rows.eq(instruction.rows),
            collector.elements.eq(instruction.elements),
            collector.first.eq(instruction.first),
            collector.last.eq(instruction.last),
            collector.arrive.eq(macro.done & (doing[Op.SENSE] | doing[Op.COLLECT])),
            collector.sums.eq(macro.sums),
            collector.row_sum.eq(macro.row_sum),
            neurons.request.eq(collector.valid | resetting),
            neurons.address.eq(instruction.group + Mux(resetting, sweep.payload.index, collector.index)),
            neurons.sums.eq(collector.group),
            vectors.window_address.eq(delayed(m, "window_address", neurons.address)),
        ]
        unit = {
            unit: named(m, f"unit_{unit.name.lower()}", ~doing[Op.RESET] & (instruction.unit == unit)) for unit in Unit
        }
        trains = unit[Unit.OUTPUT] | (unit[Unit.HIDDEN] & int(config.neuron.offset_trains))
        m.d.comb += [
            neurons.reset.eq(doing[Op.RESET]),
            neurons.fire.eq(unit[Unit.NEURON] & sequencer.training),
            neurons.train.eq(trains & sequencer.training),
            neurons.errors.eq(errors.errors),
            errors.output.eq(neurons.valid & unit[Unit.OUTPUT]),
            errors.hidden.eq(neurons.valid & unit[Unit.HIDDEN]),
            errors.begin.eq(sequencer.release),
            errors.base.eq((neurons.target - geometry.group_base[-1]) * group),
            errors.label.eq(inputs.label),
            errors.mask.eq(mask),
            errors.centred.eq(neurons.centred),
            errors.sums.eq(neurons.held_sums),
            errors.window.eq(vectors.window),
            vectors.target.eq(neurons.target),
            vectors.write_neurons.eq(neurons.valid & unit[Unit.NEURON]),
            vectors.activations.as_value().eq(neurons.activations.as_value() & mask.replicate(2)),
            vectors.windows.eq(neurons.windows & mask),
            vectors.error_target.eq(delayed(m, "error_target", neurons.target)),
            vectors.write_errors.eq(errors.valid),
            vectors.deltas.eq(errors.errors),
        ]

        m.d.comb += sequencer.quiet.eq(
            ~rows.busy
            & ~columns.busy
            & (outstanding == 0)
            & collector.idle
            & neurons.idle
            & gradient.idle
            & update.idle
        )

        self._count(m, counters, sequencer, accepted=accepted, gradient=gradient, update=update, errors=errors)
        return m

    def _count(
        self,
        m: Module,
        counters: EventCounters,
        sequencer: Sequencer,
        *,
        accepted: Signal,
        gradient: GradientMemory,
        update: UpdateUnit,
        errors: ErrorUnit,
    ) -> None:
        """Connect the event counters."""
        add, macro, instruction = counters.increments, self.macro, sequencer.instruction
        command = macro.command.payload
        phase = {phase: sequencer.running & (instruction.phase == phase) for phase in Phase}
        taken = self.results.valid & self.results.ready
        passes = {"forward": instruction.phase == Phase.FORWARD, "backward": instruction.phase == Phase.BACKWARD}
        gradient_accepted = gradient.command.valid & gradient.command.ready
        m.d.comb += [
            add.cycles_wait.eq(~sequencer.running | phase[Phase.WAIT]),
            add.cycles_form.eq(phase[Phase.FORM]),
            add.cycles_forward.eq(phase[Phase.FORWARD]),
            add.cycles_backward.eq(phase[Phase.BACKWARD]),
            add.cycles_gradient.eq(phase[Phase.GRADIENT]),
            add.cycles_update.eq(phase[Phase.UPDATE]),
            add.samples.eq(taken),
            add.correct.eq(taken & (self.results.payload.prediction == self.results.payload.label)),
            add.updates.eq(sequencer.batch_done),
            add.gradient_rows.eq(gradient_accepted & (instruction.op == Op.GRADIENT)),
            add.update_rows.eq(gradient_accepted & (instruction.op == Op.UPDATE)),
            add.rows_formed.eq(accepted & (command.op == ArrayOp.FORM)),
            add.rows_pulsed.eq(accepted & (command.op == ArrayOp.PULSE)),
        ]
        for name, active in passes.items():
            m.d.comb += [
                add[f"{name}_rows_driven"].eq(accepted & active & (command.op == ArrayOp.DRIVE_ROW)),
                add[f"{name}_rows_sensed"].eq(accepted & active & (command.op == ArrayOp.SENSE_ROW)),
                add[f"{name}_groups_sensed"].eq(accepted & active & (command.op == ArrayOp.SENSE_COLUMNS)),
            ]
            with m.If(macro.done & active):
                m.d.comb += add[f"{name}_products"].eq(macro.products)
        with m.If(macro.done):
            m.d.comb += [
                add.pulses.eq(macro.pulses),
                add.pulse_width.eq(macro.pulse_width),
                add.switches.eq(macro.switches),
            ]
