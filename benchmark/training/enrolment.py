"""Per-speaker normalisation: what a few clips of each speaker, known beforehand, would add to the score.

The mean vector of a speaker's enrolled clips is subtracted from all of the speaker's vectors, in training and in test.
Enrolled clips of test speakers are not scored. The candidate itself is not normalised: it answers single recordings.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from benchmark.errors import RequestError
from benchmark.progress import Progress
from benchmark.results.training_record import EnrolledScore
from benchmark.scoring.out_of_fold import score_out_of_fold
from benchmark.training.cross_validation import CrossValidated
from benchmark.training.fitting import FitWorkers, Task
from benchmark.training.jobs import FitResult
from benchmark.training.recipe import FunctionalsRecipe, ProbeRecipe, Recipe, parts_of
from benchmark.training.training_clips import Indices, TrainingClips

_NEUTRAL = "neutral"


def check_enrolment(recipe: Recipe, clips: TrainingClips) -> None:
    """Refuse what cannot be normalised by speaker, before hours of work.

    Raises:
        RequestError: No part of the recipe is linear, a clip has no speaker, or a speaker has too few clips.
    """
    if not any(isinstance(part, FunctionalsRecipe | ProbeRecipe) for part in parts_of(recipe)):
        raise RequestError(
            "--enrol normalises the vectors of linear models: use it with the recipe functionals, probe, best-layer "
            "or an ensemble with one of them."
        )
    if None in clips.speakers:
        raise RequestError("--enrol needs the speaker of every clip: add a column `speaker`, or leave it out.")
    enrolled = clips.groups[enrolled_clips(clips, 1, seed=0)]
    missing = np.setdiff1d(clips.groups, enrolled)
    if missing.size:
        name = clips.speakers[int(np.flatnonzero(clips.groups == missing[0])[0])]
        raise RequestError(
            f"--enrol takes at most half of a speaker's clips of an emotion, and speaker {name} has one of each: "
            "leave it out, or add clips."
        )


def enrolled_clips(clips: TrainingClips, count: int, *, seed: int, emotion: str | None = None) -> Indices:
    """Draw up to `count` clips of each speaker: of all emotions in turn, or of one emotion.

    At most half of a speaker's clips of an emotion are taken, so that it can still be scored.
    """
    random = np.random.default_rng(seed)
    chosen: list[Indices] = []
    for group in np.unique(clips.groups):
        own = random.permutation(np.flatnonzero(clips.groups == group))
        turns: list[tuple[int, int]] = []
        for label in random.permutation(len(clips.classes)):
            of_label = own[clips.labels[own] == label]
            if emotion in {None, clips.classes[label]}:
                turns += [(turn, int(clip)) for turn, clip in enumerate(of_label[: of_label.size // 2])]
        turns.sort(key=lambda item: item[0])
        chosen.append(np.array([clip for _, clip in turns[:count]], np.int64))
    return np.sort(np.concatenate(chosen))


def score_enrolled(
    validated: CrossValidated, count: int, workers: FitWorkers, progress: Progress
) -> tuple[EnrolledScore, ...]:
    """Cross-validate the first seed again with clips of all emotions, and with neutral clips only."""
    clips, seed = validated.plan.clips, validated.plan.seeds[0]
    enrolled = {
        "all emotions": enrolled_clips(clips, count, seed=seed),
        _NEUTRAL: enrolled_clips(clips, count, seed=seed, emotion=_NEUTRAL),
    }
    if np.unique(clips.groups[enrolled[_NEUTRAL]]).size < np.unique(clips.groups).size:
        del enrolled[_NEUTRAL]
        progress.note("Not each speaker has two neutral clips: --enrol is measured with clips of all emotions only.")
    tasks = {kind: _tasks(validated, kind, chosen) for kind, chosen in enrolled.items()}
    results = {
        task.name: result for task, result in workers.fit([task for own in tasks.values() for task in own], progress)
    }
    return tuple(
        _score(validated, kind, enrolled[kind], [(task, results[task.name]) for task in own])
        for kind, own in tasks.items()
        if all(results[task.name].is_finite for task in own)
    )


def _tasks(validated: CrossValidated, kind: str, enrolled: Indices) -> list[Task]:
    return [
        Task(
            name=f"{task.name}, enrolled with {kind}",
            job=replace(task.job, test=np.setdiff1d(task.job.test, enrolled), enrolled=enrolled),
        )
        for task in validated.plan.tasks(validated.plan.seeds[0])
    ]


def _score(
    validated: CrossValidated, kind: str, enrolled: Indices, fitted: Sequence[tuple[Task, FitResult]]
) -> EnrolledScore:
    """Score normalised answers, and those of the cross-validation on the same clips."""
    clips = validated.plan.clips
    tested = np.concatenate([task.job.test for task, _ in fitted])
    folds = [number for number, (task, _) in enumerate(fitted, 1) for _ in task.job.test]
    plain = validated.probabilities(validated.plan.seeds[0])[tested]
    normalised = np.concatenate([result.probabilities for _, result in fitted])
    per_speaker = enrolled.size / np.unique(clips.groups).size
    return EnrolledScore(
        emotions=kind,
        clips_per_speaker=per_speaker,
        normalised=score_out_of_fold(
            clips.out_of_fold(tested, folds, normalised),
            f"centred by clips of each speaker ({per_speaker:.3g}, {kind})",
        ),
        plain=score_out_of_fold(clips.out_of_fold(tested, folds, plain), "the same clips, not centred"),
    )
