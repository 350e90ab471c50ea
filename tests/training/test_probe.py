import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmark.demo.files import checkpoints_path
from benchmark.progress import Silent
from benchmark.settings import Settings
from benchmark.training.features import EncoderSource, FeatureTable, FeatureWriter
from benchmark.training.probe import ProbeLearner
from benchmark.training.recipe import ProbeRecipe, Weighting, load_recipe
from tests.support.recordings import Recordings, demo_recordings
from tests.support.tiny_models import write_tiny

SAVED = {"config.json", "model.safetensors", "preprocessor_config.json"}
WINDOW_OF_AST = 2.56 * 16_000
EMOTIONS = ("anger", "happiness", "neutral", "sadness")
WITHOUT_BENCH = """
import json, sys
import numpy as np
import torch
from transformers import AutoFeatureExtractor, AutoModelForAudioClassification
samples, lengths, *folders = sys.argv[1:]
clips = np.split(np.fromfile(samples, np.float32), np.cumsum(json.loads(lengths))[:-1])
for folder in folders:
    model, info = AutoModelForAudioClassification.from_pretrained(folder, output_loading_info=True)
    extractor = AutoFeatureExtractor.from_pretrained(folder)
    answers = []
    for clip in clips:
        made = extractor(clip, sampling_rate=16_000, return_tensors="pt")
        inputs = {name: made[name] for name in (model.main_input_name, "attention_mask") if name in made}
        with torch.no_grad():
            answers.append(model.eval()(**inputs).logits[0].double().softmax(-1).tolist())
    print(json.dumps({
        "answers": answers, "labels": [model.config.id2label[index] for index in range(model.config.num_labels)],
        "sums": getattr(model.config, "use_weighted_layer_sum", False), "layers": model.config.num_hidden_layers,
        "missing": sorted(info["missing_keys"]), "bench": "benchmark" in sys.modules, "class": type(model).__name__,
    }))
"""


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Recordings:
    return demo_recordings(tmp_path_factory.mktemp("recordings"), speakers=5, emotions=EMOTIONS)


def learner(recordings: Recordings, recipe: ProbeRecipe, encoder: Path, folder: Path) -> ProbeLearner:
    source = EncoderSource(id=str(encoder), revision="1", folder=encoder)
    settings = Settings(cache=folder / "cache")
    writer = FeatureWriter(
        encoder=source, clips=recordings.clips, clip_hashes=recordings.hashes, settings=settings, progress=Silent()
    )
    assert writer.write(recipe, folder) == {}
    return ProbeLearner(recordings.clips, recipe, encoder, folder)


