from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter

from benchmark.audio.measuring import Acoustics
from benchmark.results.description import CorpusDescription, Spread
from benchmark.results.runs import ClipRecord, CorpusRecord
from benchmark.scoring.corpus_description import CORPUS_FLAGS, describe, is_telephone

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
