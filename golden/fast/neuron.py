"""Neurons, compiled (golden/neuron.py)."""

from golden.fast.memory import Constants, Memory


def fire(c: Constants, m: Memory, total: int, at: int, valid: bool, training: bool) -> None:
    """Turn the sum of one neuron into its activation and derivative window; in training its state follows."""
    scale = m.scale[at]
    centred = centre(c, m, total, at)
    size = abs(centred)
    threshold = max((c.threshold_eighths * scale) >> (3 + c.fraction), 1)
    sign = (1 if centred > 0 else -1) if size >= threshold else 0
    m.activations[at] = sign if valid else 0
    m.windows[at] = valid and abs(size - threshold) <= (c.window_eighths * scale) >> (3 + c.fraction)
    if training:
        m.scale[at] += ((size << c.fraction) - scale) >> c.ema_shift
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
