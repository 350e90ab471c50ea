from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from pydantic import TypeAdapter
from scipy.stats import chi2_contingency

from benchmark.audio.measuring import Acoustics
from benchmark.results.corpus_description import ChangedCopy, CorpusDescription, KnownOutputs, Spread
from benchmark.results.runs import ClipRecord, CorpusRecord
from benchmark.scoring.corpus_description import CORPUS_FLAGS, association, coverage_of, describe, is_telephone
from benchmark.scoring.flags import TIED_FROM

SOUND = Acoustics(sampling_rate=16_000, channels=1, level_db=-26.0, clipped_share=0.0, bandwidth_hz=7_800.0)
CALL = Acoustics(sampling_rate=16_000, channels=2, level_db=-20.0, clipped_share=0.01, bandwidth_hz=3_700.0)
UNREADABLE = {"clip_hash": None, "duration_s": None, "failure": "The file is empty (0 bytes)."}


def clip(number: int, label: str | None = "angry", **fields: object) -> ClipRecord:
    content = {"clip": f"{number}.wav", "clip_hash": f"h{number}", "duration_s": float(number + 1), "label": label}
    return TypeAdapter(ClipRecord).validate_python(content | fields)


def described(
    clips: list[ClipRecord], sounds: list[Acoustics | None] | None = None, **fields: object
) -> CorpusDescription:
    corpus = CorpusRecord.model_validate(
        {"name": "ravdess", "source": "folder:c", "clips": clips, "available_clips": len(clips)} | fields
    )
    return describe(corpus, sounds or [SOUND] * len(clips), created=datetime(2026, 1, 1, tzinfo=UTC))


def test_labels_lead_to_emotions_and_contiguous_classes_after_merges() -> None:
    labels = ["neutral", "calm", "wütend", "x1", None, "분노"]
    description = described([clip(number, label) for number, label in enumerate(labels)], merge={"calm": "neutral"})
    assert {label.label: (label.emotion, label.index, label.clips) for label in description.labels} == {
        "wütend": ("anger", 0, 1),
        "분노": ("anger", 0, 1),
        "neutral": ("neutral", 1, 1),
        "calm": ("neutral", 1, 1),
        "x1": (None, None, 1),
    }
    assert (description.classes, description.unlabelled) == ({"anger": 2, "neutral": 2}, 1)
    assert "unmapped" in description.flags


def test_clips_are_counted_by_what_is_known_of_them() -> None:
    clips = [
        clip(0, speaker="10", sex="female", language="ko", speech_share=0.0),
        clip(1, speaker="9", sex="male", speech_share=0.5),
        clip(2, speech_share=0.5),
    ]
    description = described(clips)
    assert list(description.speakers.items()) == [("9", 1), ("10", 1), ("", 1)]
    assert description.sexes == {"female": 1, "male": 1, "": 1}
    assert description.languages == {"ko": 1, "": 2}
    assert description.duration_s == Spread(low=1.0, median=2.0, high=3.0)
    assert description.hours == pytest.approx(6 / 3600)
    assert (description.silent, "no-speech" in description.flags) == (1, True)
    assert description.speech_share == pytest.approx(0.5 * 5 / 6)


def test_unreadable_clips_are_listed_and_counted_nowhere_else() -> None:
    description = described([clip(0), clip(1, **UNREADABLE)], [SOUND, None])
    assert description.classes == {"anger": 1}
    assert description.clips[1].failure == "The file is empty (0 bytes)."
    assert "unreadable" in description.flags
    nothing = described([clip(0, **UNREADABLE)], [None])
    assert (nothing.duration_s, nothing.text_tie, nothing.classes) == (None, None, {})


def test_the_same_audio_is_found_and_a_contradiction_in_its_labels_too() -> None:
    description = described([clip(0, "angry"), clip(1, "sad", clip_hash="h0"), clip(2)])
    assert [group.clips for group in description.identical] == [("0.wav", "1.wav")]
    assert {"identical", "contradictory"} <= set(description.flags)
    same = described([clip(0, "angry"), clip(1, "angry", clip_hash="h0")])
    assert "contradictory" not in same.flags


def test_changed_copies_are_named_and_their_contradictions_found() -> None:
    clips = [clip(0, "angry", speaker="s1"), clip(1, "sad", speaker="s2"), clip(2)]
    corpus = CorpusRecord.model_validate({"name": "c", "source": "folder:c", "clips": clips, "available_clips": 3})
    created = datetime(2026, 1, 1, tzinfo=UTC)
    copies = [ChangedCopy(first="h0", second="h1", likeness=0.97)]
    description = describe(corpus, [SOUND] * 3, created=created, copies=copies)
    (pair,) = description.near_copies
    assert (pair.clips, pair.likeness, pair.labels, pair.speakers) == (
        ("0.wav", "1.wav"), 0.97, ("angry", "sad"), ("s1", "s2"),
    )  # fmt: skip
    assert {"near-copies", "contradictory"} <= set(description.flags)
    assert not {"near-copies", "identical"} & set(described(clips).flags)


