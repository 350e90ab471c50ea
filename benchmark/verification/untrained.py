"""Heads that were saved untrained: training moves biases, and each begins at exactly zero."""

from collections.abc import Iterator, Mapping, Sequence

from benchmark.results.status import Status
from benchmark.results.verification import Finding


def judge_biases(values: Mapping[str, Sequence[float]]) -> Iterator[Finding]:
    """Judge whether a head was ever trained.

    Args:
        values: The numbers of all the biases of projector and classifier; nothing where they are not known.

    Yields:
        At most one finding.

    Examples:
        >>> [finding.status.value for finding in judge_biases({"classifier.bias": (0.0, 0.0)})]
        ['random-head']
        >>> list(judge_biases({"classifier.bias": (0.0, 1e-9)}))
        []
    """
    numbers = [number for each in values.values() for number in each]
    if numbers and not any(numbers):
        yield Finding(
            status=Status.RANDOM_HEAD,
            reason="Its head was saved untrained: all biases of projector and classifier are exactly zero.",
            evidence={"zero": sorted(values)},
        )
