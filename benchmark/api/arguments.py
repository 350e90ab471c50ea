"""What callers of the functions may hand in, checked before any work as the command line checks its options."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from inspect import Parameter, signature
from pathlib import Path
from types import MappingProxyType
from typing import Literal, ParamSpec, TypeVar, get_args, get_origin

from benchmark.errors import RequestError

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")

_LEAST: Mapping[str, float] = MappingProxyType(
    {
        "limit": 1,
        "sample": 1,
        "min_emotions": 1,
        "jobs": 1,
        "embed_audio": 0,
        "latency_seconds": 0,
        "min_speech": 0,
        "max_download_gb": 0,
        "segment_seconds": 0.1,
    }
)
"""Argument → the least that makes sense."""


def checked(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """Let one text stand for a list of one, and refuse numbers and words that make no sense.

    A text where several are expected would otherwise be taken letter by letter: of a path, the first is the root of
    all files.

    Args:
        function: One whose parameters are annotated `Sequence[str]`, `Literal[…]`, or have a name with a least value.

    Returns:
        The function; it raises `RequestError` for what is wrong.

    Examples:
        >>> @checked
        ... def hear(corpora: Sequence[str] = (), limit: int | None = None) -> tuple[Sequence[str], int | None]:
        ...     return corpora, limit
        >>> hear("calls/2026", limit=3)
        (('calls/2026',), 3)
        >>> hear(limit=-1)
        Traceback (most recent call last):
            ...
        benchmark.errors.RequestError: limit=-1 makes no sense: give 1 or more.
    """
    parameters = signature(function)

    @wraps(function)
    def check(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
        bound = parameters.bind(*args, **kwargs)
        for name, value in bound.arguments.items():
            bound.arguments[name] = _checked(parameters.parameters[name], value)
        return function(*bound.args, **bound.kwargs)

    return check


def _checked(parameter: Parameter, value: object) -> object:
    if parameter.annotation == Sequence[str]:
        given = [value] if isinstance(value, str | Path) else value
        return tuple(map(str, given)) if isinstance(given, Sequence) else given
    words = _words(parameter.annotation)
    if words and value is not None and value not in words:
        raise RequestError(f"{parameter.name}={value!r} is unknown: choose among {', '.join(words)}.")
    least = _LEAST.get(parameter.name)
    if least is not None and isinstance(value, int | float) and not least <= value < math.inf:
        raise RequestError(f"{parameter.name}={value!r} makes no sense: give {least:g} or more.")
    return value


def _words(annotation: object) -> tuple[str, ...]:
    choices = annotation if get_origin(annotation) is Literal else None
    for part in get_args(annotation):
        choices = part if get_origin(part) is Literal else choices
    return get_args(choices) if choices is not None else ()