def test_duration_and_level_that_give_the_label_away_are_flagged() -> None:
    clips = []
    for number, (label, level) in enumerate([("angry", -12.0), ("sad", -30.0)] * 50):
        quantities = {"duration_s": 2.0 + number % 3, "level_db": level + number % 5}
        clips.append(clip(number, label, speaker=f"s{number // 2 % 7}", **quantities))
    description = described(clips)
    assert {"level-tied", "silence-tells"} <= set(description.flags)
    assert "length-tied" not in description.flags
    assert description.silence_uar == pytest.approx(1.0)
    assert description.length_tie == pytest.approx(0.0, abs=0.2)
    quiet = described([replace(own, level_db=-20.0 + number // 2 % 7) for number, own in enumerate(clips)])
    assert not {"length-tied", "level-tied", "silence-tells"} & set(quiet.flags)


def test_a_telephones_band_saved_at_a_wider_rate_is_shown_as_such() -> None:
    description = described([clip(0), clip(1)], [SOUND, CALL])
    assert (description.telephone, description.clipped) == (1, 1)
    assert [is_telephone(clip) for clip in description.clips] == [False, True]
    assert {"telephone", "clipped"} <= set(description.flags)
    assert description.channels == {"1": 1, "2": 1}


def test_texts_and_speakers_that_give_the_label_away_are_flagged() -> None:
    clips = [
        clip(number, ["angry", "sad"][number % 2], text_id=f"t{number % 2}", speaker=f"s{number // 2 % 8}")
        for number in range(80)
    ]
    description = described(clips)
    assert (description.text_tie, description.speaker_tie) == (1.0, 0.0)
    assert "text-tied" in description.flags
    assert "speaker-tied" not in description.flags


def test_a_large_even_corpus_has_no_flags() -> None:
    clips = [
        clip(number, ["angry", "sad", "calm"][number % 3], speaker=f"s{number // 3 % 10}", speech_share=0.8)
        for number in range(120)
    ]
    assert described(clips).flags == ()
    assert all(meaning.endswith(".") for meaning in CORPUS_FLAGS.values())


def second_implementation(first: list[str], second: list[str]) -> float:
    """The bias-corrected V from pandas' cross table, as in Bergsma's paper."""
    table = pd.crosstab(pd.Series(first), pd.Series(second)).to_numpy()
    n, (r, k) = table.sum(), table.shape
    phi2 = chi2_contingency(table, correction=False).statistic / n
    phi2 = max(0, phi2 - (k - 1) * (r - 1) / (n - 1))
    rows, columns = r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1)
    return float(np.sqrt(phi2 / min(rows - 1, columns - 1)))


def drawn(seed: int, clips: int, tie: float) -> tuple[list[str], list[str]]:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 6, clips)
    texts: NDArray[np.int64] = np.where(random.random(clips) < tie, labels, random.integers(0, 9, clips))
    return [f"t{text}" for text in texts], [f"l{label}" for label in labels]


@pytest.mark.parametrize("tie", [0.0, 0.4])
def test_the_association_agrees_with_a_second_implementation(tie: float) -> None:
    texts, labels = drawn(0, 200, tie)
    assert association(texts, labels) == pytest.approx(second_implementation(texts, labels), abs=1e-12)
    assert association([*texts, None, "t1"], [*labels, "l1", None]) == association(texts, labels)


@pytest.mark.parametrize("values", [[], ["a"], ["a"] * 50, ["a", "b"]])
def test_values_that_do_not_vary_or_occur_once_are_not_tied_to_anything(values: list[str]) -> None:
    assert association(values, [f"l{number % 2}" for number in range(len(values))]) is None


def test_texts_that_occur_once_do_not_count() -> None:
    texts, labels = drawn(0, 200, 0.4)
    rare = [str(clip) for clip in range(200)]
    assert association(texts + rare, labels * 2) == pytest.approx(association(texts, labels))


def test_random_speakers_are_rarely_called_tied_and_half_tied_ones_always() -> None:
    free, tied = ([association(*drawn(seed, 120, tie)) or 0.0 for seed in range(40)] for tie in (0.0, 0.6))
    assert np.mean([value >= TIED_FROM for value in free]) <= 0.05
    assert np.mean([value >= TIED_FROM for value in tied]) >= 0.95


def test_ravdess_has_each_text_and_each_speaker_with_each_emotion(shared: Path) -> None:
    table = pd.read_csv(shared / "corpora" / "ravdess" / "metadata.csv", dtype=str)
    ties = [association(list(table[column]), list(table["emotion"])) for column in ("speaker", "text_id")]
    assert [tie is not None and tie < 0.05 for tie in ties] == [True, True]


@pytest.mark.parametrize(
    ("outputs", "trained_on", "expected"),
    [
        (("calm", "anger", None), ("ravdess",), (("anger", "neutral"), ("fear",), 0.8, "yes")),
        (("happiness",), ("tess",), ((), ("anger", "fear", "neutral"), 0.0, "no")),
        ((), None, ((), (), None, "unknown")),
    ],
)
def test_coverage_is_the_share_of_clips_after_merges(
    outputs: tuple[str | None, ...], trained_on: tuple[str, ...] | None, expected: tuple[object, ...]
) -> None:
    labels = ["neutral"] * 6 + ["anger"] * 2 + ["fear"] * 2
    corpus = described([clip(number, label) for number, label in enumerate(labels)], merge={"calm": "neutral"})
    known = KnownOutputs(candidate="a", known_from="registry", emotions=outputs, trained_on=trained_on)
    coverage = coverage_of(known, corpus)
    assert (coverage.covered, coverage.missing, coverage.coverage, coverage.seen) == expected
    assert coverage_of(known, described([clip(0, "x1")])).coverage is None
