"""Strings from elsewhere, made storable."""

from typing import Any


def storable(text: str) -> str:
    r"""Replace what cannot be written as UTF-8, which both JSON and file names can smuggle in.

    Examples:
        >>> storable("good"), storable("half \ud800")
        ('good', 'half ?')
    """
    return text.encode("utf-8", errors="replace").decode("utf-8")


def texts(value: Any) -> tuple[str, ...]:
    """Read a field that should hold one string or several, and holds whatever somebody wrote.

    Examples:
        >>> texts("en"), texts(["en", "ko", None, 3]), texts({"a": 1})
        (('en',), ('en', 'ko'), ())
    """
    if isinstance(value, str):
        return (storable(value),)
    if isinstance(value, list | tuple):
        return tuple(storable(item) for item in value if isinstance(item, str))
    return ()


def text(value: Any) -> str | None:
    """Read a field that should hold a string; of several the first, of anything else nothing.

    Examples:
        >>> text("mit"), text(["mit", "other"]), text(7)
        ('mit', 'mit', None)
    """
    return next(iter(texts(value)), None)
