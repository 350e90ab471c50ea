"""From a folder to a model that can be asked, and what the load says of it."""

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from transformers import (
    AutoFeatureExtractor,
    AutoModelForAudioClassification,
    Wav2Vec2Config,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForCTC,
)

from benchmark.models.checkpoint import load_checkpoint
from benchmark.models.reports import CheckpointError, MismatchedWeightsError, MissingPreprocessorError
from tests.support.tiny_models import EMOTIONS, MODEL_TYPES, edit_json, write_tiny

RATE = 16_000
OVERRIDE = {"sampling_rate": 16_000, "do_normalize": True}


def plain_logits(folder: Path, samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a user of transformers would compute."""
    extractor = AutoFeatureExtractor.from_pretrained(folder)
    model = AutoModelForAudioClassification.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.no_grad():
        output = model(**extractor(samples, sampling_rate=extractor.sampling_rate, return_tensors="pt"))
    return np.asarray(output.logits[0].numpy(), dtype=np.float32)


@pytest.mark.parametrize("model_type", MODEL_TYPES)
def test_logits_are_those_of_plain_transformers(
    tiny: dict[str, Path], noise: NDArray[np.float32], model_type: str
) -> None:
    checkpoint = load_checkpoint(tiny[model_type])
    for samples in (noise[:RATE], noise[RATE : RATE + 19_999]):
        expected = plain_logits(tiny[model_type], samples)
        np.testing.assert_allclose(checkpoint.logits(samples), expected, rtol=0, atol=1e-6)
        answer = checkpoint.clip_logits(samples)
        assert answer.windows == 1
        np.testing.assert_allclose(answer.logits, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("model_type", MODEL_TYPES)
def test_the_report_says_what_was_loaded(tiny: dict[str, Path], model_type: str) -> None:
    report = load_checkpoint(tiny[model_type]).report
    reference = AutoModelForAudioClassification.from_pretrained(tiny[model_type])
    assert report.architecture == type(reference).__name__
    assert report.model_type == model_type
    assert report.labels == EMOTIONS
    assert report.parameters == reference.num_parameters()
    assert (report.dtype, report.device, report.gpu, report.sampling_rate) == ("float32", "cpu", None, RATE)
    assert report.attention == reference.config._attn_implementation
    assert (report.missing, report.unexpected, report.mismatched, report.errors) == ((), (), (), ())
    assert (report.label_problems, report.multi_label, report.preprocessor_problem) == ((), False, None)
    assert report.fixed_window == (model_type in {"whisper", "audio-spectrogram-transformer"})
    assert report.window_s == (1.28 if model_type == "audio-spectrogram-transformer" else 30.0)
    assert report.seconds > 0


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_a_model_computes_in_the_type_that_was_asked_for(tiny: dict[str, Path], dtype: str) -> None:
    checkpoint = load_checkpoint(tiny["wav2vec2"], dtype=dtype)
    assert checkpoint.report.dtype == dtype
    assert checkpoint.logits(np.ones(RATE, np.float32)).dtype == np.float32


def test_a_checkpoint_in_half_precision_is_computed_in_float32(tmp_path: Path) -> None:
    model = AutoModelForAudioClassification.from_pretrained(write_tiny("hubert", tmp_path / "full"))
    folder = write_tiny("hubert", tmp_path / "half")
    model.half().save_pretrained(folder)
    assert load_checkpoint(folder).report.dtype == "float32"


def test_an_unknown_type_of_number_is_refused(tiny: dict[str, Path]) -> None:
    with pytest.raises(ValueError, match="float32, bfloat16, float16"):
        load_checkpoint(tiny["wav2vec2"], dtype="int8")


def test_a_checkpoint_for_speech_recognition_loads_with_a_head_that_is_reported_missing(tmp_path: Path) -> None:
    folder = write_tiny("wav2vec2", tmp_path / "ctc")
    config = Wav2Vec2Config.from_pretrained(folder)
    Wav2Vec2ForCTC(config).save_pretrained(folder)
    report = load_checkpoint(folder).report
    assert report.architecture == "Wav2Vec2ForSequenceClassification"
    assert report.missing == ("classifier.bias", "classifier.weight", "projector.bias", "projector.weight")
    assert report.unexpected == ("lm_head.bias", "lm_head.weight")


def test_what_is_not_in_the_checkpoint_follows_the_seed(tmp_path: Path) -> None:
    folder = write_tiny("wav2vec2", tmp_path / "ctc")
    Wav2Vec2ForCTC(Wav2Vec2Config.from_pretrained(folder)).save_pretrained(folder)
    samples = np.random.default_rng(1).standard_normal(RATE).astype(np.float32)
    first, second, again = (load_checkpoint(folder, seed=seed).logits(samples) for seed in (1, 2, 1))
    assert np.abs(first - second).max() > 1e-5
    np.testing.assert_array_equal(first, again)


def test_a_head_of_another_size_than_the_labels_fails_with_the_shapes(tmp_path: Path) -> None:
    folder = write_tiny("wavlm", tmp_path / "model")
    edit_json(folder / "config.json", id2label={"0": "sad", "1": "angry"}, label2id={"sad": 0, "angry": 1})
    with pytest.raises(MismatchedWeightsError) as raised:
        load_checkpoint(folder)
    assert "classifier.weight is 5×12 in the checkpoint and 2×12 in the model" in str(raised.value)


def test_old_weight_files_are_read_without_executing_anything(tmp_path: Path) -> None:
    folder = write_tiny("hubert", tmp_path / "model")
    model = AutoModelForAudioClassification.from_pretrained(folder)
    samples = np.random.default_rng(2).standard_normal(RATE).astype(np.float32)
    expected = load_checkpoint(folder).logits(samples)
    (folder / "model.safetensors").unlink()
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    # Not to the bit: memory that is mapped from a file is aligned otherwise.
    np.testing.assert_allclose(load_checkpoint(folder).logits(samples), expected, rtol=0, atol=1e-7)


class _Bomb:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.target),)


def test_a_weight_file_that_would_run_code_does_not(tmp_path: Path) -> None:
    folder = write_tiny("hubert", tmp_path / "model")
    (folder / "model.safetensors").unlink()
    torch.save({"weight": _Bomb(tmp_path / "trace")}, folder / "pytorch_model.bin")
    with pytest.raises(Exception, match=r"(?i)weights.only"):
        load_checkpoint(folder)
    assert not (tmp_path / "trace").exists()


def test_a_configuration_that_points_to_code_is_loaded_without_it(tmp_path: Path) -> None:
    folder = write_tiny("hubert", tmp_path / "model")
    edit_json(folder / "config.json", auto_map={"AutoModelForAudioClassification": "evil.Model"})
    (folder / "evil.py").write_text(f"import os\nos.mkdir({str(tmp_path / 'trace')!r})\n", encoding="utf-8")
    load_checkpoint(folder)
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize(
    "hint",
    [
        {"return_dict": False},
        {"_attn_implementation": "flash_attention_2"},
        {"attn_implementation": "flash_attention_2"},
    ],
    ids=str,
)
def test_what_a_configuration_says_of_another_machine_changes_nothing(
    tiny: dict[str, Path], tmp_path: Path, noise: NDArray[np.float32], hint: dict[str, Any]
) -> None:
    folder = Path(shutil.copytree(tiny["wav2vec2"], tmp_path / "model"))
    edit_json(folder / "config.json", **hint)
    expected = load_checkpoint(tiny["wav2vec2"])
    loaded = load_checkpoint(folder)
    assert loaded.report.attention == expected.report.attention
    np.testing.assert_array_equal(loaded.logits(noise[:RATE]), expected.logits(noise[:RATE]))


def test_the_order_of_the_labels_is_that_of_the_outputs(tmp_path: Path) -> None:
    folder = write_tiny("wav2vec2", tmp_path / "model", labels=("neu", "hap", "ang"))
    edit_json(folder / "config.json", label2id={"ang": 0, "hap": 1, "neu": 2})
    report = load_checkpoint(folder).report
    assert report.labels == ("neu", "hap", "ang")
    assert report.label_problems == ("label2id contradicts id2label for 'neu', 'ang'; id2label decides",)


def test_a_gap_in_the_labels_is_reported(tmp_path: Path) -> None:
    folder = write_tiny("wav2vec2", tmp_path / "model", labels=("neu", "hap", "ang"))
    edit_json(folder / "config.json", id2label={"0": "neu", "1": "hap", "7": "ang"}, label2id=None)
    report = load_checkpoint(folder).report
    assert report.labels == ("neu", "hap", "LABEL_2")
    assert report.label_problems == ("id2label has no name for output 2",)


def test_a_multi_label_head_is_reported(tmp_path: Path) -> None:
    folder = write_tiny("wavlm", tmp_path / "model", problem_type="multi_label_classification")
    assert load_checkpoint(folder).report.multi_label is True


def test_a_missing_preprocessor_is_an_error_that_names_the_fix(tmp_path: Path) -> None:
    folder = write_tiny("wav2vec2", tmp_path / "model")
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(MissingPreprocessorError) as raised:
        load_checkpoint(folder)
    assert "`preprocessor: {sampling_rate: 16000, do_normalize: true}`" in str(raised.value)


def test_a_missing_preprocessor_need_not_keep_the_model_from_being_looked_at(tmp_path: Path) -> None:
    folder = write_tiny("wav2vec2", tmp_path / "model")
    (folder / "preprocessor_config.json").unlink()
    checkpoint = load_checkpoint(folder, preprocessor_required=False)
    assert checkpoint.report.labels == EMOTIONS
    assert checkpoint.report.sampling_rate is None
    assert "preprocessor: {sampling_rate" in (checkpoint.report.preprocessor_problem or "")
    with pytest.raises(CheckpointError, match="in the registry"):
        checkpoint.clip_logits(np.ones(RATE, np.float32))


@pytest.mark.parametrize("normalize", [True, False])
def test_the_registry_can_stand_in_for_a_missing_preprocessor(
    tiny: dict[str, Path], tmp_path: Path, normalize: bool
) -> None:
    folder = write_tiny("wav2vec2", tmp_path / "model")
    samples = 0.1 + 0.05 * np.random.default_rng(3).standard_normal(RATE).astype(np.float32)
    Wav2Vec2FeatureExtractor(do_normalize=normalize, return_attention_mask=False).save_pretrained(folder)
    expected = plain_logits(folder, samples)
    (folder / "preprocessor_config.json").unlink()
    checkpoint = load_checkpoint(folder, preprocessor={"sampling_rate": RATE, "do_normalize": normalize})
    np.testing.assert_allclose(checkpoint.logits(samples), expected, rtol=0, atol=1e-6)


def test_the_registry_wins_over_the_checkpoints_own_preprocessor(tiny: dict[str, Path]) -> None:
    assert load_checkpoint(tiny["hubert"], preprocessor={"sampling_rate": 8000}).report.sampling_rate == 8000


def test_the_registry_changes_fields_of_a_feature_extractor_but_cannot_make_one_up(tmp_path: Path) -> None:
    folder = write_tiny("audio-spectrogram-transformer", tmp_path / "model")
    assert load_checkpoint(folder, preprocessor={"do_normalize": False}).extractor.do_normalize is False
    assert load_checkpoint(folder, preprocessor={"do_normalize": False}).extractor.max_length == 128
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(MissingPreprocessorError):
        load_checkpoint(folder, preprocessor=OVERRIDE)


@pytest.mark.parametrize(
    "content",
    [
        '{"sampling_rate": "16k"}',
        '{"sampling_rate": 1000000000000}',
        "[]",
        "{",
        '{"feature_extractor_type": "Unheard"}',
    ],
)
def test_a_preprocessor_that_cannot_be_used_is_an_error_and_can_be_replaced(tmp_path: Path, content: str) -> None:
    folder = write_tiny("wav2vec2", tmp_path / "model")
    (folder / "preprocessor_config.json").write_text(content, encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"preprocessor_config\.json"):
        load_checkpoint(folder)
    assert load_checkpoint(folder, preprocessor_required=False).report.preprocessor_problem
    assert load_checkpoint(folder, preprocessor=OVERRIDE).report.preprocessor_problem is None


def test_a_preprocessor_for_another_kind_of_model_is_told_when_it_is_loaded(tmp_path: Path) -> None:
    folder = write_tiny("wav2vec2-bert", tmp_path / "model")
    Wav2Vec2FeatureExtractor().save_pretrained(folder)
    with pytest.raises(CheckpointError, match="a wav2vec2-bert model is fed by a SeamlessM4TFeatureExtractor"):
        load_checkpoint(folder)
