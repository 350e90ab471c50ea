"""Long lists, cut to what a person reads."""

from collections.abc import Iterable, Sequence

_MOST = 12


_LONGEST = 200


_LONGEST_LABEL = 60


def listed(names: Iterable[str], *, most: int = _MOST) -> list[str]:
    """Give the first of many names in their order, and how many more there are.

    Examples:
        >>> listed(["c", "a", "b"], most=2)
        ['a', 'b', '… and 1 more']
    """
    ordered = sorted(str(name)[:_LONGEST] for name in names)
    return ordered[:most] + ([f"… and {len(ordered) - most} more"] if len(ordered) > most else [])


def named(labels: Sequence[str], *, most: int = _MOST) -> str:
    """Give the first of many labels in their order, each cut to what a person reads.

    Examples:
        >>> named(["sad", "x" * 70, "happy"], most=2) == "sad, " + "x" * 60 + "…, …"
        True
    """
    shown = [label if len(label) <= _LONGEST_LABEL else f"{label[:_LONGEST_LABEL]}…" for label in labels[:most]]
    return ", ".join(shown + ["…"] * (len(labels) > most))
