"""The names of a model's outputs, in the order of its outputs, and what is wrong with them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

_MOST_SHOWN = 12
_LONGEST_SHOWN = 60


@dataclass(frozen=True)
class OutputLabels:
    """The names of a model's outputs.

    Attributes:
        labels: One per output; `LABEL_i` where the configuration has no name for output i.
        problems: What is wrong with them, one sentence each.
    """

    labels: tuple[str, ...]
    problems: tuple[str, ...] = ()


def output_labels(id2label: Mapping[int, str], outputs: int, label2id: Mapping[str, int] | None = None) -> OutputLabels:
    """Name the outputs; the order is always that of `id2label`, never that of `label2id`.

    Args:
        id2label: The configuration's names by index.
        outputs: How many outputs the model has.
        label2id: The configuration's indices by name, which only serve to be held against the names.

    Returns:
        One name per output, with what is wrong with them.

    Examples:
        >>> output_labels({0: "sad", 1: "angry"}, 2).labels
        ('sad', 'angry')
        >>> output_labels({0: "sad", 2: "angry"}, 2)
        OutputLabels(labels=('sad', 'LABEL_1'), problems=('id2label has no name for output 1',))
    """
    unnamed = [index for index in range(outputs) if index not in id2label]
    problems = [f"id2label has no name for output {index}" for index in unnamed[:_MOST_SHOWN]]
    labels = tuple(str(id2label.get(index, f"LABEL_{index}")) for index in range(outputs))
    repeated = sorted(label for label, count in Counter(labels).items() if count > 1)
    problems += [f"several outputs have the name {_short(label)}" for label in repeated[:_MOST_SHOWN]]
    contradicted = [label for index, label in enumerate(labels) if label2id and label2id.get(label, index) != index]
    if contradicted and not repeated:
        shown = ", ".join([_short(label) for label in contradicted[:_MOST_SHOWN]])
        more = ", …" if len(contradicted) > _MOST_SHOWN else ""
        problems.append(f"label2id contradicts id2label for {shown}{more}; id2label decides")
    return OutputLabels(labels, tuple(problems))


def _short(label: str) -> str:
    return repr(label if len(label) <= _LONGEST_SHOWN else f"{label[:_LONGEST_SHOWN]}…")
