"""What is drawn to find out how often each flag is raised where it should be, and where it should not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from benchmark.results.leaderboard import CorpusSummary
from benchmark.scoring.answers import Answers
from benchmark.scoring.collapse_and_diversity import diversity
from benchmark.scoring.corpus_description import association
from benchmark.scoring.decisions import Decisions, confusion_matrix, count_by_speaker
from benchmark.scoring.flags import TIED_FROM
from benchmark.scoring.intervals import uar_interval
from benchmark.scoring.metrics import accuracy
from benchmark.scoring.suspicion import chance, label_permutation, too_good
from benchmark.scoring.twins import same_logits
from scripts.simulated_corpora import (
    DESIGNS,
    Design,
    Drawn,
    decided,
    draw_corpus,
    guessed_answers,
    skilled_answers,
)

Draw = Callable[[np.random.Generator], bool]
Answer = Callable[[np.random.Generator, Drawn, Design], NDArray[np.int64]]
Judge = Callable[[Decisions, Drawn, Design], bool]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One thing that is drawn again and again.

    Attributes:
        flag: The flag in question.
        what: What is drawn, in words.
        should: Whether the flag should be raised.
        draw: Draws it, and tells whether the flag was raised.
    """

    flag: str
    what: str
    should: bool
    draw: Draw


def all_cases() -> tuple[Case, ...]:
    """List every case of every flag."""
    return (*_chance_cases(), *_permuted_cases(), *_too_good_cases(), *_twin_cases(), *_tie_cases(), *_variety_cases())


def _answered(answer: Answer, judge: Judge, design: Design) -> Draw:
    def draw(generator: np.random.Generator) -> bool:
        corpus = draw_corpus(generator, design)
        return judge(decided(corpus, design, answer(generator, corpus, design)), corpus, design)

    return draw


def _cases(
    flag: str, who: str, answer: Answer, judge: Judge, *, should: bool, designs: Sequence[Design] = DESIGNS
) -> list[Case]:
    return [
        Case(flag=flag, what=f"{who}; {design.name}", should=should, draw=_answered(answer, judge, design))
        for design in designs
    ]


def _at_chance(decisions: Decisions, corpus: Drawn, _: Design) -> bool:
    found = chance(decisions, corpus.speakers)
    return found is not None and found.at_chance


def _majority_like(decisions: Decisions, corpus: Drawn, _: Design) -> bool:
    found = chance(decisions, corpus.speakers)
    return found is not None and found.majority_like


def _always_the_first(_: np.random.Generator, corpus: Drawn, __: Design) -> NDArray[np.int64]:
    return np.zeros_like(corpus.truth)


def _own_habit(generator: np.random.Generator, corpus: Drawn, design: Design) -> NDArray[np.int64]:
    covered = design.covered or design.emotions
    return guessed_answers(generator, corpus, design, generator.dirichlet(np.ones(covered)))


def _skilled(recall: float) -> Answer:
    return lambda generator, corpus, design: skilled_answers(generator, corpus, design, recall=recall)


def _chance_cases() -> list[Case]:
    cases = []
    for flag, judge in (("at-chance", _at_chance), ("majority-like", _majority_like)):
        cases += _cases(flag, "always the most frequent emotion", _always_the_first, judge, should=True)
        cases += _cases(flag, "guesses evenly", guessed_answers, judge, should=True)
        cases += _cases(flag, "guesses by a habit", _own_habit, judge, should=True)
        cases += _cases(flag, "right for 70 % of what it covers", _skilled(0.7), judge, should=False)
        cases += _cases(
            flag, "right for 50 % of what it covers", _skilled(0.5), judge, should=False, designs=DESIGNS[:4]
        )
    return cases


def _is_permuted(decisions: Decisions, corpus: Drawn, design: Design) -> bool:
    return bool(label_permutation(decisions, corpus.speakers, design.covered_names))


