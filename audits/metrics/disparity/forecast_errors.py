"""What is added up of forecasts and of what came, and the errors that are ratios of these sums."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audits.metrics.disparity.group_comparisons import SumRatio
from audits.metrics.groups.outcome_values import numbers
from audits.tables import Column, TableError

Floats: TypeAlias = npt.NDArray[np.float64]

#: Places of what is added up: rows with y and f, abs(y - f), y, f - y, max(y - f, 0), max(f - y, 0), 1 where f >= y;
_KNOWN, _MISSED, _ACTUAL, _EXCESS, _UNDER, _OVER, _SERVED = range(7)
#: rows with a baseline too, their abs(y - f) and abs(y - b); rows with an interval, 1 where y is outside;
_BASED, _OWN_ERROR, _BASELINE_ERROR, _RANGED, _OUTSIDE = range(7, 12)
#: rows with a quantile forecast, twice its pinball loss, their y.
_QUANTILED, _PINBALL, _QUANTILE_ACTUAL = range(12, 15)
WIDTH = 15

RELATIVE_ERROR = "relative-error"
MISS_RATE = "interval-miss-rate"


def _ratio(
    metric: str, over: int, under: int, rows: int, *, rate: bool = False, offset: float = 0
) -> SumRatio:
    return SumRatio(metric, (over,), (under,), (rows,), (rows,), rate=rate, offset=offset)


_ERRORS = (
    _ratio("wape", _MISSED, _ACTUAL, _KNOWN),
    _ratio("bias", _EXCESS, _ACTUAL, _KNOWN, offset=1.0),
    _ratio("under-forecast-rate", _UNDER, _ACTUAL, _KNOWN),
    _ratio("over-forecast-rate", _OVER, _ACTUAL, _KNOWN),
    _ratio("service-level", _SERVED, _KNOWN, _KNOWN, rate=True),
)
#: What a further column adds.
_FURTHER = {
    "baseline": _ratio(RELATIVE_ERROR, _OWN_ERROR, _BASELINE_ERROR, _BASED),
    "low": _ratio(MISS_RATE, _OUTSIDE, _RANGED, _RANGED, rate=True),
    "quantile": _ratio("weighted-quantile-loss", _PINBALL, _QUANTILE_ACTUAL, _QUANTILED),
}


@dataclass(frozen=True, slots=True)
class ForecastRows:
    """Rows of forecasts as sums: with ``y`` what came and ``f`` the forecast,

    - ``wape = sum |y - f| / sum y`` (Kolassa and Schuetz 2007, "Advantages of the MAD/Mean ratio over the MAPE",
      Foresight 6, 40-43);
    - ``bias = sum (f - y) / sum y``, compared as ``1 + bias``, which is forecast over actual;
    - ``under-forecast-rate = sum max(y - f, 0) / sum y``, ``over-forecast-rate = sum max(f - y, 0) / sum y``: they add up
      to ``wape``, and the second minus the first is ``bias``;
    - ``service-level``: the share of rows with ``f >= y``;
    - with a baseline forecast ``b``: ``relative-error = sum |y - f| / sum |y - b|``, the relative mean absolute error of
      Hyndman and Koehler 2006 (Int. J. Forecasting 22, 679-688) over rows with all three;
    - with an interval: ``interval-miss-rate``, the share of rows whose ``y`` is outside ``[low, high]``;
    - with a forecast ``q`` of the quantile ``level``: ``weighted-quantile-loss = 2 sum (level max(y - q, 0) + (1 - level)
      max(q - y, 0)) / sum y``, the pinball loss of Koenker and Bassett 1978 (Econometrica 46, 33-50), scaled as in Salinas
      et al. 2020 (Int. J. Forecasting 36, 1181-1191); of the median it is ``wape``.

    ``columns`` maps ``truth``, ``forecast`` and, where there are such, ``baseline``, ``low`` and ``high``, ``quantile`` to
    columns.
    """

    columns: Mapping[str, str]
    level: float

    @property
    def ratios(self) -> list[SumRatio]:
        """The errors that these columns allow."""
        return [*_ERRORS, *(ratio for role, ratio in _FURTHER.items() if role in self.columns)]

    def statistics(self, pieces: tuple[Column, ...]) -> Floats:
        """What is added up, shape (rows, ``WIDTH``), from pieces in the order of ``columns``.

        Raises
        ------
        TableError
            When a column holds text or infinities, what came is negative, or an interval ends before it begins.
        """
        values = {role: finite(piece) for role, piece in zip(self.columns, pieces, strict=True)}
        y, f = values["truth"], values["forecast"]
        refuse_negative(self.columns["truth"], y)
        out = np.zeros((len(y), WIDTH))
        known = _known(y, f)
        error = np.where(known, f - y, 0.0)
        out[:, _KNOWN], out[:, _MISSED], out[:, _EXCESS] = known, np.abs(error), error
        out[:, _UNDER], out[:, _OVER] = np.maximum(-error, 0), np.maximum(error, 0)
        out[:, _ACTUAL], out[:, _SERVED] = np.where(known, y, 0.0), known & (error >= 0)
        if "baseline" in values:
            _add_baseline(out, y, f, values["baseline"])
        if "low" in values:
            self._add_interval(out, y, values["low"], values["high"])
        if "quantile" in values:
            _add_quantile(out, y, values["quantile"], self.level)
        return out

    def _add_interval(self, out: Floats, y: Floats, low: Floats, high: Floats) -> None:
        if (low > high).any():
            raise TableError(
                f"column {self.columns['low']!r} is above {self.columns['high']!r} in some rows; "
                "give the lower end of the interval as role 'low'"
            )
        out[:, _RANGED] = _known(y, low, high)
        out[:, _OUTSIDE] = (y < low) | (y > high)
        out[:, _OUTSIDE] *= out[:, _RANGED]


def _add_baseline(out: Floats, y: Floats, f: Floats, baseline: Floats) -> None:
    known = _known(y, f, baseline)
    out[:, _BASED] = known
    out[:, _OWN_ERROR] = np.where(known, np.abs(y - f), 0.0)
    out[:, _BASELINE_ERROR] = np.where(known, np.abs(y - baseline), 0.0)


def _add_quantile(out: Floats, y: Floats, forecast: Floats, level: float) -> None:
    known = _known(y, forecast)
    short = np.where(known, y - forecast, 0.0)
    out[:, _QUANTILED] = known
    out[:, _PINBALL] = 2 * (level * np.maximum(short, 0) + (1 - level) * np.maximum(-short, 0))
    out[:, _QUANTILE_ACTUAL] = np.where(known, y, 0.0)


def _known(*values: Floats) -> npt.NDArray[np.bool_]:
    return np.asarray(~np.any([np.isnan(each) for each in values], axis=0))


def finite(piece: Column) -> Floats:
    """A piece as numbers, NaN where there is none. Raises ``TableError`` for text and infinities."""
    if piece.infinities:
        raise TableError(f"column {piece.name!r} holds infinite values; replace or remove them")
    return numbers(piece)


def refuse_negative(name: str, actual: Floats) -> None:
    """Raise ``TableError`` where something negative is said to have come."""
    if (actual < 0).any():
        raise TableError(
            f"column {name!r} holds negative values such as {np.nanmin(actual):g}; "
            "what came cannot be negative: put returns into a column of their own"
        )
