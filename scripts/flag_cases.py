"""What is drawn to find out how often each flag is raised where it should be, and where it should not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, softmax

from benchmark.results.leaderboard import CorpusSummary
from benchmark.scoring.answers import Answers
from benchmark.scoring.collapse_and_diversity import diversity
from benchmark.scoring.corpus_description import association
from benchmark.scoring.decisions import Decisions, confusion_matrix, count_by_speaker
from benchmark.scoring.flags import TIED_FROM
from benchmark.scoring.guessing import SIGNIFICANCE, Gain, gain, p_of_best
from benchmark.scoring.intervals import uar_interval
from benchmark.scoring.metrics import accuracy
from benchmark.scoring.suspicion import label_permutation, too_good
from benchmark.scoring.twins import same_logits
from benchmark.scoring.uneven_speakers import published_splits, uneven_splits
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


SMALL = Design(name="60 clips, 6 speakers", speakers=6, emotions=5, clips=10)
SPARSE = Design(name="72 clips, 3 speakers", speakers=3, clips=24)
TINY = Design(name="24 clips, 2 emotions", speakers=4, emotions=2, clips=6)
TINIEST = Design(name="12 clips, 2 emotions", speakers=3, emotions=2, clips=4)
EIGHTY = Design(name="80 % one emotion", majority=0.8)


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
    return (
        *_chance_cases(),
        *_board_cases(),
        *_uneven_cases(),
        *_permuted_cases(),
        *_too_good_cases(),
        *_twin_cases(),
        *_tie_cases(),
        *_variety_cases(),
    )


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


def _gain(decisions: Decisions, corpus: Drawn) -> Gain:
    above = gain(decisions, corpus.speakers)
    if above is None:
        raise ValueError("a design needs two emotions")
    return above


def _at_chance(decisions: Decisions, corpus: Drawn, _: Design) -> bool:
    return _gain(decisions, corpus).at_chance


def _unshown(decisions: Decisions, corpus: Drawn, _: Design) -> bool:
    return not _gain(decisions, corpus).shown


def _cannot_tell(decisions: Decisions, corpus: Drawn, _: Design) -> bool:
    return _gain(decisions, corpus).cannot_tell


def _majority_like(decisions: Decisions, corpus: Drawn, _: Design) -> bool:
    return _gain(decisions, corpus).majority_like


def _always_the_first(_: np.random.Generator, corpus: Drawn, __: Design) -> NDArray[np.int64]:
    return np.zeros_like(corpus.truth)


def _own_habit(generator: np.random.Generator, corpus: Drawn, design: Design) -> NDArray[np.int64]:
    covered = design.covered or design.emotions
    return guessed_answers(generator, corpus, design, generator.dirichlet(np.ones(covered)))


def _skilled(recall: float) -> Answer:
    return lambda generator, corpus, design: skilled_answers(generator, corpus, design, recall=recall)


def _chance_cases() -> list[Case]:
    enough, small = (DESIGNS[0], DESIGNS[1], DESIGNS[3]), (*DESIGNS, SMALL)
    guessers = (
        ("always the most frequent emotion", _always_the_first),
        ("guesses evenly", guessed_answers),
        ("guesses by a habit", _own_habit),
    )
    cases = []
    for flag, judge, designs in (
        ("at-chance", _at_chance, enough),
        ("at-chance or cannot-tell", _unshown, small),
        ("majority-like", _majority_like, small),
    ):
        for who, answer in guessers:
            cases += _cases(flag, who, answer, judge, should=True, designs=designs)
        for recall in (0.7, 0.5):
            who = f"right for {100 * recall:.0f} % of what it covers"
            silent = small if flag == "at-chance" or recall > 0.5 else DESIGNS[:4]  # noqa: PLR2004
            cases += _cases(flag, who, _skilled(recall), judge, should=False, designs=silent)
    cases += _cases("cannot-tell", "guesses evenly", guessed_answers, _cannot_tell, should=True, designs=[TINIEST])
    return [
        *cases,
        *_cases("cannot-tell", "guesses evenly", guessed_answers, _cannot_tell, should=False, designs=enough),
    ]


def _board(skilled: int) -> Draw:
    """Ten candidates, some right for 30 %, the others guessing by habits: whether none is shown to beat guessing."""

    def draw(generator: np.random.Generator) -> bool:
        design = DESIGNS[0]
        corpus = draw_corpus(generator, design)
        answers = [
            (_skilled(0.3) if number < skilled else _own_habit)(generator, corpus, design) for number in range(10)
        ]
        best = p_of_best([_gain(decided(corpus, design, given), corpus) for given in answers])
        return best is not None and best > SIGNIFICANCE

    return draw


def _board_cases() -> list[Case]:
    return [
        Case(flag="nobody beats guessing", what=f"{what}; 10 speakers", should=not skilled, draw=_board(skilled))
        for what, skilled in (("ten candidates guess by habits", 0), ("nine guess by habits, one is right for 30 %", 1))
    ]


RAVDESS = tuple(f"Actor_{number:02}" for number in range(1, 25))
LAST_FOUR, SCATTERED = (20, 21, 22, 23), (3, 9, 11, 20)


def _uneven(held_out: Sequence[int], heard: float, unheard: float) -> Draw:
    """Eight candidates on 24 actors × 60 clips, one trained on all but these actors: whether it is suspected.

    Speakers, emotions of each speaker, and speakers for each candidate differ by SD 0.5 (logit).
    """

    def draw(generator: np.random.Generator) -> bool:
        candidates, speakers, emotions, clips = 8, len(RAVDESS), 6, 10
        ease = np.repeat(logit(generator.uniform(0.35, 0.7, size=(candidates, 1, 1))), speakers, axis=1)
        ease[0, :, 0] = logit(np.where(np.isin(np.arange(speakers), held_out), unheard, heard))
        for shape in ((1, speakers, 1), (1, speakers, emotions), (candidates, speakers, 1)):
            ease = ease + 0.5 * generator.normal(size=shape)
        accuracies = generator.binomial(clips, expit(ease)).mean(axis=2) / clips
        others = ~np.eye(candidates, dtype=np.bool_)
        return uneven_splits(accuracies, others, published_splits(RAVDESS, ["ravdess"]))[0] is not None

    return draw


def _uneven_cases() -> list[Case]:
    planned = [
        ("right for 90 % of actors 1 to 20, 44 % of the others", _uneven(LAST_FOUR, 0.9, 0.44), True),
        ("right for 55 % of all", _uneven((), 0.55, 0.55), False),
        ("right for 73 % of 20 actors of no usual set, else 44 %", _uneven(SCATTERED, 0.73, 0.44), False),
    ]
    return [
        Case(flag="uneven-speakers", what=f"{what}; 24 speakers", should=should, draw=draw)
        for what, draw, should in planned
    ]


def _is_permuted(decisions: Decisions, corpus: Drawn, design: Design) -> bool:
    return bool(label_permutation(decisions, corpus.speakers, design.covered_names))


def _is_permuted_unknown(decisions: Decisions, _: Drawn, design: Design) -> bool:
    return bool(label_permutation(decisions, [None] * len(decisions.truth), design.covered_names))


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
    # fmt: off
    return [
        *_cases(flag, "all labels moved, else right for 80 %", _renamed(0.8, None), _is_permuted, should=True),
        *_cases(flag, "two labels swapped, else right for 80 %", _renamed(0.8, 2), _is_permuted, should=True),
        *_cases(flag, "two labels swapped, else right for 80 %", _renamed(0.8, 2), _is_permuted, should=True,
                designs=[SMALL, SPARSE]),
        *_cases(flag, "the same, speakers unknown", _renamed(0.8, 2), _is_permuted_unknown, should=True),
        *_cases(flag, "two labels swapped, else right for 70 %", _renamed(0.7, 2), _is_permuted, should=True,
                designs=DESIGNS[:4]),
        *_cases(flag, "right for 35 %, speakers unknown", _skilled(0.35), _is_permuted_unknown, should=False),
        *_cases(flag, "guesses evenly", guessed_answers, _is_permuted, should=False, designs=[SMALL, SPARSE, TINY]),
        *_cases(flag, "right for 75 %", _skilled(0.75), _is_permuted, should=False),
        *_cases(flag, "right for 35 %", _skilled(0.35), _is_permuted, should=False),
        *_cases(flag, "guesses by a habit", _own_habit, _is_permuted, should=False),
        *_cases(flag, "calls most of one emotion another", _confuses, _is_permuted, should=False),
    ]
    # fmt: on


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
    uneven = Design(name="24 speakers, 60 % one emotion", speakers=24, clips=56, majority=0.6)
    small = Design(name="100 clips, 10 speakers", emotions=5, clips=10)
    six = Design(name="24 speakers, 6 emotions", speakers=24, clips=56, emotions=6)
    two = Design(name="24 speakers, 2 emotions", speakers=24, clips=56, emotions=2)
    planned = [
        *(("ravdess", 0.99, design, True) for design in (whole, few, six)),
        *(("ravdess", 0.75, design, False) for design in (whole, few, six)),
        ("my-ravdess", 0.9, whole, True),
        ("my-ravdess", 0.75, whole, False),
        ("another corpus", 0.995, whole, True),
        ("another corpus", 0.995, two, False),
        ("another corpus", 0.999999, small, True),
        ("another corpus", 0.999999, TINY, False),
        ("another corpus", 0.95, TINY, False),
        *(("another corpus", 0.9, design, False) for design in (whole, few, uneven, SMALL)),
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
                source=softmax(each, axis=1),
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
    cases = []
    for flag, values in (("text-tied", 10), ("speaker-tied", 4)):
        for design in (*DESIGNS[:3], SMALL):
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
        Answers(source=chances, classes=design.names, truth=truth, speakers=(None,) * len(truth))
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
        *_cases(
            "collapsed", "says the same to 98 % of the clips", _mostly(0.98), collapsed, should=True, designs=[EIGHTY]
        ),
        *_cases("collapsed", "right for 60 % of what it covers", _skilled(0.6), collapsed, should=False),
        *_cases(
            "collapsed", "right for 90 % of what it covers", _skilled(0.9), collapsed, should=False, designs=[EIGHTY]
        ),
        *_cases("narrow", "says the same to 99 % of clips without labels", _mostly(0.99), narrow, should=True),
        *_cases("narrow", "says the same to 85 % of clips without labels", _mostly(0.85), narrow, should=False),
    ]
