from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from benchmark.results.leaderboard import LeaderboardRow
from benchmark.results.status import Status
from benchmark.results.verification import PublishedScore, Verification
from benchmark.scoring.collapse_and_diversity import diversity
from benchmark.scoring.flags import FLAG_MEANINGS, Flag, length_reasons, row_flags, with_confirmation
from benchmark.scoring.trained_on import Seen
from tests.scoring.conftest import RunBuilder, clip_record, evaluation_of, hard_answers, summary_of

CLIPS = ("anger", "fear") * 40
SPEAKERS = tuple(f"s{number // 10}" for number in range(80))


def flags_of(
    truth: Sequence[str | None] = CLIPS,
    speakers: Sequence[str | None] = SPEAKERS,
    verification: Mapping[str, object] = MappingProxyType({}),
    summary: Mapping[str, object] = MappingProxyType({}),
    evaluation: Mapping[str, Any] = MappingProxyType({}),
    variety: Mapping[str, Any] = MappingProxyType({}),
    suspicions: Collection[Flag] = (),
) -> tuple[str, ...]:
    """The flags of a row without faults: 80 clips of 2 emotions by 8 speakers; keywords change one thing."""
    hard = [label or CLIPS[clip] for clip, label in enumerate(truth)]
    answers = hard_answers(truth, hard, ["anger", "fear"], speakers[: len(truth)])
    facts = summary_of(len(truth), {name: truth.count(name) for name in answers.emotions}, **summary)
    own = replace(evaluation_of("a", answers, **verification), **evaluation)
    varied = diversity(answers)
    varied = varied and replace(varied, **variety)
    return row_flags(own, facts, varied, suspicions)


HALF_RIGHT = hard_answers(CLIPS, ["anger"] * 80, ["anger", "fear"], SPEAKERS)
ONE_FAILURE = hard_answers(CLIPS, [None, *["anger"] * 79], ["anger", "fear"], SPEAKERS)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, None),
        ({"truth": ("anger", "fear") * 10, "speakers": ("s1", "s2", "s3", "s4", "s5", "s6") * 4}, None),
        ({"truth": (None,) * 80}, Flag.NO_LABELS),
        ({"truth": (None,) * 80, "speakers": (None,) * 80}, Flag.NO_LABELS),
        ({"evaluation": {"answers": replace(HALF_RIGHT, missing=1)}}, Flag.INCOMPLETE),
        ({"evaluation": {"answers": ONE_FAILURE}}, Flag.FAILED_CLIPS),
        ({"truth": ()}, Flag.NO_CLIPS),
        ({"truth": ("anger",) * 80}, Flag.ONE_EMOTION),
        ({"variety": {"collapsed": True}}, Flag.COLLAPSED),
        ({"variety": {"narrow": True}}, Flag.NARROW),
        ({"evaluation": {"seen": Seen.YES}}, Flag.SEEN),
        ({"evaluation": {"adapted": True}}, Flag.ADAPTED),
        ({"verification": {"status": Status.REPAIRED}}, Flag.REPAIRED),
        ({"evaluation": {"loose_map": True}}, Flag.LOOSE_MAP),
        ({"verification": {"multi_label": True}}, Flag.MULTI_LABEL),
        ({"truth": ("anger",) * 71 + ("fear",) * 9}, Flag.FEW_CLIPS),
        ({"speakers": ("s1", "s2", "s3", "s4", "s5") * 16}, Flag.FEW_SPEAKERS),
        ({"speakers": (None,) * 80}, Flag.FEW_SPEAKERS),
        ({"summary": {"available_clips": 81}}, Flag.LIMIT),
        ({"summary": {"synthetic": True}}, Flag.SYNTHETIC),
        ({"summary": {"duplicate_clips": 1}}, Flag.DUPLICATES),
        ({"summary": {"text_tie": 0.3}}, Flag.TEXT_TIED),
        ({"summary": {"speaker_tie": 0.3}}, Flag.SPEAKER_TIED),
        ({"summary": {"length_tie": 0.3}}, Flag.LENGTH_TIED),
        ({"summary": {"level_tie": 0.3}}, Flag.LEVEL_TIED),
        ({"summary": {"silence_uar": 0.6, "silence_uar_low": 0.51}}, Flag.SILENCE_TELLS),
        ({"summary": {"silence_uar": 0.6, "silence_uar_low": 0.5}}, None),
        ({"verification": {"fixed_window": True}}, Flag.FIXED_WINDOW),
        ({"suspicions": {Flag.AT_CHANCE}}, Flag.AT_CHANCE),
    ],
)
def test_a_fact_beyond_its_threshold_raises_its_flag_and_no_other(
    change: dict[str, Any], expected: Flag | None
) -> None:
    assert flags_of(**change) == (() if expected is None else (expected,))


