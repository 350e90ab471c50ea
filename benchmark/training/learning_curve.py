"""The learning curve: what fewer speakers to train on would have given."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from benchmark.progress import Progress
from benchmark.results.training_record import LearningPoint
from benchmark.training.cross_validation import CrossValidation
from benchmark.training.fitting import FitWorkers, Task
from benchmark.training.jobs import mean_recall

_SHARES = (0.25, 0.5, 0.75)


def learning_curve(plan: CrossValidation, workers: FitWorkers, progress: Progress) -> tuple[LearningPoint, ...]:
    """Fit each fold of the first seed again on shares of its training speakers; the same clips are answered.

    A larger share holds the speakers of the smaller ones. A share that leaves a fold no clip of a class has no point.
    """
    tasks = {share: _tasks(plan, share) for share in _SHARES}
    possible = {share: own for share, own in tasks.items() if own}
    answers = {
        task.name: result.probabilities.argmax(axis=1)
        for task, result in workers.fit([task for own in possible.values() for task in own], progress)
        if result.is_finite
    }
    return tuple(_point(plan, own, answers) for own in possible.values() if all(task.name in answers for task in own))


def _point(plan: CrossValidation, tasks: list[Task], answers: dict[str, NDArray[np.int64]]) -> LearningPoint:
    clips = plan.clips
    tested = np.concatenate([task.job.test for task in tasks])
    predicted = np.concatenate([answers[task.name] for task in tasks])
    speakers = [np.unique(clips.groups[task.job.train]).size for task in tasks]
    return LearningPoint(speakers=round(float(np.mean(speakers))), uar=mean_recall(clips.labels[tested], predicted))


def _tasks(plan: CrossValidation, share: float) -> list[Task]:
    """The fits of all folds with a share of the speakers; none where a class is lost."""
    tasks = [
        Task(name=f"{task.name}, {share:.0%} of the speakers", job=replace(task.job, train=kept))
        for task in plan.tasks(plan.seeds[0])
        for kept in [_share_of(plan, task.job.train, share)]
    ]
    labels = plan.clips.labels
    complete = all(np.unique(labels[task.job.train]).size == len(plan.clips.classes) for task in tasks)
    return tasks if complete else []


def _share_of(plan: CrossValidation, train: NDArray[np.int64], share: float) -> NDArray[np.int64]:
    groups = plan.clips.groups[train]
    order = np.random.default_rng(plan.seeds[0]).permutation(np.unique(groups))
    return train[np.isin(groups, order[: max(1, round(share * order.size))])]
