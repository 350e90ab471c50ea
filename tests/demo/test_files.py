from collections import Counter

import numpy as np

from benchmark.demo.files import checkpoints_path, demo_clips, registry_path
from benchmark.registry.loading import load_registry
from benchmark.results.status import Status


def test_the_registry_holds_one_candidate_of_every_kind() -> None:
    registry = load_registry(registry_path())

    assert {candidate.name: candidate.expect for candidate in registry.candidates} == {
        "wav2vec2-english": Status.USABLE,
        "hubert-german": Status.USABLE,
        "wavlm-korean": Status.USABLE,
        "ast-english-five": Status.USABLE,
        "wav2vec2-four": Status.USABLE,
        "hubert-always-neutral": Status.USABLE,
        "wav2vec2-foreign-head": Status.REPAIRED,
        "wav2vec2-dimensional": Status.DIMENSIONAL,
        "wav2vec2-ctc": Status.WRONG_TASK,
        "wavlm-encoder": Status.NO_HEAD,
        "gone": Status.NOT_FOUND,
    }
    assert {name: corpus.source for name, corpus in registry.corpora.items()} == {
        "demo": "demo:",
        "demo-unlabelled": "demo:unlabelled",
        "demo-long": "demo:long",
    }


def test_every_candidate_but_the_one_that_is_gone_has_its_folder_and_every_folder_its_candidate() -> None:
    folders = {candidate.local_path for candidate in load_registry(registry_path()).candidates}
    assert {path for path in folders if path is not None and path.is_dir()} == set(checkpoints_path().iterdir())
    assert checkpoints_path() / "gone" in folders


def test_all_of_it_is_small_enough_for_a_package_and_says_that_it_is_synthetic() -> None:
    demo = registry_path().parent
    assert sum(path.stat().st_size for path in demo.rglob("*") if path.is_file()) < 9_000_000
    for folder in (registry_path().parent, *checkpoints_path().iterdir()):
        text = (folder / "README.md").read_text(encoding="utf-8")
        assert "synthetic" in text
        assert "for use" in text


def test_seven_emotions_by_four_women_and_four_men_with_every_text_equally_often() -> None:
    clips = list(demo_clips())
    assert len({clip.name for clip in clips}) == len(clips) == 112
    assert set(Counter(clip.emotion for clip in clips).values()) == {16}
    assert set(Counter(clip.speaker for clip in clips).values()) == {14}
    assert Counter(clip.sex for clip in clips) == {"female": 56, "male": 56}
    pairs = Counter((clip.text_id, clip.emotion) for clip in clips)
    assert len(pairs) == 4 * 7
    assert set(pairs.values()) == {4}


def test_no_two_recordings_sound_the_same_and_all_clips_last_a_second_or_more() -> None:
    labelled = [clip.waveform() for clip in demo_clips()]
    unlabelled = [clip.waveform() for clip in demo_clips("unlabelled")]

    assert len({waveform.content_hash for waveform in labelled + unlabelled}) == 112 + 12
    durations = [waveform.duration_s for waveform in labelled]
    assert 1.0 <= min(durations) <= max(durations) <= 4.0
    assert 1.5 <= np.mean(durations) <= 2.5
    assert {waveform.sampling_rate for waveform in labelled} == {16_000}


def test_the_recordings_without_labels_are_of_two_speakers_and_the_long_one_of_a_third() -> None:
    assert [clip.name for clip in demo_clips("unlabelled")] == [
        f"{speaker}-{take}" for speaker in ("f5", "m5") for take in range(1, 7)
    ]
    (recording,) = demo_clips("long")
    assert (recording.name, recording.sex, recording.emotion) == ("f6-long", "female", None)
    assert 70 <= recording.waveform().duration_s <= 80
