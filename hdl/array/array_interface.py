"""The macro boundary: commands of the array and its ports."""

from amaranth.hdl import signed
from amaranth.lib import data, enum, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.config import MachineConfig


class ArrayOp(enum.Enum, shape=4):
    """Commands of the macro."""

    DRIVE_ROW = 0  #: drive a row with the coefficient; every column accumulates coefficient * w
    SENSE_COLUMNS = 1  #: read out the next group of column sums and clear it
    SENSE_ROW = 2  #: drive all columns, sense the row
    INIT_RANDOM = 3  #: put the row's devices into random states
    PULSE = 4  #: write pulses on the row
    SEED = 5  #: shift plane 0 of `drive` into the random streams of the bank that the coefficient names
    WRITE = 6  #: put the row's devices into the states on planes 0 (R1) and 1 (R2) of `drive`
    READ = 7  #: read the states of the row's R1, or with coefficient 1 of its R2
    THRESHOLDS = 8  #: shift the top group of planes 0 and 1 of `drive` into the switching table


class ArraySignature(wiring.Signature):
    """The macro boundary, seen from the periphery.

    Parameters
    ----------
    config : MachineConfig
        The machine.

    Attributes
    ----------
    command : stream, out
        ``op``, ``row``, ``coefficient``; accepted in any cycle with valid and ready.
    drive : planes, out
        Column drive, signed, one number per lane; stable while a command that uses it is not done.
    increase : Signal(lanes), out
        Polarity of a PULSE, valid with its command.
    codes : planes, out
        Width codes of a PULSE, valid with its command.
    done : Signal(1), in
        High for one cycle per command, in order of the commands; never stalled. The signals below are valid with it.
    row : unsigned, in
        The command's row.
    sums : array of signed, in
        The group of a SENSE_COLUMNS.
    row_sum : signed, in
        The sum of a SENSE_ROW.
    lanes : Signal(lanes), in
        One bit per lane: of a PULSE, where it has switched a device; of a READ, the states.
    products, pulses, pulse_width, switches : unsigned, in
        Events of the command: non-zero products read, devices pulsed, sum of their width codes, devices switched.
        Instruments of the emulation; a macro that cannot observe them drives zero.
    """

    def __init__(self, config: MachineConfig) -> None:
        lanes, geometry = config.array.lanes, config.geometry
        error_bits, code_bits = config.error.bits, config.switching.code_bits
        both = lanes * config.array.devices
        row = max(1, (geometry.rows - 1).bit_length())
        command = data.StructLayout({"op": ArrayOp, "row": row, "coefficient": signed(error_bits)})
        super().__init__(
            {
                "command": Out(stream.Signature(command)),
                "drive": Out(data.ArrayLayout(lanes, error_bits)),
                "increase": Out(lanes),
                "codes": Out(data.ArrayLayout(lanes, code_bits)),
                "done": In(1),
                "row": In(row),
                "sums": In(data.ArrayLayout(signed(geometry.column_bits), geometry.group)),
                "row_sum": In(signed(geometry.row_bits)),
                "lanes": In(lanes),
                "products": In(lanes.bit_length()),
                "pulses": In(both.bit_length()),
                "pulse_width": In((both * ((1 << code_bits) - 1)).bit_length()),
                "switches": In(both.bit_length()),
            }
        )
