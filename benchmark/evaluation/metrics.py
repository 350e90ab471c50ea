"""Metrics that the user brings: local modules in the form of the library `evaluate`, each in a worker of its own."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmark.errors import RequestError
from benchmark.plugins import Group, plugin_file, plugin_names
from benchmark.progress import Progress
from benchmark.settings import Settings
from benchmark.workers.answers import Returned
from benchmark.workers.worker import Worker

_ACTOR = "benchmark.evaluation.metrics:MetricActor"


class MetricActor:
    """Holds one metric, in a worker: its code runs there, and `evaluate` is imported there only."""

    def __init__(self) -> None:
        self._module: Any = None

    def load(self, path: str) -> str:
        """Load a module in the form of the library `evaluate`, which runs its code.

        Args:
            path: Its Python file, or the folder that holds it.

        Returns:
            Its name.
        """
        import evaluate  # noqa: PLC0415 - takes ten seconds, for those who bring a metric

        self._module = evaluate.load(path, keep_in_memory=True)
        return str(self._module.name)

    def compute(self, truth: list[int], answers: list[int], names: list[str]) -> dict[str, float]:
        """Compute the metric.

        Args:
            truth: The index in `names` of each clip's emotion.
            answers: The index of each answer.
            names: The emotions; a metric that takes text gets these.

        Returns:
            Every result that is a single number, by name.
        """
        features = self._module.features
        features = features[0] if isinstance(features, list) else features
        if any(getattr(feature, "dtype", "") == "string" for feature in features.values()):
            result = self._module.compute(
                references=[names[index] for index in truth], predictions=[names[index] for index in answers]
            )
        else:
            result = self._module.compute(references=truth, predictions=answers)
        numbers = (result or {}).items()
        return {
            str(name): float(value)
            for name, value in numbers
            if getattr(value, "ndim", 0) == 0 and hasattr(value, "__float__")
        }


class UserMetric:
    """One loaded metric; its code runs in a worker.

    Attributes:
        name: Its own name, the prefix of the numbers that it returns under other names.
    """

    def __init__(self, path: Path, worker: Worker, settings: Settings, progress: Progress) -> None:
        self._worker = worker
        self._settings = settings
        self._progress = progress
        answer = worker.call("load", str(path.resolve()), timeout_s=settings.load_timeout_s)
        if not isinstance(answer, Returned):
            raise RequestError(
                f"--metric {path} cannot be loaded: {answer.reason} It must be a module of the library evaluate."
            )
        self.name = str(answer.value)

    def compute(self, truth: Sequence[int], answers: Sequence[int], names: Sequence[str]) -> Mapping[str, float | None]:
        """Compute it (see `MetricActor.compute`); where its code fails, note that, and return no number."""
        answer = self._worker.call(
            "compute", list(truth), list(answers), list(names), timeout_s=self._settings.load_timeout_s
        )
        if not isinstance(answer, Returned):
            self._progress.note(f"The metric {self.name} failed: {answer.reason}")
            return {self.name: None}
        if not answer.value:
            self._progress.note(f"The metric {self.name} gave no single number.")
        return {key if key == self.name else f"{self.name}.{key}": value for key, value in answer.value.items()}


class UserMetrics:
    """All metrics of a run; a context manager that ends their workers.

    Args:
        paths: Files or folders; a bare name may also be that of a metric which an installed package adds.

    Raises:
        RequestError: One is not there, or is no module of `evaluate`.
    """

    def __init__(self, paths: Sequence[str], settings: Settings, progress: Progress) -> None:
        files = [_metric_file(path) for path in paths]
        with ExitStack() as loading:
            metrics = []
            for path in files:
                worker = loading.enter_context(Worker(_ACTOR, log=settings.logs / "metrics.log"))
                metrics.append(UserMetric(path, worker, settings, progress))
            self._stack = loading.pop_all()
        self.metrics = tuple(metrics)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()


def _metric_file(choice: str) -> Path:
    if Path(choice).exists():
        return Path(choice)
    if choice in plugin_names(Group.METRICS):
        return plugin_file(Group.METRICS, choice)
    raise RequestError(
        f"--metric {choice}: there is no such file or folder, and no installed package adds a metric of this name; "
        "metrics of the Hub are not run."
    )
