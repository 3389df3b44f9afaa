"""Neurons, compiled (golden/neuron.py)."""

from golden.fast.memory import Constants, Memory, Place


def fire(c: Constants, m: Memory, total: int, at: int, target: int, valid: bool) -> int:
    """Turn the sum of one neuron into its activation and derivative window; return the size of its centred sum."""
    scale = m.scale[at]
    centred = centre(c, m, total, at)
    size = abs(centred)
    if c.binary_activations:
        threshold = 0
        sign = 1 if centred >= 0 else -1
    else:
        threshold = max((c.threshold_eighths * scale) >> (3 + c.fraction), 1)
        sign = (1 if centred > 0 else -1) if size >= threshold else 0
    m.activations[target] = sign if valid else 0
    m.windows[target] = valid and abs(size - threshold) <= (c.window_eighths * scale) >> (3 + c.fraction)
    return size


def follow(c: Constants, m: Memory, total: int, size: int, at: int, position: int, layer: int) -> None:
    """Let the state of a neuron follow its sums, when that of the last position is there."""
    m.size[at] = size + (m.size[at] if position else 0)
    if position < c.layers[layer, Place.POSITIONS] - 1:
        return
    mean = (m.size[at] << c.fraction) >> c.layers[layer, Place.MEAN_SHIFT]
    m.scale[at] += (mean - m.scale[at]) >> c.ema_shift
    if c.offset_tracks_mean:
        move(c, m, ((total << c.fraction) - m.offset[at]) >> c.ema_shift, at)


def centre(c: Constants, m: Memory, total: int, at: int) -> int:
    """Subtract the whole part of a neuron's offset from its sum."""
    return total - (m.offset[at] >> c.fraction)


def train(c: Constants, m: Memory, error: int, at: int) -> None:
    """Move a neuron's offset against its error."""
    move(c, m, -(error << c.train_shift), at)


def move(c: Constants, m: Memory, step: int, at: int) -> None:
    """Move an offset, saturating."""
    m.offset[at] = min(max(m.offset[at] + step, -c.offset_limit), c.offset_limit - 1)