def answers_without_bench(
    folders: list[Path], recordings: Recordings, clips: NDArray[np.int64]
) -> list[dict[str, Any]]:
    """What plain transformers says of saved models, in a process that has no bench."""
    samples = [recordings.clips.samples(int(clip)) for clip in clips]
    path = folders[0].parent / "samples.float32"
    np.concatenate(samples).tofile(path)
    arguments = [str(path), json.dumps([clip.size for clip in samples]), *map(str, folders)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-c", WITHOUT_BENCH, *arguments]
    ended = subprocess.run(command, cwd=path.parent, env=environment, capture_output=True, timeout=300, check=True)
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_saved_probes_give_the_same_probabilities_in_plain_transformers(recordings: Recordings, tmp_path: Path) -> None:
    large = write_tiny("wavlm", tmp_path / "large", do_stable_layer_norm=True, feat_extract_norm="layer")
    fits = [
        (large, "probe", "WavLMForSequenceClassification"),
        (large, "best-layer", "WavLMForSequenceClassification"),
        (checkpoints_path() / "wav2vec2-ctc", "probe", "Wav2Vec2ForSequenceClassification"),
        (checkpoints_path() / "ast-english-five", "probe", "ASTForAudioClassification"),
    ]
    folders = [tmp_path / f"model-{number}" for number in range(len(fits))]
    job = recordings.job(1)
    is_one_window = recordings.clips.lengths[job.test] < WINDOW_OF_AST
    results = []
    for folder, (encoder, name, _) in zip(folders, fits, strict=True):
        recipe = load_recipe(name)
        assert isinstance(recipe, ProbeRecipe)
        fitted = learner(recordings, recipe, encoder, tmp_path)
        results.append(fitted.fit(replace(job, test=job.test[is_one_window], folder=str(folder))))
        assert {path.name for path in folder.iterdir()} == SAVED
    plain = answers_without_bench(folders, recordings, job.test[is_one_window])
    for answer, result, (_, name, architecture) in zip(plain, results, fits, strict=True):
        np.testing.assert_allclose(answer["answers"], result.probabilities, atol=1e-5)
        assert (answer["labels"], answer["missing"], answer["bench"]) == (list(EMOTIONS), [], False)
        assert answer["class"] == architecture
        assert answer["layers"] == result.chosen.get("layer", answer["layers"])
        assert answer["sums"] == (name == "probe" and architecture != "ASTForAudioClassification")


def test_one_layer_and_one_strength_are_a_standardised_logistic_regression(
    recordings: Recordings, tmp_path: Path
) -> None:
    encoder = checkpoints_path() / "ast-english-five"
    recipe = ProbeRecipe(strengths=(0.1,), weighting=Weighting(max_class_weight=1.2))
    fewer = recordings.job(1)
    job = replace(fewer, train=fewer.train[3:])  # classes of two sizes
    result = learner(recordings, recipe, encoder, tmp_path).fit(job)
    states = FeatureTable.open(tmp_path, recipe).states[:, 0]
    labels = recordings.labels[job.train]
    sizes = np.bincount(labels)
    weights = np.minimum(labels.size / (len(sizes) * sizes), 1.2)[labels]
    scaler, regression = StandardScaler(), LogisticRegression(C=0.1, max_iter=1000)
    scaled = scaler.fit(states[job.train], sample_weight=weights).transform(states[job.train])
    regression.fit(scaled, labels, sample_weight=weights)
    expected = make_pipeline(scaler, regression).predict_proba(states[job.test])
    np.testing.assert_allclose(result.probabilities, expected, atol=5e-4)  # both stop near the optimum


def test_the_layer_that_carries_the_labels_is_found_on_inner_speakers(recordings: Recordings, tmp_path: Path) -> None:
    encoder = checkpoints_path() / "hubert-german"
    for name in ("probe", "best-layer"):
        recipe = load_recipe(name)
        assert isinstance(recipe, ProbeRecipe)
        found = learner(recordings, recipe, encoder, tmp_path)
        states = np.memmap(found._table.path, np.float32, "r+", shape=found._table.shape)
        random = np.random.default_rng(0)
        states[:] = random.normal(size=states.shape)
        states[:, 1] += 0.8 * np.tile(np.eye(4), 16)[recordings.labels]
        states.flush()
        result = ProbeLearner(recordings.clips, recipe, encoder, tmp_path).fit(recordings.job(1))
        weights = result.chosen.get("layer_weights")
        assert result.chosen.get("layer", int(np.argmax(np.asarray(weights or [0], np.float64)))) == 1
        answers = result.probabilities.argmax(axis=1)
        assert (answers == recordings.labels[recordings.job(1).test]).mean() > 0.5


def test_nothing_depends_on_test_clips_and_the_same_seed_gives_the_same_probe(
    recordings: Recordings, tmp_path: Path
) -> None:
    recipe = ProbeRecipe()
    fitted = learner(recordings, recipe, checkpoints_path() / "hubert-german", tmp_path)
    job = recordings.job(2)
    first = fitted.fit(job).probabilities
    np.testing.assert_array_equal(first, fitted.fit(job).probabilities)
    mixed_up = recordings.labels.copy()
    mixed_up[job.test] = 0
    np.testing.assert_array_equal(first, fitted.fit(replace(job, labels=mixed_up)).probabilities)


def test_a_class_without_training_clips_one_speaker_and_single_clips_are_fitted(
    recordings: Recordings, tmp_path: Path
) -> None:
    fitted = learner(recordings, ProbeRecipe(), checkpoints_path() / "hubert-german", tmp_path)
    job = recordings.job(1)
    without = fitted.fit(replace(job, train=job.train[recordings.labels[job.train] != 2]))
    assert without.probabilities[:, 2].max() < 1e-6
    one_speaker = replace(job, train=job.train[recordings.speakers[job.train] == 0])
    assert fitted.fit(one_speaker).chosen["inner_folds"] == 2
    single = fitted.fit(replace(job, train=np.array([0, 2, 4])))
    assert (single.chosen["strength"], single.chosen["inner_folds"]) == (0.1, 0)
    assert np.isfinite(single.probabilities).all()
    assert fitted.fit(replace(job, test=np.zeros(0, np.int64))).probabilities.shape == (0, 4)
    lonely = fitted.fit(replace(job, train=np.array([0])))
    np.testing.assert_allclose(lonely.probabilities[:, 0], 1)


def test_copies_are_trained_on_and_never_answered(recordings: Recordings, tmp_path: Path) -> None:
    recipe = ProbeRecipe.model_validate({"copies": 1, "augmentation": {"speed": [0.9, 1.1]}})
    fitted = learner(recordings, recipe, checkpoints_path() / "hubert-german", tmp_path)
    table = FeatureTable.open(tmp_path, recipe)
    assert table.copies.tolist() == [0] * 40 + [1] * 40
    assert not np.allclose(table.states[:40], table.states[40:])
    job = recordings.job(1)
    answered = fitted.fit(job).probabilities
    np.memmap(table.path, np.float32, "r+", shape=table.shape)[40 + job.test] = np.nan  # copies of test clips
    np.testing.assert_array_equal(
        ProbeLearner(recordings.clips, recipe, tmp_path, tmp_path).fit(job).probabilities, answered
    )


def test_windows_of_a_long_clip_are_averaged_by_duration(recordings: Recordings, tmp_path: Path) -> None:
    clips = replace(recordings.clips, clips=np.repeat(np.arange(20), 2))
    joined = replace(
        recordings,
        clips=clips,
        hashes=recordings.hashes[:20],
        labels=recordings.labels[::2],
        speakers=recordings.speakers[::2],
    )
    fitted = learner(joined, ProbeRecipe(), checkpoints_path() / "ast-english-five", tmp_path)
    table = FeatureTable.open(tmp_path, ProbeRecipe())
    assert len(table.clips) > 20
    assert table.rows(np.arange(20)).size == len(table.clips)
    np.testing.assert_allclose(np.bincount(table.clips, table.shares(np.arange(len(table.clips)))), 1)
    assert np.allclose(fitted.fit(joined.job(1)).probabilities.sum(axis=1), 1, atol=1e-6)
