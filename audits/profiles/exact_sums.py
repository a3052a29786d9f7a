"""Sums of doubles without rounding: the same to the last bit in any order and for any split of the numbers.

A sum is a Python integer in units of ``2**-1074``, the smallest step between doubles, of which every finite double is
a multiple.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: Binary exponent of the unit.
UNIT = -1074
_UNITS_IN_ONE = 1 << -UNIT
#: So many numbers at most are summed at once (they and what is computed from them fit the processor's cache), and so
#: few are summed one by one.
BLOCK, _FEW = 1 << 15, 64
#: Bits that one pass takes off the numbers: 53 of a double, less 15 that the sum may grow by, less sign and guard.
_BITS = 35
#: Integers below two to this power have an exact sum as they are.
_SMALL = 37


def exact_sum(numbers: Floats, scratch: Floats | None = None, largest: float | None = None) -> int:
    """Sum of finite doubles in units of ``2**-1074``, exactly.

    Each pass splits every number into its leading bits, a multiple of a common power of two whose sum is exact in
    double precision, and the rest (error-free extraction; Rump, Ogita and Oishi 2008, "Accurate floating-point
    summation part I", SIAM J. Sci. Comput. 31(1)).

    ``scratch``, of shape (2, ``BLOCK``), saves allocations when there is much to sum; ``largest``, at least the largest
    absolute number, saves looking for it.

    Examples
    --------
    >>> exact_mean(exact_sum(np.array([1e100, 1.0, -1e100])), 3)
    0.3333333333333333
    """
    space = np.empty((2, min(BLOCK, len(numbers)))) if scratch is None else scratch
    return sum(_block_sum(numbers[at : at + BLOCK], space, largest) for at in range(0, len(numbers), BLOCK))


def counted_sum(values: Floats, counts: npt.NDArray[np.int64]) -> int:
    """Sum of finite doubles that occur so many times each, in units of ``2**-1074``, exactly.

    Halves of 26 bits times counts below ``2**26`` are exact products (splitting after Dekker 1971).
    """
    sizes = np.abs(values[values != 0])
    if not len(sizes):
        return 0
    if counts.max() >= 1 << 26 or not (sizes.min() > 1e-250 and sizes.max() < 1e250):
        return sum(in_units(v) * c for v, c in zip(values.tolist(), counts.tolist(), strict=True))
    spread = values * (2.0**27 + 1)
    upper = spread - (spread - values)
    return exact_sum(upper * counts) + exact_sum((values - upper) * counts)


def exact_mean(total: int, n: int) -> float:
    """The nearest double to ``total / n``."""
    return float(Fraction(total, _UNITS_IN_ONE) / n)


def in_units(number: float) -> int:
    """A finite double in units of ``2**-1074``."""
    numerator, denominator = float(number).as_integer_ratio()
    return numerator * (_UNITS_IN_ONE // denominator)


def _block_sum(rest: Floats, scratch: Floats, largest: float | None) -> int:
    total = 0
    exponent = _exponent(rest) if largest is None else math.frexp(largest)[1]
    for turn in range(64):  # each pass takes 35 of at most 2,100 bits
        if len(rest) <= _FEW:
            break
        if exponent <= _SMALL and whole(rest):
            return total + in_units(float(rest.sum()))
        if not -900 < exponent < 1000:
            break
        # Added to this and taken off again, a number keeps its bits down to 2**(exponent - 35) and no others.
        carrier = math.ldexp(1.5, exponent + 52 - _BITS)
        leading = scratch[turn % 2][: len(rest)]
        np.add(rest, carrier, out=leading)
        leading -= carrier
        total += in_units(float(leading.sum()))
        np.subtract(rest, leading, out=leading)
        exponent -= _BITS
        if np.count_nonzero(leading) * 8 > len(leading):
            rest = leading
        else:
            rest = leading[leading != 0]
            exponent = _exponent(rest)
    return total + sum(in_units(number) for number in rest.tolist())


def _exponent(numbers: Floats) -> int:
    """Every absolute number is below two to this power."""
    return math.frexp(max(float(numbers.max()), -float(numbers.min())))[1] if len(numbers) else 0


def whole(numbers: Floats) -> bool:
    """Whether all are integers. The first few settle it for most columns that are not."""
    few = numbers[:16]
    return bool((np.floor(few) == few).all() and (np.floor(numbers) == numbers).all())
