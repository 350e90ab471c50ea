"""Runs fits in workers, several at once, and shows how far they are."""

import json
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from benchmark.errors import RequestError, UnavailableError
from benchmark.progress import Progress, Stage
from benchmark.settings import Settings
from benchmark.threads import DaemonPool
from benchmark.training.clips_file import ClipsFile
from benchmark.training.jobs import FitJob, FitResult
from benchmark.training.recipe import Recipe
from benchmark.workers.answers import Answer, Crashed, OutOfMemory, Raised, Returned
from benchmark.workers.process import Limits
from benchmark.workers.sharing import SharedWorkers
from benchmark.workers.worker import Worker

_ACTOR = "benchmark.training.actor:TrainingActor"
_REFRESH_S = 0.5
_NO_LIMIT_S = float("inf")
_KEPT = "finished fits are kept: add --resume to the same command"


@dataclass(frozen=True, kw_only=True)
class Task:
    """A fit with a name for the progress, such as `fold 2 of 5, seed 1`."""

    name: str
    job: FitJob


class FitWorkers:
    """The workers of a training, in a `with` block.

    Args:
        folder: A temporary folder in which the workers may write.
        encoder: The checkpoint of recipes that need one.
        at_once: Fits that run at once.
        threads: Threads of each.
    """

    def __init__(
        self,
        clips: ClipsFile,
        recipe: Recipe,
        folder: Path,
        settings: Settings,
        *,
        encoder: Path | None,
        at_once: int,
        threads: int,
    ) -> None:
        checkpoint = None if encoder is None else str(encoder)
        self._opened = (clips.plain(), recipe.model_dump(mode="json"), str(folder), checkpoint)
        self._folder, self._settings = folder, settings
        self._at_once, self._threads = at_once, threads
        self._opening = threading.Lock()
        self._workers = SharedWorkers(self._start, at_once)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._workers.close()

    def fit(self, tasks: Sequence[Task], progress: Progress) -> Iterator[tuple[Task, FitResult]]:
        """Run fits; gives each result as it comes.

        Raises:
            RequestError: A fit cannot be made from what was asked for.
            UnavailableError: A worker was lost twice, or has no memory left.
        """
        with (
            DaemonPool(min(self._at_once, max(len(tasks), 1)), "fit") as pool,
            progress.stage("Training", total=len(tasks), unit="fits") as stage,
        ):
            watch = _Watch(stage)
            running: dict[Future[FitResult], tuple[Task, Path]] = {}
            for number, task in enumerate(tasks):
                path = self._folder / f"progress-{id(tasks)}-{number}.jsonl"
                running[pool.submit(self._fit, task, path)] = task, path
            while running:
                finished, _ = wait(running, timeout=_REFRESH_S, return_when=FIRST_COMPLETED)
                for task, path in running.values():
                    watch.update(task, path)
                for future in finished:
                    task, path = running.pop(future)
                    result = future.result()
                    watch.finish(task, path)
                    yield task, result

    def _fit(self, task: Task, progress: Path) -> FitResult:
        job = replace(task.job, progress=str(progress))
        answer = self._call(job)
        if isinstance(answer, Crashed):
            answer = self._call(job)
        if isinstance(answer, Returned):
            return FitResult.from_plain(answer.value)
        if isinstance(answer, Raised) and answer.kind == RequestError.__name__:
            raise RequestError(answer.message)
        if isinstance(answer, OutOfMemory):
            raise UnavailableError(f"{task.name}: {answer.reason}; {_KEPT} with fewer --jobs, or a smaller batch_size.")
        raise UnavailableError(f"{task.name} failed: {answer.reason}; {_KEPT}.")

    def _call(self, job: FitJob) -> Answer:
        with self._workers.worker() as worker:
            if worker.pid is None:
                with self._opening:  # the first computes what the others then read
                    answer = worker.call("open", *self._opened, timeout_s=_NO_LIMIT_S)
                if not isinstance(answer, Returned):
                    worker.close()
                    return answer
            return worker.call("fit", job.plain(), timeout_s=_NO_LIMIT_S)

    def _start(self) -> Worker:
        return Worker(
            _ACTOR,
            log=self._settings.logs / "training.log",
            limits=Limits(threads=self._threads),
            writable=[self._folder],
        )


class _Watch:
    """Follows the progress files of fits."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._done: dict[str, float] = {}

    def update(self, task: Task, path: Path) -> None:
        """Show how far a fit is."""
        try:
            *_, last = path.read_text("utf-8").splitlines()
            line = json.loads(last)
        except (OSError, ValueError):  # none yet, or half a line
            return
        self._advance(task, line["epoch"] / line["of"])
        self._stage.describe(f"Training: {task.name}, epoch {line['epoch']} of {line['of']}, UAR {line['uar']:.2f}")

    def finish(self, task: Task, path: Path) -> None:
        """Count a fit as done."""
        self._advance(task, 1.0)
        path.unlink(missing_ok=True)

    def _advance(self, task: Task, share: float) -> None:
        before = self._done.get(task.name, 0.0)
        if share > before:
            self._done[task.name] = share
            self._stage.advance(share - before)
