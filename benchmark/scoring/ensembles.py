"""Several candidates as one: soft voting over the emotions that each covers, from what they answered already.

p(e) is the mean of the probabilities of e over those members that cover e and could process the clip, divided by the
sum over all emotions. A member has no say in what it has no name for: its silence is no vote against it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmark.scoring.answers import Answers

_SEED = 20_260_301
FEWEST_MEMBERS = 2


@dataclass(frozen=True, eq=False, kw_only=True)
class CrossFitted:
    """An ensemble that was chosen on one half of the speakers and answers the other, both ways.

    Attributes:
        answers: To each clip, of the ensemble that was chosen without its speaker.
        members: The places of the members for the first and for the second half of the speakers.
    """

    answers: Answers
    members: tuple[tuple[int, ...], tuple[int, ...]]


def soft_vote(members: Sequence[Answers]) -> Answers:
    """Let candidates answer together.

    Args:
        members: What each answered to the same clips.

    Returns:
        Their common answers, over all classes that any of them has; a clip that none of them could process has none.

    Examples:
        >>> def said(classes: tuple[str, ...], *chances: float) -> Answers:
        ...     return Answers(probabilities=np.array([chances]), classes=classes, truth=("fear",), speakers=(None,),
        ...         labelled=True)
        >>> both = soft_vote([said(("anger", "fear"), 0.4, 0.6), said(("anger", "sadness"), 0.6, 0.4)])
        >>> both.classes, both.probabilities.round(3).tolist()
        (('anger', 'fear', 'sadness'), [[0.333, 0.4, 0.267]])
    """
    classes = _all_classes(members)
    votes = [_Votes.of(member, classes) for member in members]
    return replace(
        members[0],
        classes=classes,
        probabilities=_mean(
            np.add.reduce([vote.mass for vote in votes]), np.add.reduce([vote.voices for vote in votes])
        ),
        missing=max(member.missing for member in members),
    )


def best_members(candidates: Sequence[Answers], size: int, clips: NDArray[np.bool_]) -> tuple[int, ...]:
    """Choose the members of an ensemble one by one, each time the one with which the open UAR is highest.

    Args:
        candidates: What each answered to the same clips.
        size: How many to choose, no more than there are.
        clips: Which clips to choose on, shape (clips,); those without an emotion do not count.

    Returns:
        Places in `candidates`, in the order in which they were chosen; of equals the first.
    """
    classes = _all_classes(candidates)
    used = clips & candidates[0].scored
    truth = _truth(candidates[0], classes, used)
    votes = [_Votes.of(candidate, classes, used) for candidate in candidates]
    mass, voices = np.zeros_like(votes[0].mass), np.zeros_like(votes[0].voices)
    chosen: list[int] = []
    for _ in range(size):
        scores = {
            place: _uar(truth, _mean(mass + vote.mass, voices + vote.voices))
            for place, vote in enumerate(votes)
            if place not in chosen
        }
        best = max(scores, key=lambda place: scores[place])
        chosen.append(best)
        mass, voices = mass + votes[best].mass, voices + votes[best].voices
    return tuple(chosen)


def cross_fitted(candidates: Sequence[Answers], size: int) -> CrossFitted | None:
    """Choose an ensemble on one half of the speakers and let it answer the other half, both ways.

    The speakers of the scored clips are divided at random, always the same way.

    Args:
        candidates: What each answered to the same clips; at least `size`.
        size: The number of members.

    Returns:
        None where the speaker of a scored clip is unknown, or there are fewer than two speakers.
    """
    first = first_half(candidates[0])
    if first is None:
        return None
    # Whom the first half answers must not depend on what the first half says.
    for_first = best_members(candidates, size, ~first)
    for_second = best_members(candidates, size, first)
    votes = [soft_vote([candidates[place] for place in members]) for members in (for_first, for_second)]
    classes = _all_classes(votes)
    spread = [_spread(vote, classes) for vote in votes]
    answers = replace(votes[0], classes=classes, probabilities=np.where(first[:, None], spread[0], spread[1]))
    return CrossFitted(answers=answers, members=(for_first, for_second))


def first_half(answers: Answers) -> NDArray[np.bool_] | None:
    """Whether each clip's speaker is in the first half; None where that cannot be said of a scored clip."""
    scored = [speaker for speaker, counts in zip(answers.speakers, answers.scored, strict=True) if counts]
    known = sorted({speaker for speaker in scored if speaker is not None})
    if None in scored or len(known) < 2:  # noqa: PLR2004  (two halves)
        return None
    order = np.random.default_rng(_SEED).permutation(len(known))
    half = {known[place] for place in order[: len(known) // 2]}
    return np.array([speaker in half for speaker in answers.speakers], dtype=np.bool_)


@dataclass(frozen=True, eq=False)
class _Votes:
    mass: NDArray[np.float64]
    voices: NDArray[np.float64]

    @classmethod
    def of(cls, answers: Answers, classes: tuple[str, ...], clips: NDArray[np.bool_] | None = None) -> "_Votes":
        which = np.ones(len(answers.truth), dtype=np.bool_) if clips is None else clips
        answered = answers.answered[which].reshape(-1, 1)
        covered = np.array([name in answers.classes for name in classes])
        mass = np.where(answered, np.nan_to_num(_spread(answers, classes)[which]), 0.0)
        return cls(mass, (answered & covered).astype(np.float64))


def _all_classes(members: Sequence[Answers]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for member in members for name in member.classes))


def _spread(answers: Answers, classes: tuple[str, ...]) -> NDArray[np.float64]:
    """The probabilities in the columns of `classes`; 0 where the candidate has no such class, NaN where no answer."""
    spread = np.zeros((len(answers.truth), len(classes)))
    spread[:, [classes.index(name) for name in answers.classes]] = answers.probabilities
    spread[~answers.answered] = np.nan
    return spread


def _mean(mass: NDArray[np.float64], voices: NDArray[np.float64]) -> NDArray[np.float64]:
    mean = np.divide(mass, voices, out=np.zeros_like(mass), where=voices > 0)
    total = mean.sum(axis=1, keepdims=True)
    shares: NDArray[np.float64] = np.divide(mean, total, out=np.full_like(mean, np.nan), where=total > 0)
    return shares


def _truth(answers: Answers, classes: tuple[str, ...], clips: NDArray[np.bool_]) -> NDArray[np.int64]:
    # An emotion that no candidate covers gets a number behind all classes: it counts, and is always missed.
    place = {name: index for index, name in enumerate(dict.fromkeys((*classes, *answers.emotions)))}
    emotions = (emotion for emotion, wanted in zip(answers.truth, clips, strict=True) if wanted)
    return np.array([place[emotion] for emotion in emotions if emotion is not None], dtype=np.int64)


def _uar(truth: NDArray[np.int64], probabilities: NDArray[np.float64]) -> float:
    answered = ~np.isnan(probabilities.sum(axis=1))
    hits = answered & (np.nan_to_num(probabilities).argmax(axis=1) == truth)
    clips = np.bincount(truth)
    occurs = clips > 0
    return float((np.bincount(truth[hits], minlength=len(clips))[occurs] / clips[occurs]).mean())