def _renamed(recall: float, moved: int | None) -> Answer:
    """A skilled candidate whose first `moved` labels, or all, are handed on in a circle."""

    def answer(generator: np.random.Generator, corpus: Drawn, design: Design) -> NDArray[np.int64]:
        said = skilled_answers(generator, corpus, design, recall=recall)
        number = moved or design.covered or design.emotions
        return np.where(said < number, (said + 1) % number, said)

    return answer


def _confuses(generator: np.random.Generator, corpus: Drawn, design: Design) -> NDArray[np.int64]:
    """Skilled, and calls seven in ten clips of the second emotion the first."""
    said = skilled_answers(generator, corpus, design, recall=0.7)
    confused = (corpus.truth == 1) & (generator.random(len(said)) < 0.7)  # noqa: PLR2004 - as the docstring says
    return np.where(confused, 0, said)


def _permuted_cases() -> list[Case]:
    flag = "label-permuted"
    return [
        *_cases(flag, "all labels moved, else right for 80 %", _renamed(0.8, None), _is_permuted, should=True),
        *_cases(flag, "two labels swapped, else right for 80 %", _renamed(0.8, 2), _is_permuted, should=True),
        *_cases(flag, "right for 75 %", _skilled(0.75), _is_permuted, should=False),
        *_cases(flag, "right for 35 %", _skilled(0.35), _is_permuted, should=False),
        *_cases(flag, "guesses by a habit", _own_habit, _is_permuted, should=False),
        *_cases(flag, "calls most of one emotion another", _confuses, _is_permuted, should=False),
    ]


def _is_too_good(name: str) -> Judge:
    def judge(decisions: Decisions, corpus: Drawn, design: Design) -> bool:
        interval = uar_interval(confusion_matrix(decisions), count_by_speaker(decisions, corpus.speakers))
        numbers = np.bincount(corpus.truth, minlength=design.emotions).tolist()
        summary = _summary(name, dict(zip(design.names, numbers, strict=True)))
        return too_good(summary, None if interval is None else interval.low, accuracy(decisions)) is not None

    return judge


def _summary(name: str, emotion_clips: dict[str, int]) -> CorpusSummary:
    clips = sum(emotion_clips.values())
    return CorpusSummary(
        name=name, source="", synthetic=False, clips=clips, available_clips=clips, unreadable=(), unscored_labels={},
        emotion_clips=emotion_clips, label_emotions={}, speakers=None, hours=0.0, merge={},
    )  # fmt: skip


def _too_good_cases() -> list[Case]:
    whole, few = Design(name="24 speakers", speakers=24, clips=56), Design(name="4 speakers", speakers=4, clips=56)
    short = Design(name="60 clips, 6 speakers", speakers=6, emotions=5, clips=10)
    uneven = Design(name="24 speakers, 60 % one emotion", speakers=24, clips=56, majority=0.6)
    planned = [
        ("ravdess", 0.99, whole, True),
        ("ravdess", 0.99, few, True),
        ("ravdess", 0.75, whole, False),
        ("ravdess", 0.75, few, False),
        ("another corpus", 0.995, whole, True),
        ("another corpus", 0.999999, short, True),
        ("another corpus", 0.9, whole, False),
        ("another corpus", 0.9, few, False),
        ("another corpus", 0.9, uneven, False),
        ("another corpus", 0.9, short, False),
        ("tess", 0.999999, whole, False),
    ]
    return [
        Case(flag="too-good", what=f"right for {100 * recall:.3g} % on {name}; {design.name}", should=should,
             draw=_answered(_skilled(recall), _is_too_good(name), design))
        for name, recall, design, should in planned
    ]  # fmt: skip


