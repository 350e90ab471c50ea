"""Numbers for people: only significant digits, and never rounded to 0 or 1."""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, TypeGuard

from benchmark.results.leaderboard_columns import Format

UNKNOWN = "–"
"""Stands for a number that is unknown or was not measured."""

_TWO_DECIMALS_FROM = 0.005
_THREE_DECIMALS_FROM = 0.0005
_HOUR_S = 3600


def fraction(value: float | None) -> str:
    """Write a fraction of 0 to 1 with two decimals, with three where two would claim 0 or 1.

    Examples:
        >>> fraction(0.4449), fraction(0.997), fraction(0.99999), fraction(1.0), fraction(0.0001), fraction(None)
        ('0.44', '0.997', '>0.999', '1.00', '<0.001', '')
    """
    if not is_known(value):
        return ""
    distance = min(abs(value), abs(1 - value))
    if distance == 0 or distance >= _TWO_DECIMALS_FROM:
        return f"{value:.2f}"
    if distance >= _THREE_DECIMALS_FROM:
        return f"{value:.3f}"
    if 0 < value < 1:
        return "<0.001" if value < 0.5 else ">0.999"  # noqa: PLR2004  (the middle of 0 to 1)
    return f"{value:.3f}"


def signed(value: float | None) -> str:
    """Write a difference of fractions with two decimals and, below zero, a minus sign.

    Examples:
        >>> signed(0.054), signed(-0.05), signed(-0.001), signed(0.0), signed(None)
        ('0.05', '−0.05', '0.00', '0.00', '')
    """
    if not is_known(value):
        return ""
    text = f"{abs(value):.2f}"
    return f"−{text}" if value < 0 and float(text) else text


def with_interval(
    value: float | None,
    low: float | None,
    high: float | None,
    write: Callable[[float | None], str] = fraction,
    *,
    at_least: bool = False,
) -> str:
    """Write a number with its interval, if it has one.

    Args:
        at_least: Whether the interval is too narrow by an unknown amount, as without speakers.

    Examples:
        >>> with_interval(0.44, 0.39, 0.49), with_interval(0.44, None, None), with_interval(None, None, None)
        ('0.44 [0.39–0.49]', '0.44', '')
        >>> with_interval(0.44, 0.39, 0.49, at_least=True)
        '0.44 [0.39–0.49, at least so wide]'
    """
    if not is_known(value) or not is_known(low) or not is_known(high):
        return write(value)
    return f"{write(value)} [{write(low)}–{write(high)}{', at least so wide' if at_least else ''}]"


def rank_range(rank: int | None, high: int | None) -> str:
    """Write the ranks that a candidate may have.

    Examples:
        >>> rank_range(1, 4), rank_range(2, 2), rank_range(3, None), rank_range(None, None)
        ('1–4', '2', '3', '')
    """
    if rank is None:
        return ""
    return f"{rank}–{high}" if high is not None and high != rank else str(rank)


def quantity(value: float | None) -> str:
    """Write a positive amount (ms, MB, s, RTFx) with about three digits.

    Examples:
        >>> quantity(0.0421), quantity(3.14159), quantity(42.04), quantity(1234.5), quantity(None)
        ('0.042', '3.14', '42.0', '1,234', '')
        >>> quantity(99.96), quantity(9.996), quantity(0)
        ('100', '10.0', '0')
    """
    if not is_known(value):
        return ""
    if value == 0:
        return "0"
    for upper, decimals in ((0.0995, 3), (9.995, 2), (99.95, 1)):
        if abs(value) < upper:
            return f"{value:.{decimals}f}"
    return f"{value:,.0f}"


def milliseconds(value: float | None) -> str:
    """Write milliseconds with one decimal under 100, none above.

    Examples:
        >>> milliseconds(3.04), milliseconds(99.97), milliseconds(432.6), milliseconds(0.042), milliseconds(None)
        ('3.0', '100', '433', '0.04', '')
    """
    if not is_known(value):
        return ""
    if 0 < value < 1:
        return f"{value:.2f}"
    return f"{value:.1f}" if value < 99.95 else f"{value:,.0f}"  # noqa: PLR2004  (what rounds to 100.0)


def parameter_count(value: int | None) -> str:
    """Write the number of a model's weights in millions or thousands.

    Examples:
        >>> parameter_count(94_568_000), parameter_count(315_438_000), parameter_count(4_300), parameter_count(None)
        ('94.6 M', '315 M', '4.30 k', '')
    """
    for factor, unit in ((1_000_000, "M"), (1000, "k")):
        if value is not None and value >= factor:
            return f"{quantity(value / factor)} {unit}"
    return "" if value is None else str(value)


def formatted(value: Any, format: Format) -> str:
    """Write a value in the declared format of its column; text is not escaped.

    Examples:
        >>> formatted(0.4449, Format.FRACTION), formatted(1440, Format.COUNT), formatted(True, Format.TRUTH)
        ('0.44', '1,440', 'yes')
    """
    return "" if value is None else _WRITERS[format](value)


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Write a number with its noun.

    Examples:
        >>> counted(1, "clip"), counted(1440, "clip"), counted(2, "corpus", "corpora")
        ('1 clip', '1,440 clips', '2 corpora')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def duration(seconds: float) -> str:
    """Write a length of time in hours, minutes or seconds.

    Examples:
        >>> duration(5328), duration(600), duration(42.04), duration(0.3)
        ('1.48 hours', '10.0 minutes', '42.0 s', '0.30 s')
    """
    if seconds >= 3600:  # noqa: PLR2004  (an hour)
        return f"{quantity(seconds / 3600)} hours"
    return f"{quantity(seconds / 60)} minutes" if seconds >= 120 else f"{quantity(seconds)} s"  # noqa: PLR2004


def clock(seconds: float) -> str:
    """Format a time in a recording.

    Examples:
        >>> clock(7.25), clock(83.0), clock(3671.5)
        ('0:07.2', '1:23.0', '1:01:11.5')
    """
    whole, tenth = divmod(round(seconds * 10), 10)
    minutes, second = divmod(whole, 60)
    hours = f"{minutes // 60}:{minutes % 60:02d}" if whole >= _HOUR_S else f"{minutes}"
    return f"{hours}:{second:02d}.{tenth}"


def moment(time: datetime) -> str:
    """Write a time to the minute, in UTC.

    Examples:
        >>> moment(datetime(2026, 3, 1, 9, 5, tzinfo=UTC))
        '2026-03-01 09:05 UTC'
    """
    aware = time if time.tzinfo is not None else time.replace(tzinfo=UTC)
    return f"{aware.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def is_known(value: float | None) -> TypeGuard[float]:
    """Whether there is a number to write: not None, not NaN, not infinite.

    Examples:
        >>> is_known(0.0), is_known(float("nan")), is_known(None)
        (True, False, False)
    """
    return value is not None and math.isfinite(value)


_WRITERS: Mapping[Format, Callable[[Any], str]] = MappingProxyType(
    {
        Format.TEXT: str,
        Format.TRUTH: lambda value: "yes" if value else "",
        Format.COUNT: "{:,}".format,
        Format.FRACTION: fraction,
        Format.QUANTITY: quantity,
        Format.MILLISECONDS: milliseconds,
        Format.PARAMETERS: parameter_count,
    }
)
