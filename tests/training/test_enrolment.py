import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import benchmark
from benchmark.errors import RequestError
from benchmark.settings import Settings
from benchmark.training.enrolment import check_enrolment, enrolled_clips
from benchmark.training.features import FeatureTable
from benchmark.training.functionals import FunctionalsLearner
from benchmark.training.recipe import FunctionalsRecipe, load_recipe
from tests.support.recordings import Recordings, demo_recordings
from tests.support.training_clips import acted, training_clips


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Recordings:
    return demo_recordings(tmp_path_factory.mktemp("recordings"), speakers=4, emotions=("anger", "sadness"))


def test_clips_of_all_emotions_are_drawn_in_turn_and_half_of_each_stay() -> None:
    clips = acted(3, takes=4)
    drawn = enrolled_clips(clips, 4, seed=1)
    for group in range(3):
        own = drawn[clips.groups[drawn] == group]
        assert sorted(np.bincount(clips.labels[own]).tolist()) == [1, 1, 2]
    everything = enrolled_clips(clips, 100, seed=1)
    assert np.bincount(clips.labels[everything]).tolist() == [6, 6, 6]
    neutral = enrolled_clips(clips, 1, seed=1, emotion="neutral")
    assert [clips.classes[label] for label in clips.labels[neutral]] == ["neutral"] * 3
    assert drawn.tolist() == enrolled_clips(clips, 4, seed=1).tolist()
    assert drawn.tolist() != enrolled_clips(clips, 4, seed=2).tolist()


def test_what_is_constant_of_a_speaker_has_no_effect_on_centred_answers(recordings: Recordings, tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    job = replace(recordings.job(1), enrolled=np.arange(recordings.labels.size)[::2])
    voices = random.normal(size=(4, 640)) * 10
    plain = random.normal(size=(recordings.labels.size, 640)) + recordings.labels[:, None]
    answers = []
    for name, vectors in (("plain", plain), ("shifted", plain + voices[recordings.speakers])):
        folder = tmp_path / name
        folder.mkdir()
        np.save(folder / "functionals.npy", vectors.astype(np.float32))
        learner = FunctionalsLearner(recordings.clips, FunctionalsRecipe(), folder)
        answers.append((learner.fit(job).probabilities, learner.fit(recordings.job(1)).probabilities))
    np.testing.assert_allclose(answers[0][0], answers[1][0], atol=1e-4)
    assert np.abs(answers[0][1] - answers[1][1]).max() > 0.01


def test_states_of_an_encoder_are_centred_by_speaker(recordings: Recordings, tmp_path: Path) -> None:
    count = recordings.labels.size
    states = np.random.default_rng(1).normal(size=(2 * count, 3, 5)).astype(np.float32)
    path = tmp_path / "states"
    states.tofile(path)
    table = FeatureTable(
        path=path,
        shape=(2 * count, 3, 5),
        clips=np.tile(np.arange(count), 2),
        copies=np.repeat([0, 1], count),
        samples=np.ones(2 * count, np.int64),
        usable=np.ones(3, np.bool_),
        parameters=1,
    )
    job = replace(recordings.job(1), enrolled=np.flatnonzero(recordings.speakers != 1)[::2])
    rows, weights = np.arange(2 * count), np.array([0.5, 0.0, 0.5])
    expected = states.astype(np.float64)
    for speaker in (0, 2, 3):
        mean = states[[clip for clip in job.enrolled if recordings.speakers[clip] == speaker]].mean(axis=0)
        expected[np.tile(recordings.speakers == speaker, 2)] -= mean
    np.testing.assert_allclose(table.centred(job).summed(rows, weights), expected[:, [0, 2]].mean(axis=1), atol=1e-6)
    assert table.centred(recordings.job(1)) is table


def test_both_kinds_of_enrolment_stand_beside_the_score_on_the_same_clips(tmp_path: Path) -> None:
    outcome = benchmark.train(
        "demo:", recipe="functionals", folds="2", enrol=3, output=tmp_path / "mine", settings=Settings(cache=tmp_path)
    )
    balanced, neutral = outcome.record.enrolled
    assert (balanced.emotions, balanced.clips_per_speaker) == ("all emotions", 3)
    assert (neutral.emotions, neutral.clips_per_speaker) == ("neutral", 1)
    assert balanced.plain.clips == balanced.normalised.clips == 112 - 3 * 8
    assert neutral.plain.clips == 112 - 8
    assert balanced.plain.uar != balanced.normalised.uar
    report = (tmp_path / "mine" / "training.md").read_text()
    assert "## With clips of each speaker beforehand" in report
    assert "| 3 clips, all emotions" in report
    stored = json.loads((tmp_path / "mine" / "training.json").read_text())
    assert stored["enrolled"][0]["normalised"]["uar"] == balanced.normalised.uar


def test_what_cannot_be_normalised_is_refused() -> None:
    functionals = load_recipe("functionals")
    with pytest.raises(RequestError, match="linear models"):
        check_enrolment(load_recipe("cnn"), acted(3))
    with pytest.raises(RequestError, match="the speaker of every clip"):
        check_enrolment(functionals, training_clips(["anger", "fear"], ["a", None]))
    with pytest.raises(RequestError, match="speaker 03 has one of each"):
        check_enrolment(
            functionals, training_clips(["anger", "anger", "fear", "anger", "fear"], ["01", "01", "01", "03", "03"])
        )
    check_enrolment(load_recipe("ensemble"), acted(3))
