from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from pydantic import TypeAdapter
from scipy.stats import chi2_contingency

from benchmark.audio.measuring import Acoustics
from benchmark.results.description import CorpusDescription, KnownOutputs, Spread
from benchmark.results.runs import ClipRecord, CorpusRecord
from benchmark.scoring.corpus_description import (
    CORPUS_FLAGS,
    association,
    bias_corrected_cramers_v,
    coverage_of,
    describe,
    is_telephone,
)
from benchmark.scoring.flags import TIED_FROM

SOUND = Acoustics(sampling_rate=16_000, channels=1, level_db=-26.0, clipped_share=0.0, bandwidth_hz=7_800.0)


CALL = Acoustics(sampling_rate=16_000, channels=2, level_db=-20.0, clipped_share=0.01, bandwidth_hz=3_700.0)


def clip(number: int, label: str | None = "angry", **fields: object) -> ClipRecord:
    told = {"clip": f"{number}.wav", "clip_hash": f"h{number}", "duration_s": float(number + 1), "label": label}
    return TypeAdapter(ClipRecord).validate_python(told | fields)


def described(
    clips: list[ClipRecord], sounds: list[Acoustics | None] | None = None, **fields: object
) -> CorpusDescription:
    corpus = CorpusRecord.model_validate(
        {"name": "c", "source": "folder:c", "clips": clips, "available_clips": len(clips)} | fields
    )
    return describe(corpus, sounds or [SOUND] * len(clips), created=datetime(2026, 1, 1, tzinfo=UTC))


def test_labels_lead_to_emotions_and_contiguous_classes_after_merges() -> None:
    labels = ["neutral", "calm", "wütend", "x1", None, "분노"]
    found = described([clip(number, label) for number, label in enumerate(labels)], merge={"calm": "neutral"})
    assert {each.label: (each.emotion, each.index, each.clips) for each in found.labels} == {
        "wütend": ("anger", 0, 1),
        "분노": ("anger", 0, 1),
        "neutral": ("neutral", 1, 1),
        "calm": ("neutral", 1, 1),
        "x1": (None, None, 1),
    }
    assert found.classes == {"anger": 2, "neutral": 2}
    assert found.unlabelled == 1
    assert "unmapped" in found.flags


def test_clips_are_counted_by_what_is_known_of_them() -> None:
    known = {"speaker": "10", "sex": "female", "language": "ko"}
    found = described([clip(0, **known), clip(1, speaker="9", sex="male"), clip(2)])
    assert list(found.speakers.items()) == [("9", 1), ("10", 1), ("", 1)]
    assert found.sexes == {"female": 1, "male": 1, "": 1}
    assert found.languages == {"ko": 1, "": 2}
    assert found.duration_s == Spread(low=1.0, median=2.0, high=3.0)
    assert found.hours == pytest.approx(6 / 3600)


def test_what_cannot_be_read_is_listed_and_counted_nowhere_else() -> None:
    broken = clip(1, clip_hash=None, duration_s=None, failure="The file is empty (0 bytes).")
    found = described([clip(0), broken], [SOUND, None])
    assert found.classes == {"anger": 1}
    assert found.clips[1].failure == "The file is empty (0 bytes)."
    assert "unreadable" in found.flags


def test_the_same_audio_is_found_and_a_contradiction_in_its_labels_too() -> None:
    found = described([clip(0, "angry"), clip(1, "sad", clip_hash="h0"), clip(2)])
    assert [group.clips for group in found.identical] == [("0.wav", "1.wav")]
    assert {"identical", "contradictory"} <= set(found.flags)
    same = described([clip(0, "angry"), clip(1, "angry", clip_hash="h0")])
    assert "contradictory" not in same.flags


def test_a_telephones_band_saved_at_a_wider_rate_is_shown_as_such() -> None:
    found = described([clip(0), clip(1)], [SOUND, CALL])
    assert (found.telephone, found.clipped) == (1, 1)
    assert [is_telephone(each) for each in found.clips] == [False, True]
    assert {"telephone", "clipped"} <= set(found.flags)
    assert found.channels == {"1": 1, "2": 1}


def test_texts_and_speakers_that_give_the_label_away_are_flagged() -> None:
    clips = [
        clip(number, ["angry", "sad"][number % 2], text_id=f"t{number % 2}", speaker=f"s{number // 2 % 8}")
        for number in range(80)
    ]
    found = described(clips)
    assert found.text_tie == 1.0
    assert found.speaker_tie == 0.0
    assert "text-tied" in found.flags
    assert "speaker-tied" not in found.flags


def test_clips_without_speech_are_flagged() -> None:
    found = described([clip(9, speech_share=0.0), clip(9, speech_share=0.5)])
    assert (found.silent, found.speech_share) == (1, 0.25)
    assert "no-speech" in found.flags


def test_a_large_even_corpus_has_nothing_to_warn_of() -> None:
    clips = [
        clip(number, ["angry", "sad", "calm"][number % 3], speaker=f"s{number // 3 % 10}", speech_share=0.8)
        for number in range(120)
    ]
    assert described(clips).flags == ()


def test_every_flag_says_what_it_means() -> None:
    assert all(meaning.endswith(".") for meaning in CORPUS_FLAGS.values())


def test_an_empty_hearing_is_described_all_the_same() -> None:
    found = described([clip(0, clip_hash=None, duration_s=None, failure="gone")], [None])
    assert (found.duration_s, found.text_tie, found.classes) == (None, None, {})


