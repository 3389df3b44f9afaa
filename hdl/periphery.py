"""The digital periphery: everything but the array, wired along the block diagram of docs/architecture.md."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.config import MachineConfig
from golden.counters import COUNTER_BITS, COUNTERS
from golden.sequencer import Op, Phase, Source, Unit
from hdl.array.array_interface import ArrayOp, ArraySignature
from hdl.collector import Collector
from hdl.counters import EventCounters, increment_widths
from hdl.drivers import ColumnDriver, RowDriver
from hdl.error_unit import ErrorUnit
from hdl.gradient_memory import GradientMemory, GradientOp
from hdl.input_buffer import InputBuffer
from hdl.lib.planes import extend, reg, wire
from hdl.loader import Loader
from hdl.neuron import Neurons
from hdl.sequencer import HostCommand, Sequencer
from hdl.update_unit import UpdateUnit, shift_shape
from hdl.vector_memory import VectorMemory

#: Most array commands that may be under way.
OUTSTANDING = 63


def periphery_ports(config: MachineConfig) -> dict[str, wiring.Member]:
    """Ports on the host's side, common to the periphery and to the whole machine."""
    geometry = config.geometry
    result = data.StructLayout({"prediction": range(geometry.sizes[-1]), "label": range(geometry.sizes[-1])})
    word = stream.Signature(unsigned(2 * geometry.group))
    return {
        "command": In(stream.Signature(HostCommand)),
        "samples": In(word),
        "results": Out(stream.Signature(result)),
        "load": In(word),
        "dump": Out(word),
        "last": Out(1),
        "waiting": Out(1),
        "abandoned": Out(1),
        "stop": In(1),
        "abort": In(1),
        "drop": In(1),
        "flush": In(1),
        "update_shifts": In(data.ArrayLayout(shift_shape(config.offered_shifts), len(geometry.layers))),
        "batch_done": Out(1),
        "counter": Out(range(len(COUNTERS))),
        "count": Out(COUNTER_BITS),
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
    macro : ArraySignature
        The array.
    """

    def __init__(self, config: MachineConfig) -> None:
        self._config = config
        self._signature = ArraySignature(config)
        super().__init__({**periphery_ports(config), "macro": Out(self._signature)})

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
        m.submodules.gradient_memory = gradient = GradientMemory(
            config.gradient, error_bits=error_bits, adders=config.array.adders, stages=config.array.stages, **shape
        )
        m.submodules.update_unit = update = UpdateUnit(
            config.pulse,
            config.switching,
            config.gradient,
            steps=config.steps,
            writing=config.array_writing,
            word_bits=2 * group,
            **shape,
        )
        transfers = [instruction for section in config.program.transfers.values() for instruction in section]
        m.submodules.loader = loader = Loader(
            words=max(instruction.words for instruction in transfers), word_bits=2 * group
        )
        m.submodules.event_counters = counters = EventCounters(increment_widths(self._signature))

        instruction, sweep = sequencer.instruction, sequencer.sweep
        doing = {op: wire(m, f"doing_{op.name.lower()}", instruction.op == op) for op in Op}
        row = wire(m, "swept_row", (instruction.row + sweep.payload.index)[: len(macro.command.payload.row)])

        # host
        wiring.connect(m, wiring.flipped(self.command), sequencer.command)
        wiring.connect(m, wiring.flipped(self.samples), inputs.samples)
        m.d.comb += [
            sequencer.available.eq(inputs.available),
            inputs.release.eq(sequencer.release),
            inputs.drop.eq(self.drop),
            inputs.flush.eq(self.flush),
            # the largest output may not have come through yet
            self.results.valid.eq(sequencer.result_valid & errors.idle),
            self.results.payload.prediction.eq(errors.prediction),
            self.results.payload.label.eq(inputs.label),
            sequencer.result_ready.eq(self.results.ready & errors.idle),
            sequencer.learn.eq(errors.learn),
            self.batch_done.eq(sequencer.batch_done),
            self.last.eq(sequencer.last | loader.last),
            self.waiting.eq(sequencer.waiting | loader.starved),
            sequencer.stop.eq(self.stop),
            sequencer.abort.eq(self.abort),
            sequencer.abandon.eq(loader.abandon),
            self.abandoned.eq(loader.abandon),
            self.counter.eq(counters.counter),
            self.count.eq(counters.count),
        ]

        # drivers read vectors; they never run at the same time
        from_input = wire(m, "from_input", instruction.source == Source.INPUT)
        from_errors = wire(m, "from_errors", instruction.source == Source.ERROR)
        address = wire(m, "address", Mux(columns.busy, columns.address, rows.address))
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
        word = wire(m, "word", Mux(from_input, inputs.word.as_value(), vectors.word.as_value()))
        loaded = extend([self.load.payload[:group], self.load.payload[group:]], error_bits)
        m.d.comb += [
            rows.word.as_value().eq(word),
            columns.word.as_value().eq(Mux(columns.shift, Cat(*loaded), word)),
        ]

        # commands to the array, from whichever block the operation puts in charge
        outstanding = Signal(range(OUTSTANDING + 1), name="outstanding")
        room = wire(m, "room", outstanding != OUTSTANDING)
        ready = wire(m, "array_ready", macro.command.ready & room)
        accepted = wire(m, "accepted", macro.command.valid & macro.command.ready)
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
            with m.Case(Op.INIT_RANDOM):
                # the gradient memory is always ready, since no row waits for the update unit
                m.d.comb += [
                    valid.eq(sweep.valid),
                    gradient.command.valid.eq(sweep.valid & ready),
                    gradient.command.payload.op.eq(GradientOp.CLEAR),
                    sweep.ready.eq(ready),
                    macro.command.payload.op.eq(ArrayOp.INIT_RANDOM),
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
            with m.Case(Op.SENSE_COLUMNS, Op.SENSE_ROWS):
                m.d.comb += [
                    valid.eq(sweep.valid),
                    sweep.ready.eq(ready),
                    macro.command.payload.op.eq(Mux(doing[Op.SENSE_COLUMNS], ArrayOp.SENSE_COLUMNS, ArrayOp.SENSE_ROW)),
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
            with m.Case(Op.CLEAR_SWITCHED):
                m.d.comb += [
                    gradient.command.valid.eq(sweep.valid),
                    sweep.ready.eq(gradient.command.ready),
                    gradient.command.payload.op.eq(GradientOp.CLEAR_SWITCHED),
                ]
        self._transfer(m, sequencer, loader, columns, neurons, gradient, update, doing, ready=ready, valid=valid)
        wiring.connect(m, gradient.row, update.row)
        m.d.comb += [
            update.update_shift.eq(self.update_shifts[instruction.layer]),
            gradient.switched.valid.eq(macro.done & doing[Op.UPDATE]),
            gradient.switched.payload.row.eq(macro.row),
            gradient.switched.payload.lanes.eq(macro.lanes),
        ]

        # answers: sums to groups, groups through neurons and error unit into vector memory
        resetting = wire(m, "resetting", doing[Op.RESET] & sweep.valid)
        address1 = reg(m, "address1", neurons.address)
        mask = reg(m, "mask", reg(m, "mask1", collector.mask))
        target3, mask3 = reg(m, "target3", neurons.target), reg(m, "mask3", mask)
        m.d.comb += [
            collector.start.eq(sequencer.start),
            collector.sensing.eq(doing[Op.SENSE_COLUMNS]),
            collector.rows.eq(instruction.rows),
            collector.elements.eq(instruction.elements),
            collector.first.eq(instruction.first),
            collector.last.eq(instruction.last),
            collector.arrive.eq(macro.done & (doing[Op.SENSE_COLUMNS] | doing[Op.SENSE_ROWS])),
            collector.sums.eq(macro.sums),
            collector.row_sum.eq(macro.row_sum),
            neurons.request.eq(collector.valid | resetting),
            neurons.address.eq(
                instruction.group
                + Mux(doing[Op.SENSE_COLUMNS] | doing[Op.SENSE_ROWS], collector.index, sweep.payload.index)
            ),
            neurons.sums.eq(collector.group),
            vectors.window_address.eq(address1),
        ]
        unit = {
            unit: wire(m, f"unit_{unit.name.lower()}", ~doing[Op.RESET] & (instruction.unit == unit)) for unit in Unit
        }
        trains = unit[Unit.OUTPUT] | (unit[Unit.HIDDEN] & int(config.neuron.offset_learned))
        m.d.comb += [
            neurons.reset.eq(doing[Op.RESET]),
            neurons.fire.eq(unit[Unit.NEURON] & sequencer.training),
            neurons.train.eq(trains & sequencer.training),
            neurons.errors.eq(errors.errors),
            errors.output.eq(neurons.valid & unit[Unit.OUTPUT]),
            errors.hidden.eq(neurons.valid & unit[Unit.HIDDEN]),
            errors.begin.eq(sequencer.release),
            errors.ahead.eq(reg(m, "ahead", neurons.request)),
            errors.base.eq((address1 - geometry.group_base[-1]) * group),
            errors.label.eq(inputs.label),
            errors.mask.eq(mask),
            errors.centred.eq(neurons.centred),
            errors.sums.eq(neurons.held_sums),
            errors.window.eq(vectors.window),
            vectors.target.eq(target3),
            vectors.write_neurons.eq(reg(m, "fires", neurons.valid) & unit[Unit.NEURON]),
            vectors.activations.as_value().eq(neurons.activations.as_value() & mask3.replicate(2)),
            vectors.windows.eq(neurons.windows & mask3),
            vectors.error_target.eq(target3),
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
            & loader.idle
        )

        self._count(m, counters, sequencer, accepted=accepted, gradient=gradient, update=update, errors=errors)
        return m

    def _transfer(
        self,
        m: Module,
        sequencer: Sequencer,
        loader: Loader,
        columns: ColumnDriver,
        neurons: Neurons,
        gradient: GradientMemory,
        update: UpdateUnit,
        doing: dict[Op, Signal],
        *,
        ready: Signal,
        valid: Signal,
    ) -> None:
        """Connect loads and dumps: rows go through the column driver, neurons through their exchange register."""
        macro, sweep = self.macro, sequencer.sweep
        group = self._config.geometry.group
        of_array = {Op.WRITE: ArrayOp.WRITE, Op.READ: ArrayOp.READ}
        of_array |= {Op.SEED: ArrayOp.SEED, Op.THRESHOLDS: ArrayOp.THRESHOLDS}
        loading = wire(
            m,
            "loading",
            Cat(doing[op] for op in (*of_array, Op.LOAD_NEURONS, Op.LOAD_PULSE_TABLE) if op != Op.READ).any(),
        )
        dumping = wire(m, "dumping", doing[Op.READ] | doing[Op.DUMP_NEURONS])
        exchanging = wire(m, "exchanging", doing[Op.LOAD_NEURONS] | doing[Op.DUMP_NEURONS])
        second = columns.drive[1][:group] if self._config.array.devices == 2 else Const(0, group)
        wiring.connect(m, wiring.flipped(self.load), loader.load)
        m.d.comb += [
            loader.step.valid.eq(sweep.valid & (loading | dumping)),
            loader.step.last.eq(sweep.payload.last),
            loader.loading.eq(loading),
            loader.words.eq(sequencer.instruction.words),
            loader.twice.eq(doing[Op.READ] & int(self._config.array.devices == 2)),
            self.dump.valid.eq(loader.dump.valid),
            self.dump.payload.eq(Mux(doing[Op.DUMP_NEURONS], neurons.exchange, Cat(columns.drive[0][:group], second))),
            loader.dump.ready.eq(self.dump.ready),
            loader.answered.eq(exchanging | doing[Op.LOAD_PULSE_TABLE] | macro.done),
            loader.abandon.eq(loader.starved & self.abort),
            columns.shift.eq(loader.shift & ~exchanging & ~doing[Op.LOAD_PULSE_TABLE]),
            columns.capture.eq(Mux(doing[Op.READ] & macro.done, Mux(loader.second, 2, 1), 0)),
            columns.lanes.eq(macro.lanes),
            neurons.shift.eq(loader.shift & exchanging),
            neurons.word.eq(self.load.payload),
            neurons.put.eq(loader.act.valid & doing[Op.LOAD_NEURONS]),
            neurons.get.eq(loader.act.valid & doing[Op.DUMP_NEURONS]),
        ]
        if self._config.pulse.loadable:
            m.d.comb += [update.shift.eq(loader.shift & doing[Op.LOAD_PULSE_TABLE]), update.word.eq(self.load.payload)]
        with m.If(loading | dumping):
            m.d.comb += [sweep.ready.eq(loader.step.ready), loader.act.ready.eq(1)]
        for op, command in of_array.items():
            with m.If(doing[op]):
                m.d.comb += [
                    valid.eq(loader.act.valid),
                    loader.act.ready.eq(ready),
                    macro.command.payload.op.eq(command),
                ]
        with m.If(doing[Op.WRITE]):
            m.d.comb += [
                gradient.command.valid.eq(loader.act.valid & ready),
                gradient.command.payload.op.eq(GradientOp.CLEAR),
            ]
        with m.If(doing[Op.READ]):
            m.d.comb += macro.command.payload.coefficient.eq(loader.second)
        with m.If(doing[Op.SEED]):
            m.d.comb += macro.command.payload.coefficient.eq(sequencer.instruction.group[:2])

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
            add.cycles_init.eq(phase[Phase.INIT]),
            add.cycles_forward.eq(phase[Phase.FORWARD]),
            add.cycles_backward.eq(phase[Phase.BACKWARD]),
            add.cycles_gradient.eq(phase[Phase.GRADIENT]),
            add.cycles_update.eq(phase[Phase.UPDATE]),
            add.samples.eq(taken),
            add.correct.eq(taken & (self.results.payload.prediction == self.results.payload.label)),
            add.updates.eq(sequencer.batch_done),
            add.gradient_rows.eq(gradient_accepted & (instruction.op == Op.GRADIENT)),
            add.update_rows.eq(gradient_accepted & (instruction.op == Op.UPDATE)),
            add.rows_initialised.eq(accepted & (command.op == ArrayOp.INIT_RANDOM)),
            add.rows_pulsed.eq(accepted & (command.op == ArrayOp.PULSE)),
            add.rows_written.eq(accepted & (command.op == ArrayOp.WRITE)),
            add.rows_read.eq(accepted & (command.op == ArrayOp.READ)),
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
