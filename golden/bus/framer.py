"""Packets of the input stream, checked word by word (twin of `hdl/bus/framer.py`)."""

from golden.bus.errors import Error


class Framer:
    """Golden model of the framer.

    Parameters
    ----------
    groups : int
        Words of trits per sample; one word with the label follows them.
    classes : int
        Number of classes.

    Attributes
    ----------
    packet : list of int
        Words of the present packet that were passed on.
    """

    def __init__(self, groups: int, classes: int) -> None:
        self._groups, self._classes = groups, classes
        self.packet: list[int] = []

    def fault(self, word: int, last: bool, load: int) -> Error | None:
        """Say what is wrong with the next word.

        Parameters
        ----------
        word : int
            The word.
        last : bool
            Whether it is its packet's last.
        load : int
            Words of the load that is under way, 0 for none: the packet is a sample.

        Returns
        -------
        Error or None
            LABEL, SHORT, LONG, or nothing.
        """
        ends = len(self.packet) == (load - 1 if load else self._groups)
        if ends != last:
            return Error.SHORT if last else Error.LONG
        return Error.LABEL if ends and not load and word >= self._classes else None