def second_implementation(first: list[str], second: list[str]) -> float:
    """Compute the same from pandas' cross table and scipy's χ², in the way of Bergsma's paper."""
    table = pd.crosstab(pd.Series(first), pd.Series(second)).to_numpy()
    n, (r, k) = table.sum(), table.shape
    phi2 = chi2_contingency(table, correction=False).statistic / n
    phi2 = max(0, phi2 - (k - 1) * (r - 1) / (n - 1))
    rows, columns = r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1)
    return float(np.sqrt(phi2 / min(rows - 1, columns - 1)))


def drawn(random: np.random.Generator, clips: int, tie: float) -> tuple[list[str], list[str]]:
    labels = random.integers(0, 6, clips)
    texts: NDArray[np.int64] = np.where(random.random(clips) < tie, labels, random.integers(0, 9, clips))
    return [f"t{text}" for text in texts], [f"l{label}" for label in labels]


@pytest.mark.parametrize("tie", [0.0, 0.1, 0.4, 0.8])
@pytest.mark.parametrize("clips", [40, 200, 2000])
def test_it_agrees_with_a_second_implementation(tie: float, clips: int) -> None:
    for seed in range(5):
        texts, labels = drawn(np.random.default_rng(seed), clips, tie)
        assert bias_corrected_cramers_v(texts, labels) == pytest.approx(second_implementation(texts, labels), abs=1e-12)


@pytest.mark.parametrize("side", [[], ["a"], ["a"] * 50])
def test_one_value_cannot_be_tied_to_anything(side: list[str]) -> None:
    assert bias_corrected_cramers_v(side, ["x", "y"] * (len(side) // 2) + ["x"] * (len(side) % 2)) is None


def test_two_clips_say_nothing() -> None:
    assert bias_corrected_cramers_v(["a", "b"], ["x", "y"]) == 0.0


def test_texts_that_are_all_different_are_not_tied_to_anything() -> None:
    labels = ["anger", "fear", "joy"] * 40
    often, rare = [f"t{clip % 4}" for clip in range(120)], [str(clip) for clip in range(120)]
    assert association(often + rare, labels * 2) == pytest.approx(association(often, labels))


def test_clips_without_a_label_or_a_speaker_are_left_out() -> None:
    texts, labels = drawn(np.random.default_rng(1), 100, 0.5)
    assert association([*texts, None, "t1"], [*labels, "l1", None]) == pytest.approx(association(texts, labels))


def test_random_speakers_are_rarely_called_tied_and_half_tied_ones_always() -> None:
    free = [association(*drawn(np.random.default_rng(seed), 120, 0.0)) or 0.0 for seed in range(200)]
    tied = [association(*drawn(np.random.default_rng(seed), 120, 0.6)) or 0.0 for seed in range(200)]
    assert np.mean([value >= TIED_FROM for value in free]) <= 0.05
    assert np.mean([value >= TIED_FROM for value in tied]) >= 0.95


def test_ravdess_says_each_text_and_each_speaker_with_each_emotion(shared: Path) -> None:
    table = pd.read_csv(shared / "corpora" / "ravdess" / "metadata.csv", dtype=str)
    for column in ("speaker", "text_id"):
        tie = association(list(table[column]), list(table["emotion"]))
        assert tie is not None
        assert tie < 0.05


def corpus(**classes: int) -> CorpusDescription:
    fields = dict.fromkeys(
        ("selection", "duration_s", "level_db", "bandwidth_hz", "speech_share", "text_tie", "speaker_tie")
    )
    counts: dict[str, dict[str, int]] = {
        key: {} for key in ("speakers", "sexes", "languages", "sampling_rates", "channels")
    }
    numbers = dict.fromkeys(("available_clips", "unlabelled", "clipped", "telephone", "silent"), 0)
    return CorpusDescription.model_validate(
        {
            **fields,
            **counts,
            **numbers,
            "created": "2026-01-01T00:00:00Z",
            "name": "ravdess",
            "source": "",
            "synthetic": False,
            "channel": "mix",
            "clips": [],
            "hours": 0.0,
            "labels": [],
            "classes": classes,
            "merge": {"calm": "neutral"},
            "identical": [],
        }
    )


def test_coverage_is_the_share_of_clips_after_merges() -> None:
    known = KnownOutputs(candidate="a", known_from="registry", emotions=("calm", "anger", None))
    found = coverage_of(known, corpus(neutral=6, anger=2, fear=2))
    assert (found.covered, found.missing, found.coverage) == (("neutral", "anger"), ("fear",), 0.8)


def test_nothing_is_claimed_of_a_candidate_whose_outputs_nobody_knows() -> None:
    found = coverage_of(KnownOutputs(candidate="a", known_from="nothing"), corpus(anger=1))
    assert (found.covered, found.missing, found.coverage) == ((), (), None)


def test_a_corpus_without_emotions_has_no_coverage() -> None:
    known = KnownOutputs(candidate="a", known_from="registry", emotions=("anger",))
    assert coverage_of(known, corpus()).coverage is None


@pytest.mark.parametrize(("trained_on", "seen"), [(("ravdess",), "yes"), (("tess",), "no"), (None, "unknown")])
def test_whether_it_was_trained_on_the_corpus_is_told(trained_on: tuple[str, ...] | None, seen: str) -> None:
    known = KnownOutputs(candidate="a", known_from="registry", emotions=("anger",), trained_on=trained_on)
    assert coverage_of(known, corpus(anger=1)).seen == seen
