from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmark.audio.fingerprints import NearCopy, find_near_copies
from benchmark.demo.files import demo_clips
from benchmark.errors import RequestError
from benchmark.results.training_record import TrainingFinding
from benchmark.training.checks import check_classes, check_encoder, check_leaks, check_size, passed_checks
from benchmark.training.features import EncoderSource
from benchmark.training.folds import Allowed, make_folds
from tests.support.training_clips import acted, training_clips

COPY = (NearCopy(first=0, second=11, likeness=0.97),)


def test_a_balanced_corpus_of_many_speakers_raises_nothing() -> None:
    clips = acted(10)
    folds = make_folds(clips)
    assert check_classes(clips, folds) == []
    assert check_size(clips, 10) == []
    assert check_leaks(clips, folds) == []


def test_classes_of_very_different_sizes_are_reported() -> None:
    clips = training_clips((["anger"] * 6 + ["fear"]) * 4, [f"{n // 7}" for n in range(28)])
    (finding,) = check_classes(clips, make_folds(clips, "2"))
    assert finding.kind == "imbalance"
    assert "anger has 24 clips and fear 4" in finding.sentence


def test_a_class_of_fewer_speakers_than_folds_is_reported() -> None:
    clips = training_clips(["anger", "fear"] * 6 + ["joy"] * 4, [f"{n // 2}" for n in range(12)] + list("0112"))
    (finding,) = check_classes(clips, make_folds(clips, "4"))
    assert finding.kind == "few-speakers"
    assert "joy (3 speakers)" in finding.sentence


def test_fewer_clips_than_parameters_are_reported() -> None:
    (finding,) = check_size(acted(4), 5383)
    assert finding.kind == "few-clips"
    assert "24 clips are fewer than the 5,383 parameters" in finding.sentence


def test_only_what_was_ruled_out_is_named() -> None:
    leak = TrainingFinding(kind="leak", sentence="Two clips are copies.")
    assert passed_checks(acted(4), []) == (
        "no recording is in two folds, nor a changed copy of it",
        "no speaker is in two folds",
    )
    assert passed_checks(training_clips(["anger", "fear"]), []) == (
        "no recording is in two folds, nor a changed copy of it",
    )
    assert passed_checks(acted(4), [leak]) == ()


def test_identical_audio_of_two_speakers_is_an_error() -> None:
    # A speaker renamed: the same recordings under another name.
    clips = training_clips(["anger", "fear"] * 6, [f"{n // 2}" for n in range(12)], hashes=list("abcdefghijkb"))
    with pytest.raises(RequestError, match="clip 1 of speaker 0 and clip 11 of speaker 5 are the same recording"):
        check_leaks(clips, make_folds(clips, "2"))


def test_identical_audio_on_both_sides_of_folds_is_an_error_without_speakers() -> None:
    clips = training_clips(
        ["anger", "fear"] * 4, hashes=list("abcdabef"), attributes=[{"part": str(n // 4)} for n in range(8)]
    )
    with pytest.raises(RequestError, match="2 pairs of clips"):
        check_leaks(clips, make_folds(clips, "column:part"))
    # Folds that bench makes keep the copies together.
    assert check_leaks(clips, make_folds(clips, "2")) == []


def test_a_changed_copy_under_another_speaker_is_an_error_unless_it_is_allowed_by_name() -> None:
    clips = training_clips(["anger", "fear"] * 6, [f"{n // 2}" for n in range(12)])
    folds = make_folds(clips, "3")
    with pytest.raises(RequestError, match=r"clip 0 of speaker 0 and clip 11 of speaker 5 .*--allow near-copies"):
        check_leaks(clips, folds, COPY)
    assert {finding.kind for finding in check_leaks(clips, folds, COPY, [Allowed.NEAR_COPIES])} == {
        "leak",
        "contradicting-labels",
    }


def test_a_second_take_of_the_same_speaker_is_no_leak() -> None:
    clips = training_clips(["anger", "fear"] * 6, list("abbccddeefaa"))
    copy = (NearCopy(first=0, second=10, likeness=0.93),)
    assert check_leaks(clips, make_folds(clips, "3"), copy) == []


def test_copies_with_different_labels_are_reported() -> None:
    clips = training_clips(["anger", "fear"] * 4, list("aabbccdd"), hashes=list("xxbcdefg"))
    (finding,) = check_leaks(clips, make_folds(clips, "2"))
    assert finding.kind == "contradicting-labels"
    assert "clip 0 of speaker a and clip 1 of speaker a" in finding.sentence
    assert "(anger and fear)" in finding.sentence


def test_a_file_copied_with_another_gain_to_another_speaker_is_refused() -> None:
    recordings = list(demo_clips())[::4]
    waveforms = [np.asarray(clip.waveform().samples, np.float32) for clip in recordings]
    clips = training_clips(
        [clip.emotion or "" for clip in recordings] + [recordings[3].emotion or ""],
        [clip.speaker for clip in recordings] + ["new"],
    )
    folds = make_folds(clips, "2")
    assert check_leaks(clips, folds, find_near_copies([*waveforms, waveforms[0][::-1]])) == []
    planted = find_near_copies([*waveforms, waveforms[3] * np.float32(0.4)])
    with pytest.raises(RequestError, match=r"clip 3 of speaker .* and clip 28 of speaker new are the same recording"):
        check_leaks(clips, folds, planted)


def test_an_encoder_that_has_heard_the_corpus_is_refused_unless_allowed() -> None:
    heard = EncoderSource(id="org/model", revision="1", folder=Path(), trained_on=("RAVDESS",))
    with pytest.raises(RequestError, match=r"org/model was trained on ravdess, .* --allow seen-encoder"):
        check_encoder(heard, ["calls", "ravdess"], ())
    (finding,) = check_encoder(heard, ["ravdess"], ["seen-encoder"])
    assert finding.kind == "leak"
    assert check_encoder(heard, ["calls"], ()) == []
    (unknown,) = check_encoder(replace(heard, trained_on=None), ["calls"], ())
    assert "not declared" in unknown.sentence
