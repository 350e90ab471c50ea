"""What raises a flag, and what confirms a repair."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from benchmark.results.leaderboard import CorpusSummary, LeaderboardRow
from benchmark.results.status import Status
from benchmark.results.verification import PublishedScore, Verification
from benchmark.scoring.collapse_and_diversity import diversity
from benchmark.scoring.flags import FLAG_MEANINGS, Flag, row_flags, with_confirmation
from benchmark.scoring.trained_on import Seen
from tests.scoring.conftest import Build, RunBuilder, evaluation_of

Flags = Callable[..., tuple[str, ...]]
CLIPS = ("anger", "fear") * 40
SPEAKERS = tuple(f"s{number // 10}" for number in range(80))


@pytest.fixture
def flags_of(hard_answers: Build) -> Flags:
    """The flags of a row without faults: 80 clips of 2 emotions by 8 speakers; keywords change one thing."""

    def flags(
        truth: Sequence[str | None] = CLIPS,
        speakers: Sequence[str | None] = SPEAKERS,
        verification: Mapping[str, object] = MappingProxyType({}),
        summary: Mapping[str, object] = MappingProxyType({}),
        evaluation: Mapping[str, Any] = MappingProxyType({}),
        variety: Mapping[str, Any] = MappingProxyType({}),
        suspicions: Collection[Flag] = (),
    ) -> tuple[str, ...]:
        hard = [label or CLIPS[clip] for clip, label in enumerate(truth)]
        answers = hard_answers(truth, hard, ["anger", "fear"], speakers[: len(truth)])
        counted = {name: truth.count(name) for name in answers.emotions}
        facts = {"name": "acted", "source": "", "synthetic": False, "clips": len(truth), "available_clips": len(truth),
                 "unreadable": (), "unscored_labels": {}, "emotion_clips": counted, "label_emotions": {},
                 "speakers": None, "hours": 1.0, "merge": {}}  # fmt: skip
        own = replace(evaluation_of("a", answers, **verification), **evaluation)
        varied = diversity(answers)
        varied = varied and replace(varied, **variety)
        return row_flags(own, CorpusSummary.model_validate({**facts, **summary}), varied, suspicions)

    return flags


def test_a_row_without_faults_has_no_flags(flags_of: Flags) -> None:
    assert flags_of() == ()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"truth": (None,) * 80}, Flag.NO_LABELS),
        ({"truth": ()}, Flag.NO_CLIPS),
        ({"truth": ("anger",) * 80}, Flag.ONE_EMOTION),
        ({"variety": {"collapsed": True}}, Flag.COLLAPSED),
        ({"variety": {"narrow": True}}, Flag.NARROW),
        ({"evaluation": {"seen": Seen.YES}}, Flag.SEEN),
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
        ({"verification": {"fixed_window": True}}, Flag.FIXED_WINDOW),
        ({"suspicions": {Flag.AT_CHANCE}}, Flag.AT_CHANCE),
    ],
)
def test_each_fact_raises_its_own_flag_and_no_other(flags_of: Flags, change: dict[str, Any], expected: Flag) -> None:
    assert flags_of(**change) == (expected,)


def test_missing_answers_and_failures_have_flags(hard_answers: Build, flags_of: Flags) -> None:
    half = hard_answers(CLIPS, ["anger"] * 80, ["anger", "fear"], SPEAKERS)
    assert flags_of(evaluation={"answers": replace(half, missing=1)}) == (Flag.INCOMPLETE,)
    failing = hard_answers(CLIPS, [None, *["anger"] * 79], ["anger", "fear"], SPEAKERS)
    assert flags_of(evaluation={"answers": failing}) == (Flag.FAILED_CLIPS,)


def test_thresholds_are_not_crossed_at_ten_clips_and_six_speakers_or_without_labels(flags_of: Flags) -> None:
    assert flags_of(truth=("anger", "fear") * 10, speakers=("s1", "s2", "s3", "s4", "s5", "s6") * 4) == ()
    assert flags_of(truth=(None,) * 80, speakers=(None,) * 80) == (Flag.NO_LABELS,)


def test_every_flag_is_explained_in_a_sentence() -> None:
    assert set(FLAG_MEANINGS) == {flag.value for flag in Flag}
    assert all(meaning.endswith(".") and len(meaning) > 20 for meaning in FLAG_MEANINGS.values())


ROW = LeaderboardRow(candidate="a", corpus="ravdess", uar=0.75, accuracy=0.80, flags=("repaired", "limit"))


def repaired(**published: Any) -> Verification:
    said = PublishedScore(**{"corpus": "RAVDESS", **published})
    return Verification(candidate="a", id="org/a", status=Status.REPAIRED, reason="rebuilt", published=said)


@pytest.mark.parametrize("published", [{"uar": 0.84}, {"uar": 0.66}, {"accuracy": 0.9}, {"uar": 0.75, "accuracy": 0.8}])
def test_a_score_within_a_tenth_confirms(published: dict[str, float]) -> None:
    row = with_confirmation(ROW, repaired(**published))
    assert row.flags == ("repaired", "repair-confirmed", "limit")
    assert "published" in row.flag_reasons["repair-confirmed"]


@pytest.mark.parametrize("published", [{"uar": 0.86}, {"accuracy": 0.95}, {"uar": 0.75, "accuracy": 0.95}])
def test_a_score_further_away_is_told_and_confirms_nothing(published: dict[str, float]) -> None:
    row = with_confirmation(ROW, repaired(**published))
    assert row.flags == ROW.flags
    assert row.flag_reasons["repaired"].endswith("not confirmed.")


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


def test_a_leaderboard_tells_whether_its_run_confirms_a_repair(run: RunBuilder) -> None:
    clips = [run.clip(f"{label}{index}", label=label) for label in ("anger", "sadness") for index in range(5)]
    corpus = run.corpus("ravdess", clips)
    said = PublishedScore(corpus="ravdess", accuracy=0.95)
    run.says(run.candidate("a", status=Status.REPAIRED, published=said), corpus, [clip.label for clip in corpus.clips])
    (row,) = run.score().rows
    assert "repair-confirmed" in row.flags
    assert row.flag_reasons["repair-confirmed"] == "accuracy 1.00 here and 0.95 published."
