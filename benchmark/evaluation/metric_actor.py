"""Runs a metric of the user's in a worker: `evaluate` is imported there, and nowhere else."""

from typing import Any


class MetricActor:
    """Holds one metric. Start it with `Worker("benchmark.evaluation.metric_actor:MetricActor", …)`."""

    def __init__(self) -> None:
        self._module: Any = None

    def load(self, path: str) -> str:
        """Load a module in the form of the library `evaluate`, which runs its code.

        Args:
            path: Its Python file, or the folder that holds it.

        Returns:
            Its name.
        """
        import evaluate  # noqa: PLC0415 - ten seconds that only those wait who bring a metric

        self._module = evaluate.load(path, keep_in_memory=True)
        return str(self._module.name)

    def compute(self, truth: list[int], answers: list[int], names: list[str]) -> dict[str, float]:
        """Compute the metric.

        Args:
            truth: The place in `names` of each clip's emotion.
            answers: The place of each answer.
            names: What the places mean; a metric that takes text gets these.

        Returns:
            What it returned that is a single number, by name.
        """
        features = self._module.features
        features = features[0] if isinstance(features, list) else features
        if any(getattr(feature, "dtype", "") == "string" for feature in features.values()):
            result = self._module.compute(
                references=[names[place] for place in truth], predictions=[names[place] for place in answers]
            )
        else:
            result = self._module.compute(references=truth, predictions=answers)
        return {str(name): float(value) for name, value in (result or {}).items() if _is_number(value)}


def _is_number(value: object) -> bool:
    return getattr(value, "ndim", 0) == 0 and hasattr(value, "__float__")
