from dataclasses import replace

import pytest

from benchmark.scoring.flags import FLAG_MEANINGS, Flag, RowFacts, row_flags

GOOD = RowFacts(
    complete=True,
    readable_clips=80,
    emotion_clips=(40, 40),
    speakers=8,
    collapsed=False,
    narrow=False,
    seen=False,
    repaired=False,
    loose_map=False,
    multi_label=False,
    failed_clips=0,
    limited=False,
    synthetic=False,
)


def test_a_row_without_faults_has_no_flags() -> None:
    assert row_flags(GOOD) == ()


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (replace(GOOD, complete=False), Flag.INCOMPLETE),
        (replace(GOOD, emotion_clips=()), Flag.NO_LABELS),
        (replace(GOOD, readable_clips=0, emotion_clips=()), Flag.NO_CLIPS),
        (replace(GOOD, emotion_clips=(80,)), Flag.ONE_EMOTION),
        (replace(GOOD, collapsed=True), Flag.COLLAPSED),
        (replace(GOOD, narrow=True), Flag.NARROW),
        (replace(GOOD, seen=True), Flag.SEEN),
        (replace(GOOD, repaired=True), Flag.REPAIRED),
        (replace(GOOD, loose_map=True), Flag.LOOSE_MAP),
        (replace(GOOD, multi_label=True), Flag.MULTI_LABEL),
        (replace(GOOD, failed_clips=1), Flag.FAILED_CLIPS),
        (replace(GOOD, emotion_clips=(40, 9)), Flag.FEW_CLIPS),
        (replace(GOOD, speakers=5), Flag.FEW_SPEAKERS),
        (replace(GOOD, speakers=None), Flag.FEW_SPEAKERS),
        (replace(GOOD, limited=True), Flag.LIMIT),
        (replace(GOOD, synthetic=True), Flag.SYNTHETIC),
        (replace(GOOD, duplicate_clips=1), Flag.DUPLICATES),
        (replace(GOOD, text_tie=0.3), Flag.TEXT_TIED),
        (replace(GOOD, speaker_tie=0.3), Flag.SPEAKER_TIED),
        (replace(GOOD, fixed_window=True), Flag.FIXED_WINDOW),
        (replace(GOOD, suspicions=frozenset({Flag.AT_CHANCE})), Flag.AT_CHANCE),
    ],
)
def test_each_fact_raises_its_own_flag_and_no_other(facts: RowFacts, expected: Flag) -> None:
    assert row_flags(facts) == (expected,)


def test_thresholds_are_not_crossed_at_ten_clips_and_six_speakers() -> None:
    assert row_flags(replace(GOOD, emotion_clips=(10, 10), speakers=6)) == ()


def test_clips_without_labels_are_not_blamed_for_few_speakers() -> None:
    assert row_flags(replace(GOOD, emotion_clips=(), speakers=None)) == (Flag.NO_LABELS,)


def test_every_flag_is_explained_in_a_sentence() -> None:
    assert set(FLAG_MEANINGS) == {flag.value for flag in Flag}
    assert all(meaning.endswith(".") and len(meaning) > 20 for meaning in FLAG_MEANINGS.values())