def _twin(clips: int, noise: float, sure: float) -> Draw:
    """Two candidates whose logits differ by so much noise; `sure` raises that of an answer on which they agree."""

    def draw(generator: np.random.Generator) -> bool:
        logits = 3 * generator.normal(size=(clips, 6)) if not sure else np.zeros((clips, 6))
        logits[np.arange(clips), generator.integers(6, size=clips)] += sure
        both = [logits, logits + noise * generator.normal(size=logits.shape)]
        answers = [
            Answers(
                probabilities=softmax(each, axis=1),
                classes=tuple("abcdef"),
                truth=(None,) * clips,
                speakers=(None,) * clips,
            )
            for each in both
        ]
        return same_logits(*answers)

    return draw


def _twin_cases() -> list[Case]:
    planned = [
        ("one set of weights, logits 0.003 apart", 0.003, 0.0, True),
        ("one set of weights, logits 0.03 apart", 0.03, 0.0, True),
        ("trained further a little, logits 0.05 apart", 0.05, 0.0, False),
        ("different models, both sure of the same answers", 1.0, 15.0, False),
    ]
    return [
        Case(flag="near-twins", what=f"{what}; {clips:,} clips", should=should, draw=_twin(clips, noise, sure))
        for what, noise, sure, should in planned
        for clips in (1000, 100)
    ]


def _tied(design: Design, values: int, strength: float) -> Draw:
    """Texts, or speakers, of which each stands with an emotion of its own in so large a share of its clips."""

    def draw(generator: np.random.Generator) -> bool:
        corpus = draw_corpus(generator, design)
        value = generator.integers(values, size=len(corpus.truth))
        own = generator.permutation(values) % design.emotions
        emotion = np.where(generator.random(len(value)) < strength, own[value], corpus.truth)
        tie = association([f"v{each}" for each in value], [design.names[each] for each in emotion])
        return tie is not None and tie >= TIED_FROM

    return draw


def _tie_cases() -> list[Case]:
    small = Design(name="60 clips", speakers=6, emotions=5, clips=10)
    cases = []
    for flag, values in (("text-tied", 10), ("speaker-tied", 4)):
        for design in (*DESIGNS[:3], small):
            described = f"{values} {'texts' if flag == 'text-tied' else 'speakers'}; {design.name}"
            for strength, should in ((0.6, True), (0.0, False)):
                tie = "tied to an emotion in 60 %" if should else "not tied"
                cases.append(
                    Case(flag=flag, what=f"{tie}: {described}", should=should, draw=_tied(design, values, strength))
                )
    return cases


def _is_flat(decisions: Decisions, design: Design, *, labelled: bool) -> bool:
    chances = np.eye(design.emotions)[decisions.answers]
    truth = tuple(design.names[place] if labelled else None for place in decisions.truth)
    found = diversity(
        Answers(probabilities=chances, classes=design.names, truth=truth, speakers=(None,) * len(truth))
    )  # fmt: skip
    return found is not None and bool(found.collapsed if labelled else found.narrow)


def _mostly(share: float) -> Answer:
    def answer(generator: np.random.Generator, corpus: Drawn, design: Design) -> NDArray[np.int64]:
        return np.where(
            generator.random(len(corpus.truth)) < share, 0, guessed_answers(generator, corpus, design)
        ).astype(np.int64)

    return answer


def _variety_cases() -> list[Case]:
    def collapsed(decisions: Decisions, _: Drawn, design: Design) -> bool:
        return _is_flat(decisions, design, labelled=True)

    def narrow(decisions: Decisions, _: Drawn, design: Design) -> bool:
        return _is_flat(decisions, design, labelled=False)

    return [
        *_cases("collapsed", "says the same to 96 % of the clips", _mostly(0.96), collapsed, should=True),
        *_cases("collapsed", "right for 60 % of what it covers", _skilled(0.6), collapsed, should=False),
        *_cases("narrow", "says the same to 99 % of clips without labels", _mostly(0.99), narrow, should=True),
        *_cases("narrow", "says the same to 85 % of clips without labels", _mostly(0.85), narrow, should=False),
    ]
