"""Random accesses of a register map."""

import numpy as np

from golden.bus.register_bank import Request
from golden.bus.register_map import ADDRESS_BITS, RegisterMap


def random_request(registers: RegisterMap, rng: np.random.Generator) -> Request:
    """Make an access: mostly of registers, some of single bytes or anywhere; all kinds of strobes and data."""
    places = list(registers.places)
    address, luck = int(rng.choice(places)), rng.random()
    if luck < 0.5:  # what can be written is a small part of all
        address = int(rng.choice([at for at in places if registers.places[at].register.writable]))
    if rng.random() < 0.1:
        address += int(rng.integers(1, 4))
    elif luck > 0.9:
        address = int(rng.integers(1 << ADDRESS_BITS))
    strobes = 15 if rng.random() < 0.5 else int(rng.integers(16))
    # half of the words have few ones: events and settings stay for a while
    data = int(rng.integers(1 << 32)) & (int(rng.integers(1 << 32)) if rng.random() < 0.5 else -1)
    return Request(address, bool(rng.random() < 0.5), data, strobes)
