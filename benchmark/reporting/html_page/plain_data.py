"""Stored results as the plain data that the page's scripts read: short, finite, and harmless as text."""

import json
import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from markupsafe import Markup

from benchmark.reporting.escaping import plain_text

# Inside a script element only these matter: the end of the element, comments, and line ends that JavaScript has and
# JSON has not.
_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


def script_json(content: Mapping[str, Any]) -> Markup:
    r"""Write data for a script element of the type `application/json`.

    Every text is reduced to what can be seen of it; what is not finite is null. Numbers are whole: what is rounded
    twice can come out differently from what other reports say.

    Args:
        content: Plain data, as pydantic dumps it.

    Returns:
        A JSON document that no text in it can end early.

    Examples:
        >>> print(script_json({"label": "</script>\u202e", "uar": 0.25, "ece": float("nan")}))
        {"label":"\u003c/script\u003e","uar":0.25,"ece":null}
    """
    document = json.dumps(_presentable(content), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(document.translate(_ESCAPES))  # noqa: S704 - escaped here


def _presentable(value: Any) -> Any:
    if isinstance(value, str):
        return _shown(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {_shown(str(key)): _presentable(member) for key, member in value.items()}
    return [_presentable(member) for member in value] if isinstance(value, list | tuple) else value


@lru_cache(maxsize=16_384)
def _shown(text: str) -> str:
    return plain_text(text)
