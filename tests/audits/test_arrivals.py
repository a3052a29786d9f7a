"""Rows per day, their dispersion, and the ratio of two volumes with its interval."""

from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, norm, t

from audits.metrics.drift.arrivals import Volume, daily_rows, dispersion, volume_ratio
from audits.tables import MemoryTable, ParquetTable, TableError

DAY = date(2024, 2, 28)


def test_rows_are_counted_by_day_and_those_without_one_apart():
    found = daily_rows(MemoryTable({"at": [DAY, None, DAY, DAY + timedelta(days=2)]}), "at")
    assert found.rows == {DAY: 2, date(2024, 3, 1): 1}
    assert (found.without_day, found.first, found.last) == (1, DAY, date(2024, 3, 1))
    assert found.between(DAY, date(2024, 3, 2)).tolist() == [2, 0, 1, 0]


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2024, 2, 28, 0, 0),  # noqa: DTZ001 (a column without time zone)
        datetime(2024, 2, 28, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(2024, 2, 29, 0, 30, tzinfo=timezone(timedelta(hours=1))),
    ],
)
def test_moments_count_by_their_utc_day(moment):
    assert daily_rows(MemoryTable({"at": [moment]}), "at").rows == {DAY: 1}


def test_moments_before_1970_belong_to_their_own_day():
    at = [datetime(1969, 12, 31, 23, 0)]  # noqa: DTZ001 (a column without time zone)
    assert daily_rows(MemoryTable({"at": at}), "at").rows == {date(1969, 12, 31): 1}


def test_a_large_column_is_counted_piece_by_piece(tmp_path):
    moments = np.datetime64("2024-01-01", "us") + np.arange(200_000) * np.timedelta64(60_000_000, "us")
    pq.write_table(pa.table({"at": moments}), tmp_path / "t.parquet")
    found = daily_rows(ParquetTable(tmp_path / "t.parquet"), "at")
    assert sum(found.rows.values()) == 200_000
    assert found.rows[date(2024, 1, 1)] == 1440
    assert len(found.rows) == 139


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1, 2], "column 'at' of table is not one of dates or timestamps"),
        (["2024-01-01"], "column 'at' of table is not one of dates"),
        (pa.array([1], pa.time64("us")), "column 'at' of table is not one of dates"),
        (
            pa.array([10**12], pa.timestamp("s")),
            "before year 1 or after year 9999",
        ),
    ],
)
def test_what_is_no_moment_is_refused_by_name(values, message):
    with pytest.raises(TableError, match=message):
        daily_rows(MemoryTable({"at": values}), "at")
    with pytest.raises(TableError, match="column 'when' is not in table"):
        daily_rows(MemoryTable({"at": [DAY]}), "when")


def test_a_column_without_values_has_no_days():
    found = daily_rows(MemoryTable({"at": [None, None]}), "at")
    assert (found.rows, found.without_day, found.first, found.last) == ({}, 2, None, None)


def test_dispersion_is_variance_over_mean_and_at_least_one():
    assert dispersion(np.array([10, 20, 30])) == pytest.approx(100 / 20)
    assert dispersion(np.array([20, 20, 20])) == 1
    assert dispersion(np.array([7])) is None
    assert dispersion(np.array([0, 0])) is None


@pytest.mark.parametrize(("k", "m", "days"), [(50, 3000, (1, 30)), (0, 100, (1, 1)), (200, 100, (7, 3))])
def test_without_dispersion_the_interval_is_that_of_a_binomial_share(k, m, days):
    """Second implementation: SciPy's Wilson interval of the share, turned into odds."""
    ratio, low, high = volume_ratio(Volume(k, days[0]), Volume(m, days[1]))
    share = binomtest(k, k + m).proportion_ci(method="wilson")
    factor = days[1] / days[0]
    assert ratio == pytest.approx(k / m * factor)
    assert (low, high) == pytest.approx(
        (share.low / (1 - share.low) * factor, share.high / (1 - share.high) * factor), rel=1e-6
    )


def test_dispersion_widens_the_interval_as_fewer_rows_would():
    plain = volume_ratio(Volume(100, 1), Volume(1000, 10))
    spread = volume_ratio(Volume(400, 1), Volume(4000, 10, dispersion=4.0))
    # Four times the rows at four times the variance, but with Student's quantile of nine degrees of freedom.
    assert spread[0] == plain[0]
    wider = np.log(spread[2] / spread[1]) / np.log(plain[2] / plain[1])
    assert wider == pytest.approx(t.ppf(0.975, 9) / norm.ppf(0.975), rel=0.02)


@given(st.integers(0, 500), st.integers(1, 500), st.integers(1, 40), st.integers(2, 40), st.floats(1, 50))
def test_the_interval_holds_the_ratio(k, m, days, reference_days, spread):
    ratio, low, high = volume_ratio(Volume(k, days), Volume(m, reference_days, spread))
    assert 0 <= low <= ratio * (1 + 1e-9)
    assert ratio <= high * (1 + 1e-9)


@pytest.mark.parametrize(
    ("_case", "spread", "days"), [("Poisson", 1, 1), ("days differ", 20, 1), ("a week", 20, 7)]
)
def test_the_interval_covers_the_truth(_case, spread, days):
    """1,000 pairs of 30 reference days and some current ones of one stream, negative binomial with the given
    dispersion: the interval holds 1 in 95 %, with the slack of 1,000 draws below and 3 points above."""
    rng = np.random.default_rng(0)
    mean, covered = 200, 0
    for _ in range(1000):
        rate = (
            rng.gamma(mean / (spread - 1), spread - 1, size=30 + days)
            if spread > 1
            else np.full(30 + days, mean)
        )
        rows = rng.poisson(rate)
        before = Volume(int(rows[:30].sum()), 30, dispersion(rows[:30]))
        _, low, high = volume_ratio(Volume(int(rows[30:].sum()), days), before)
        covered += low <= 1 <= high
    assert 0.95 - 2.33 * np.sqrt(0.05 * 0.95 / 1000) <= covered / 1000 <= 0.98
