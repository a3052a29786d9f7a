"""Renyi accounting of training with noise, against published and independent numbers."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from audits.metrics.privacy.renyi import WHOLE_ORDERS, divergences, spent

#: Phases (noise, rate, steps), delta, epsilon of the Renyi accountant and of the privacy-loss-distribution accountant of
#: dp-accounting 0.6.0 (Google, PyPI; same add-or-remove-one-row relation), computed once beside this project.
INDEPENDENT = [
    ([(4.0, 0.01, 10_000)], 1e-5, 1.0354900660362436, 0.9469993068930963),
    ([(1.1, 0.01, 1000)], 1e-5, 1.7117701662429012, 1.5153702481094293),
    ([(1.0, 1.0, 1)], 1e-5, 4.728507067217623, 4.37717810002493),
    ([(1.1, 256 / 60_000, 14_063)], 1e-5, 2.596655529521983, 2.381778812581751),
    ([(0.5, 0.02, 50)], 1e-6, 11.436760798941066, 9.643675640174877),
    ([(2.0, 0.05, 500), (1.0, 0.001, 20_000), (5.0, 1.0, 3)], 1e-6, 3.7026176495956795, 3.4420819894625225),
    ([(10.0, 0.001, 100)], 1e-5, 0.004021349951012585, 0.002152004693928963),
    ([(0.1, 0.01, 1)], 1e-5, 80.57027445249427, 75.42735590860634),
    ([(0.3, 0.2, 7)], 1e-5, 46.666510871050306, 41.5309568493094),
    ([(20.0, 0.5, 1000)], 1e-9, 5.02548666017734, 4.78336587311797),
]


@pytest.mark.parametrize(("phases", "delta", "renyi", "tight"), INDEPENDENT)
def test_epsilon_is_that_of_dp_accounting_or_tighter_by_finer_orders(phases, delta, renyi, tight):
    found = spent({(noise, rate): steps for noise, rate, steps in phases}, delta).epsilon
    assert tight < found <= renyi * (1 + 1e-9)
    assert found == pytest.approx(renyi, rel=0.002)


def test_moments_accountant_of_abadi_et_al_2016():
    """Abadi et al. 2016, section 3: q = .01, sigma = 4, 10,000 steps, delta = 1e-5 gives 1.26 by eps = r + ln(1/delta)/(a-1)."""
    orders = np.arange(2.0, 65.0)
    total = 10_000 * divergences(4.0, 0.01, orders)
    assert round(float((total + np.log(1e5) / (orders - 1)).min()), 2) == 1.26
    assert spent({(4.0, 0.01): 10_000}, 1e-5).epsilon < 1.26, "the newer conversion is tighter"


@given(st.floats(0.3, 10), st.floats(0.001, 0.9), st.floats(1.1, 8))
@settings(max_examples=25, deadline=None)
def test_a_divergence_is_its_integral(noise, rate, order):
    order = round(order, 2) + (0.005 if round(order, 2) % 1 == 0 else 0)

    def integrand(z):
        ratio = np.logaddexp(math.log1p(-rate), math.log(rate) + (2 * z - 1) / (2 * noise**2))
        return math.exp(order * ratio - z * z / (2 * noise**2)) / (noise * math.sqrt(2 * math.pi))

    if order * order / noise**2 > 300:
        return  # beyond what plain numbers hold
    cuts = np.linspace(-10 * noise, order + 10 * noise, 9)
    whole = sum(quad(integrand, a, b, epsabs=0, epsrel=1e-10)[0] for a, b in itertools.pairwise(cuts))
    found = divergences(noise, rate, np.array([order]))[0]
    assert found == pytest.approx(math.log(whole) / (order - 1), rel=1e-6, abs=1e-9)


@given(st.floats(0.2, 20), st.floats(0.0005, 0.99), st.integers(2, 12))
@settings(max_examples=40, deadline=None)
def test_the_sum_of_whole_orders_meets_the_integral_beside_them(noise, rate, order):
    exact, beside = divergences(noise, rate, np.array([order, order + 1e-9]))
    assert beside == pytest.approx(exact, rel=1e-5, abs=1e-12)


@given(st.floats(0.3, 10), st.integers(2, 9))
def test_with_every_row_in_every_step_it_is_the_plain_gaussian(noise, order):
    exact, nearly = (divergences(noise, q, np.array([float(order)]))[0] for q in (1.0, 1 - 1e-12))
    assert exact == order / (2 * noise**2)
    assert nearly == pytest.approx(exact, rel=1e-6)


def test_order_two_by_hand():
    # E[((1-q) + q L)^2] with E[L] = 1 and E[L^2] = exp(1/s^2): 1 + q^2 (exp(1/s^2) - 1).
    found = divergences(2.0, 0.1, np.array([2.0]))[0]
    assert found == pytest.approx(math.log(1 + 0.01 * (math.exp(0.25) - 1)), rel=1e-12)


@given(st.floats(0.5, 5), st.floats(0.001, 0.5), st.integers(1, 5000))
@settings(max_examples=15, deadline=None)
def test_more_noise_costs_less_and_more_steps_or_rows_cost_more(noise, rate, steps):
    base = spent({(noise, rate): steps}, 1e-5).epsilon
    assert spent({(noise * 1.2, rate): steps}, 1e-5).epsilon <= base
    assert spent({(noise, rate): steps * 2}, 1e-5).epsilon >= base
    assert spent({(noise, rate * 1.2): steps}, 1e-5).epsilon >= base
    assert spent({(noise, rate): steps}, 1e-6).epsilon >= base


def test_phases_add_up_at_each_order_and_not_afterwards():
    parts = {(2.0, 0.05): 500, (1.0, 0.001): 20_000}
    together = spent(parts, 1e-6).epsilon
    alone = [spent({phase: n}, 1e-6).epsilon for phase, n in parts.items()]
    assert max(alone) < together < sum(alone)
    assert spent({(2.0, 0.05): 300}, 1e-5) == spent({(2.0, 0.05): 300, (9.0, 0.0): 10, (0.0, 0.5): 0}, 1e-5)


def test_no_noise_is_no_limit_and_no_step_costs_nothing():
    assert spent({(0.0, 0.01): 1}, 1e-5).epsilon == math.inf
    assert spent({(5.0, 0.01): 10, (0.0, 1.0): 1}, 1e-5).epsilon == math.inf
    assert spent({(0.0, 0.01): 0}, 1e-5).epsilon == 0
    assert spent({(0.0, 0.0): 5}, 1e-5).epsilon == 0
    assert spent({}, 1e-5).epsilon == 0


def test_hardly_any_noise_stays_finite_and_huge():
    found = spent({(1e-4, 0.01): 1000}, 1e-5)
    assert 1e8 < found.epsilon < math.inf
    assert found.order in WHOLE_ORDERS
