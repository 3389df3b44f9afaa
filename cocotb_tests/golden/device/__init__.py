"""Tests of device physics, and the exact binomial bounds that they share."""

from scipy.stats import beta


def interval(successes: int, trials: int, alpha: float) -> tuple[float, float]:
    """Clopper-Pearson interval of a probability, which it misses with at most the probability alpha."""
    low = float(beta.ppf(alpha / 2, successes, trials - successes + 1)) if successes else 0.0
    high = float(beta.ppf(1 - alpha / 2, successes + 1, trials - successes)) if successes < trials else 1.0
    return low, high
