"""Metrics that the user brings: local modules in the form of the library `evaluate`, each in a worker of its own."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

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
        """Load a module in the form of `evaluate`, a file or its folder, which runs its code; returns its name."""
        import evaluate  # noqa: PLC0415 - takes ten seconds, for those who bring a metric

        self._module = evaluate.load(path, keep_in_memory=True)
        return str(self._module.name)

    def compute(self, truth: list[int], answers: list[int], names: list[str]) -> dict[str, float]:
        """Compute the metric; every result that is a single number, by name.

        Args:
            truth: The index in `names` of each clip's emotion.
            answers: The index of each answer.
            names: The emotions; a metric that takes text gets these.
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
    """One loaded metric, whose code runs in a worker; numbers under other names than its own get it as a prefix."""

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


@contextmanager
def user_metrics(paths: Sequence[str], settings: Settings, progress: Progress) -> Iterator[tuple[UserMetric, ...]]:
    """Load all metrics of a run, each in a worker that ends with the `with` block; one that fails later is noted.

    Args:
        paths: Files or folders, or the names of metrics that installed packages add.

    Raises:
        RequestError: One is not there, or is no module of `evaluate`.
    """
    files = [_metric_file(path) for path in paths]
    with ExitStack() as stack:
        workers = [stack.enter_context(Worker(_ACTOR, log=settings.logs / "metrics.log")) for _ in files]
        yield tuple(UserMetric(path, worker, settings, progress) for path, worker in zip(files, workers, strict=True))


def _metric_file(choice: str) -> Path:
    if Path(choice).exists():
        return Path(choice)
    if choice in plugin_names(Group.METRICS):
        return plugin_file(Group.METRICS, choice)
    raise RequestError(
        f"--metric {choice}: there is no such file or folder, and no installed package adds a metric of this name; "
        "metrics of the Hub are not run."
    )
