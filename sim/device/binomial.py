"""Exact statements about binomial counts."""

from scipy.stats import beta


def interval(successes: int, trials: int, alpha: float) -> tuple[float, float]:
    """Clopper-Pearson interval of a probability.

    Parameters
    ----------
    successes, trials : int
        0 <= successes <= trials, trials >= 1.
    alpha : float
        Probability, at most, that the interval misses the true value.

    Returns
    -------
    low, high : float
        0 <= low < high <= 1.
    """
    low = float(beta.ppf(alpha / 2, successes, trials - successes + 1)) if successes else 0.0
    high = float(beta.ppf(1 - alpha / 2, successes + 1, trials - successes)) if successes < trials else 1.0
    return low, high