@pytest.mark.parametrize(
    ("durations", "expected"),
    [
        ([3.0, 15.0] * 10, None),
        ([2.9, 16.0, *[5.0] * 18], None),
        ([2.9, 16.0, 16.0, *[5.0] * 17], "3 of 20 clips are shorter than 3 s or longer than 15 s"),
        ([2.0, None, None, None, None, None, None, None, None, None, None], "1 of 1 clips"),
        ([None], None),
    ],
)
def test_clips_beyond_the_lengths_of_training_are_flagged_from_a_tenth_on(
    durations: list[float | None], expected: str | None
) -> None:
    clips = [replace(clip_record(f"c{number}"), duration_s=duration) for number, duration in enumerate(durations)]
    reasons = length_reasons(repaired().model_copy(update={"trained_seconds": (3.0, 15.0)}), clips)
    assert reasons.keys() == (set() if expected is None else {Flag.OUTSIDE_LENGTH})
    assert expected is None or reasons[Flag.OUTSIDE_LENGTH].startswith(expected)
    assert length_reasons(repaired(), clips) == {}


def test_every_flag_is_explained_in_a_sentence() -> None:
    assert set(FLAG_MEANINGS) == {flag.value for flag in Flag}
    assert all(meaning.endswith(".") and len(meaning) > 20 for meaning in FLAG_MEANINGS.values())


ROW = LeaderboardRow(candidate="a", corpus="ravdess", uar=0.75, accuracy=0.80, flags=("repaired", "limit"))


def repaired(**published: Any) -> Verification:
    score = PublishedScore(**{"corpus": "RAVDESS", **published})
    return Verification(candidate="a", id="org/a", status=Status.REPAIRED, reason="rebuilt", published=score)


@pytest.mark.parametrize(
    ("published", "is_confirmed"),
    [
        ({"uar": 0.84}, True),
        ({"uar": 0.66}, True),
        ({"accuracy": 0.9}, True),
        ({"uar": 0.75, "accuracy": 0.8}, True),
        ({"uar": 0.86}, False),
        ({"accuracy": 0.95}, False),
        ({"uar": 0.75, "accuracy": 0.95}, False),
    ],
)
def test_published_scores_within_a_tenth_confirm_a_repair(published: dict[str, float], is_confirmed: bool) -> None:
    row = with_confirmation(ROW, repaired(**published))
    assert row.flags == (("repaired", "repair-confirmed", "limit") if is_confirmed else ROW.flags)
    assert row.flag_reasons["repair-confirmed" if is_confirmed else "repaired"].endswith(
        "published." if is_confirmed else "not confirmed."
    )


@pytest.mark.parametrize(
    ("row", "verification"),
    [
        ({}, {"published": PublishedScore(corpus="emodb", uar=0.75)}),
        ({}, {"status": Status.USABLE}),
        ({}, {"published": None}),
        ({"uar": float("nan")}, {}),
        ({"corpus": None}, {}),
    ],
)
def test_nothing_is_confirmed_where_nothing_is_published_on_this_corpus_or_nothing_was_rebuilt(
    row: dict[str, object], verification: dict[str, object]
) -> None:
    own = ROW.model_copy(update=row)
    assert with_confirmation(own, repaired(uar=0.75).model_copy(update=verification)) is own


def test_the_scores_of_a_run_confirm_a_repair(run: RunBuilder) -> None:
    clips = [clip_record(f"{label}{index}", label=label) for label in ("anger", "sadness") for index in range(5)]
    corpus = run.corpus("ravdess", clips)
    score = PublishedScore(corpus="ravdess", accuracy=0.95)
    run.add(run.candidate("a", status=Status.REPAIRED, published=score), corpus, [clip.label for clip in corpus.clips])
    (row,) = run.score().rows
    assert "repair-confirmed" in row.flags
    assert row.flag_reasons["repair-confirmed"] == "accuracy 1.00 here and 0.95 published."
