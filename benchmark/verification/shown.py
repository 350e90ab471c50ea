"""Long lists, cut to what a person reads."""

from collections.abc import Iterable

_MOST = 12
_LONGEST = 200


def listed(names: Iterable[str], *, most: int = _MOST) -> list[str]:
    """Give the first of many names in their order, and how many more there are.

    Examples:
        >>> listed(["c", "a", "b"], most=2)
        ['a', 'b', '… and 1 more']
    """
    ordered = sorted(str(name)[:_LONGEST] for name in names)
    return ordered[:most] + ([f"… and {len(ordered) - most} more"] if len(ordered) > most else [])
