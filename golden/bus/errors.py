"""How a host can misuse the machine on a bus: bits of the error register, in the order of docs/bus.md."""

from enum import IntEnum


class Error(IntEnum):
    """Bits of the error register."""

    BUSY = 0  #: START while a command was under way
    OPERATION = 1  #: START of an operation that does not exist
    SAMPLES = 2  #: START of TRAIN or TEST of no samples
    BATCH = 3  #: START of TRAIN with a mini-batch of no samples
    UPDATE_SHIFT = 4  #: START of TRAIN with an update shift out of range
    TABLE = 5  #: START of TRAIN while a table is not loaded
    LOADABLE = 6  #: START of a load that the machine does not have
    STATE = 7  #: START of TRAIN or TEST while neurons or gradient sums are unknown
    UNFINISHED = 8  #: START of a load while a sample is not complete
    LABEL = 9  #: a label is not a class
    SHORT = 10  #: a packet has ended early
    LONG = 11  #: a packet has not ended where it should
    TIMEOUT = 12  #: no word has come for too long
    UNMAPPED = 13  #: access to an address without a register
    READ_ONLY = 14  #: write to a register that cannot be written


#: Errors after which the stream halts.
HALTING = (Error.LABEL, Error.SHORT, Error.LONG, Error.TIMEOUT)
