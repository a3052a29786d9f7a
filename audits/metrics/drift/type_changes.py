"""What a change of a column's Arrow type means to whoever reads its values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType

import pyarrow as pa

_is = pa.types


class Change(StrEnum):
    """From harmless to breaking."""

    NONE = "none"
    WIDENED = "widened"
    NARROWED = "narrowed"
    UNIT = "unit changed"
    ZONE = "time zone changed"
    ZONE_ADDED = "time zone added"
    ZONE_LOST = "time zone lost"
    LENGTH = "length changed"
    SORT = "another sort of values"

    @property
    def differs(self) -> bool:
        return self is not Change.NONE


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        _is.is_string(kind) or _is.is_large_string(kind) or _is.is_string_view(kind) or _is.is_null(kind)
    )


def _is_list(kind: pa.DataType) -> bool:
    return bool(_is.is_list(kind) or _is.is_large_list(kind) or _is.is_fixed_size_list(kind))


def _is_number(kind: pa.DataType) -> bool:
    return bool(_is.is_integer(kind) or _is.is_floating(kind) or _is.is_decimal(kind))


#: Sorts of values; a type is of the first that fits.
SORTS: Mapping[str, Callable[[pa.DataType], bool]] = MappingProxyType(
    {
        "text": _is_text,
        "truth value": _is.is_boolean,
        "number": _is_number,
        "moment": lambda kind: bool(_is.is_timestamp(kind) or _is.is_date(kind)),
        "time of day": _is.is_time,
        "duration": _is.is_duration,
        "vector": _is_list,
    }
)


def sort_of(kind: pa.DataType) -> str:
    """The sort of values that a type holds; the type's own name when it is none that audits read."""
    return next((name for name, check in SORTS.items() if check(kind)), str(kind))


def type_change(before: pa.DataType, after: pa.DataType) -> Change:
    """Compare two Arrow types by what becomes of values.

    Widened: every value of the old type has its like in the new one (int32 to int64, whole numbers to floating point,
    dates to timestamps). Narrowed: not every value has. Encodings of text and of lists do not count.

    Examples
    --------
    >>> type_change(pa.int64(), pa.float64()).value
    'widened'
    >>> type_change(pa.float64(), pa.string()).value
    'another sort of values'
    """
    before, after = _plain(before), _plain(after)
    sort = sort_of(before)
    if before == after or (sort == sort_of(after) == "text"):
        return Change.NONE
    if sort != sort_of(after):
        return Change.SORT
    return _WITHIN[sort](before, after) if sort in _WITHIN else Change.SORT


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if _is.is_dictionary(kind) else kind


def _number_change(before: pa.DataType, after: pa.DataType) -> Change:
    return Change.WIDENED if _holds(after, before) else Change.NARROWED


def _holds(wide: pa.DataType, narrow: pa.DataType) -> bool:
    """Whether a number type has room for every value of another. 64-bit integers count as fitting into float64."""
    if _is.is_decimal(wide) and _is.is_decimal(narrow):
        return bool(
            wide.scale >= narrow.scale and wide.precision - wide.scale >= narrow.precision - narrow.scale
        )
    if _is.is_decimal(wide):
        return bool(_is.is_integer(narrow) and wide.precision - wide.scale >= _digits(narrow))
    if _is.is_decimal(narrow):
        return bool(_is.is_float64(wide))
    if _is.is_floating(wide):
        return bool(_is.is_integer(narrow) or wide.bit_width >= narrow.bit_width) and _room(wide, narrow)
    if _is.is_floating(narrow):
        return False
    low_wide, high_wide = _range(wide)
    low, high = _range(narrow)
    return low_wide <= low and high_wide >= high


def _room(wide: pa.DataType, narrow: pa.DataType) -> bool:
    """Whole numbers of more than 32 bits need float64, of more than 8 bits at least float32."""
    if _is.is_floating(narrow) or wide.bit_width == 64:
        return True
    return bool(narrow.bit_width < wide.bit_width)


def _range(kind: pa.DataType) -> tuple[int, int]:
    bits = kind.bit_width
    return (0, 2**bits - 1) if _is.is_unsigned_integer(kind) else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def _digits(kind: pa.DataType) -> int:
    return len(str(_range(kind)[1]))


def _moment_change(before: pa.DataType, after: pa.DataType) -> Change:
    zones = [kind.tz if _is.is_timestamp(kind) else None for kind in (before, after)]
    if zones[0] != zones[1]:
        return (
            Change.ZONE_ADDED if zones[0] is None else Change.ZONE_LOST if zones[1] is None else Change.ZONE
        )
    if _is.is_date(before) and _is.is_timestamp(after):
        return Change.WIDENED
    if _is.is_timestamp(before) and _is.is_date(after):
        return Change.NARROWED
    return Change.UNIT


def _list_change(before: pa.DataType, after: pa.DataType) -> Change:
    lengths = [kind.list_size if _is.is_fixed_size_list(kind) else None for kind in (before, after)]
    if None not in lengths and lengths[0] != lengths[1]:
        return Change.LENGTH
    return type_change(before.value_type, after.value_type)


_WITHIN: Mapping[str, Callable[[pa.DataType, pa.DataType], Change]] = MappingProxyType(
    {
        "number": _number_change,
        "moment": _moment_change,
        "time of day": lambda before, after: Change.UNIT,
        "duration": lambda before, after: Change.UNIT,
        "vector": _list_change,
    }
)
