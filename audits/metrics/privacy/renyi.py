"""Differential privacy of training with noise: Renyi accounting of the Gaussian mechanism on sampled rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln, logsumexp

from audits.metrics.statistics.resampling import Floats

#: Orders at which the divergence is bounded; the best of them gives epsilon. Whole ones have a closed form.
FRACTIONAL_ORDERS = tuple(round(1.05 + 0.05 * i, 2) for i in range(180) if (105 + 5 * i) % 100)
WHOLE_ORDERS = (*range(2, 65), 72, 80, 96, 128, 192, 256, 384, 512, 1024)
#: Below this noise multiplier only whole orders are used: one step costs hundreds, so finer orders change nothing.
_LEAST_NOISE = 0.05
_TAILS = 12.0


@dataclass(frozen=True, slots=True)
class Spent:
    """``epsilon`` at the delta asked for, and the order that gave it. Infinite without noise."""

    epsilon: float
    order: float


def spent(steps: Mapping[tuple[float, float], float], delta: float) -> Spent:
    """Epsilon of all phases together, at one delta, for adding or removing one row.

    Renyi divergences of phases add up at each order (Mironov 2017, "Renyi differential privacy", proposition 1). The
    sum becomes ``epsilon = r + ln((a - 1) / a) - (ln delta + ln a) / (a - 1)``, the least over orders ``a`` (Canonne,
    Kamath and Steinke 2020, "The discrete Gaussian for differential privacy", proposition 12; Balle et al. 2020). An
    upper bound: the true epsilon is smaller, never larger.

    Parameters
    ----------
    steps : mapping of (noise multiplier, sampling rate) to steps
        Noise: standard deviation of the noise over the clipping norm, from 0. Rate: probability with which each row
        takes part in a step, drawn anew and independently, in [0, 1]. Steps from 0.
    delta : float
        In (0, 1).

    Examples
    --------
    >>> round(spent({(4.0, 0.01): 10_000}, 1e-5).epsilon, 2)
    1.04
    """
    acting = {(noise, rate): n for (noise, rate), n in steps.items() if n > 0 and rate > 0}
    if not acting:
        return Spent(0.0, math.inf)
    if any(noise <= 0 for noise, _ in acting):
        return Spent(math.inf, math.nan)
    orders = np.array([*_fractional(min(noise for noise, _ in acting)), *WHOLE_ORDERS], dtype=np.float64)
    total = sum(
        (n * divergences(noise, rate, orders) for (noise, rate), n in acting.items()), np.zeros(len(orders))
    )
    epsilons = total + np.log1p(-1 / orders) - (math.log(delta) + np.log(orders)) / (orders - 1)
    best = int(np.argmin(epsilons))
    return Spent(max(0.0, float(epsilons[best])), float(orders[best]))


def _fractional(noise: float) -> tuple[float, ...]:
    return FRACTIONAL_ORDERS if noise >= _LEAST_NOISE else ()


def divergences(noise: float, rate: float, orders: Floats) -> Floats:
    """Renyi divergence of one step at each order: ``ln E[((1 - q) + q exp((2z - 1) / 2s^2))^a] / (a - 1)``, z ~ N(0, s^2).

    Source: Mironov, Talwar and Zhang 2019, "Renyi differential privacy of the sampled Gaussian mechanism", theorem 4
    (which direction is larger: theorem 5). With every row in every step it is ``a / 2 s^2`` (Mironov 2017). Whole orders are their
    binomial sum, section 3.3; the others are integrated numerically.
    """
    if rate >= 1:
        return orders / (2 * noise**2)
    whole = orders % 1 == 0
    logs = np.empty(len(orders))
    logs[whole] = [_log_moment_whole(noise, rate, int(order)) for order in orders[whole]]
    if not whole.all():
        logs[~whole] = _log_moments(noise, rate, orders[~whole])
    return np.asarray(np.maximum(logs, 0.0) / (orders - 1))


def _log_moment_whole(noise: float, rate: float, order: int) -> float:
    """``ln sum_k C(a, k) (1 - q)^(a - k) q^k exp((k^2 - k) / 2 s^2)``."""
    k = np.arange(order + 1)
    binomial = gammaln(order + 1) - gammaln(k + 1) - gammaln(order - k + 1)
    weights = binomial + (order - k) * math.log1p(-rate) + k * math.log(rate)
    return float(logsumexp(weights + (k * k - k) / (2 * noise**2)))


def _log_moments(noise: float, rate: float, orders: Floats) -> Floats:
    """The expectations by the trapezoid rule, which converges exponentially for such smooth integrands.

    The integrand lies around 0 and, far down the tail, around the order. Its nearest singularities are ``pi s^2`` off
    the real line, which bounds the step.
    """
    step = min(noise / 8, noise**2 / 4)
    z = np.arange(-_TAILS * noise, orders.max() + _TAILS * noise + step, step)
    ratio = np.logaddexp(math.log1p(-rate), math.log(rate) + (2 * z - 1) / (2 * noise**2))
    density = -((z / noise) ** 2) / 2 - math.log(noise * math.sqrt(2 * math.pi))
    found: Floats = logsumexp(density + orders[:, None] * ratio, axis=1)
    return found + math.log(step)
