"""Results: the array's sums become groups, which go through neurons and error unit into vector memory."""

from typing import Any

from amaranth.hdl import Module, Mux

from golden.sequencer import Op, Unit
from hdl.lib.planes import reg, wire
from hdl.periphery.blocks import Blocks


def results(m: Module, blocks: Blocks, macro: Any) -> None:
    """Wire collector, neurons, error unit and vector memory.

    Parameters
    ----------
    m : Module
        Where the logic goes.
    blocks : Blocks
        The blocks.
    macro : interface of `hdl.array.array_interface.ArraySignature`
        The array.
    """
    sequencer, collector, neurons, vectors = blocks.sequencer, blocks.collector, blocks.neurons, blocks.vectors
    config, doing, instruction = blocks.config, blocks.doing, sequencer.instruction
    sensing = doing[Op.SENSE_COLUMNS] | doing[Op.SENSE_ROWS]
    resetting = wire(m, "resetting", doing[Op.RESET] & sequencer.sweep.valid)
    m.d.comb += [
        collector.start.eq(sequencer.start),
        collector.sensing.eq(doing[Op.SENSE_COLUMNS]),
        collector.rows.eq(instruction.rows),
        collector.elements.eq(instruction.elements),
        collector.first.eq(instruction.first),
        collector.last.eq(instruction.last),
        collector.arrive.eq(macro.done & sensing),
        collector.sums.eq(macro.sums),
        collector.row_sum.eq(macro.row_sum),
        neurons.request.eq(collector.valid | resetting),
        neurons.address.eq(instruction.group + Mux(sensing, collector.index, sequencer.sweep.payload.index)),
        neurons.sums.eq(collector.group),
    ]
    unit = {unit: wire(m, f"unit_{unit.name.lower()}", ~doing[Op.RESET] & (instruction.unit == unit)) for unit in Unit}
    trains = unit[Unit.OUTPUT] | (unit[Unit.HIDDEN] & int(config.neuron.offset_learned))
    m.d.comb += [
        neurons.reset.eq(doing[Op.RESET]),
        neurons.fire.eq(unit[Unit.NEURON] & sequencer.training),
        neurons.train.eq(trains & sequencer.training),
        neurons.errors.eq(blocks.errors.errors),
    ]

    # which group, and which of its elements belong to the vector, beside the stages of the neurons
    address1 = reg(m, "address1", neurons.address)
    mask = reg(m, "mask", reg(m, "mask1", collector.mask))
    target3, mask3 = reg(m, "target3", neurons.target), reg(m, "mask3", mask)
    errors, geometry = blocks.errors, config.geometry
    m.d.comb += [
        vectors.window_address.eq(address1),
        errors.output.eq(neurons.valid & unit[Unit.OUTPUT]),
        errors.hidden.eq(neurons.valid & unit[Unit.HIDDEN]),
        errors.begin.eq(sequencer.release),
        errors.ahead.eq(reg(m, "ahead", neurons.request)),
        errors.base.eq((address1 - geometry.group_base[-1]) * geometry.group),
        errors.label.eq(blocks.inputs.label),
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
