"""From a folder to a model that computes, and what the load reports of it."""

import os
from collections.abc import Callable
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
from benchmark.models.load_reports import CheckpointError, LoadOptions, MismatchedWeightsError, MissingPreprocessorError
from tests.support.tiny_models import EMOTIONS, MODEL_TYPES, edit_json, write_tiny

RATE = 16_000
OVERRIDE = {"sampling_rate": 16_000, "do_normalize": True}
CopyOf = Callable[[str], Path]


def plain_logits(folder: Path, samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a user of transformers would compute."""
    extractor = AutoFeatureExtractor.from_pretrained(folder)
    model = AutoModelForAudioClassification.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.no_grad():
        output = model(**extractor(samples, sampling_rate=extractor.sampling_rate, return_tensors="pt"))
    return np.asarray(output.logits[0].numpy(), dtype=np.float32)


@pytest.mark.parametrize("model_type", MODEL_TYPES)
def test_logits_are_those_of_plain_transformers_and_the_report_says_what_was_loaded(
    tiny: dict[str, Path], noise: NDArray[np.float32], model_type: str
) -> None:
    checkpoint = load_checkpoint(tiny[model_type])
    for samples in (noise[:RATE], noise[RATE : RATE + 19_999]):
        expected = plain_logits(tiny[model_type], samples)
        np.testing.assert_allclose(checkpoint.logits(samples), expected, rtol=0, atol=1e-6)
        np.testing.assert_allclose(checkpoint.clip_logits(samples), expected, rtol=0, atol=1e-6)
    report = checkpoint.report
    reference = AutoModelForAudioClassification.from_pretrained(tiny[model_type])
    assert (report.architecture, report.model_type) == (type(reference).__name__, model_type)
    assert (report.labels, report.parameters) == (EMOTIONS, reference.num_parameters())
    assert (report.dtype, report.device, report.gpu, report.sampling_rate) == ("float32", "cpu", None, RATE)
    assert report.attention == reference.config._attn_implementation
    assert (report.missing, report.unexpected, report.mismatched, report.errors) == ((), (), (), ())
    assert (report.label_problems, report.multi_label, report.preprocessor_problem) == ((), False, None)
    assert report.fixed_window == (model_type in {"whisper", "audio-spectrogram-transformer"})
    assert report.window_s == (1.28 if model_type == "audio-spectrogram-transformer" else 30.0)
    assert report.seconds > 0


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_a_model_computes_in_the_requested_number_format(tiny: dict[str, Path], dtype: str) -> None:
    checkpoint = load_checkpoint(tiny["wav2vec2"], LoadOptions(dtype=dtype))
    assert checkpoint.report.dtype == dtype
    assert checkpoint.logits(np.ones(RATE, np.float32)).dtype == np.float32


def test_a_checkpoint_in_half_precision_is_computed_in_float32_and_never_in_an_unknown_format(copy_of: CopyOf) -> None:
    folder = copy_of("hubert")
    AutoModelForAudioClassification.from_pretrained(folder).half().save_pretrained(folder)
    assert load_checkpoint(folder).report.dtype == "float32"
    with pytest.raises(ValueError, match="float32, bfloat16, float16"):
        load_checkpoint(folder, LoadOptions(dtype="int8"))


def test_a_head_that_is_not_in_the_checkpoint_is_reported_and_follows_the_seed(
    copy_of: CopyOf, noise: NDArray[np.float32]
) -> None:
    folder = copy_of("wav2vec2")
    Wav2Vec2ForCTC(Wav2Vec2Config.from_pretrained(folder)).save_pretrained(folder)
    loaded = [load_checkpoint(folder, LoadOptions(seed=seed)) for seed in (1, 2, 1)]
    report = loaded[0].report
    assert report.architecture == "Wav2Vec2ForSequenceClassification"
    assert report.missing == ("classifier.bias", "classifier.weight", "projector.bias", "projector.weight")
    assert report.unexpected == ("lm_head.bias", "lm_head.weight")
    first, second, again = (checkpoint.logits(noise[:RATE]) for checkpoint in loaded)
    assert np.abs(first - second).max() > 1e-5
    np.testing.assert_array_equal(first, again)


def test_weights_of_other_shapes_than_the_configuration_says_fail_with_the_shapes(copy_of: CopyOf) -> None:
    folder = copy_of("wavlm")
    edit_json(folder / "config.json", id2label={"0": "sad", "1": "angry"}, label2id={"sad": 0, "angry": 1})
    with pytest.raises(MismatchedWeightsError) as raised:
        load_checkpoint(folder)
    assert "classifier.weight is 5×12 in the checkpoint and 2×12 in the model" in str(raised.value)
    edit_json(folder / "config.json", intermediate_size=32)
    with pytest.raises(MismatchedWeightsError) as raised:
        load_checkpoint(folder)
    assert "wavlm.encoder.layers.{0, 1}.feed_forward.intermediate_dense.bias is 24 in the" in str(raised.value)
    assert str(raised.value).endswith("; and 2 more")


def test_old_weight_files_are_read_without_executing_anything(copy_of: CopyOf, noise: NDArray[np.float32]) -> None:
    folder = copy_of("hubert")
    model = AutoModelForAudioClassification.from_pretrained(folder)
    expected = load_checkpoint(folder).logits(noise[:RATE])
    (folder / "model.safetensors").unlink()
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    # Not to the bit: memory that is mapped from a file is aligned otherwise.
    np.testing.assert_allclose(load_checkpoint(folder).logits(noise[:RATE]), expected, rtol=0, atol=1e-7)


def test_a_weight_file_that_would_run_code_does_not(copy_of: CopyOf, tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "trace"),)

    folder = copy_of("hubert")
    (folder / "model.safetensors").unlink()
    torch.save({"weight": Bomb()}, folder / "pytorch_model.bin")
    with pytest.raises(Exception, match=r"(?i)weights.only"):
        load_checkpoint(folder)
    assert not (tmp_path / "trace").exists()


def test_what_a_configuration_says_of_another_machine_or_of_code_changes_nothing(
    copy_of: CopyOf, tiny: dict[str, Path], tmp_path: Path, noise: NDArray[np.float32]
) -> None:
    folder, expected = copy_of("wav2vec2"), load_checkpoint(tiny["wav2vec2"])
    config = (folder / "config.json").read_bytes()
    (folder / "evil.py").write_text(f"import os\nos.mkdir({str(tmp_path / 'trace')!r})\n", encoding="utf-8")
    hints: tuple[dict[str, Any], ...] = (
        {"return_dict": False},
        {"_attn_implementation": "flash_attention_2"},
        {"attn_implementation": "flash_attention_2"},
        {"auto_map": {"AutoModelForAudioClassification": "evil.Model"}},
    )
    for hint in hints:
        (folder / "config.json").write_bytes(config)
        edit_json(folder / "config.json", **hint)
        loaded = load_checkpoint(folder)
        assert loaded.report.attention == expected.report.attention, hint
        np.testing.assert_array_equal(loaded.logits(noise[:RATE]), expected.logits(noise[:RATE]), err_msg=str(hint))
    assert not (tmp_path / "trace").exists()


def test_the_labels_are_those_of_the_outputs_and_their_problems_are_reported(tmp_path: Path) -> None:
    folder = write_tiny("wav2vec2", tmp_path / "model", labels=("neu", "hap", "ang"))
    config = {"label2id": {"ang": 0, "hap": 1, "neu": 2}, "problem_type": "multi_label_classification"}
    edit_json(folder / "config.json", id2label={"0": "neu", "1": "hap", "2": "ang"}, **config)
    report = load_checkpoint(folder).report
    assert (report.labels, report.multi_label) == (("neu", "hap", "ang"), True)
    assert report.label_problems == ("label2id contradicts id2label for 'neu', 'ang'; id2label decides",)
    edit_json(folder / "config.json", id2label={"0": "neu", "1": "hap", "7": "ang"}, label2id=None)
    report = load_checkpoint(folder).report
    assert (report.labels, report.label_problems) == (
        ("neu", "hap", "LABEL_2"),
        ("id2label has no name for output 2",),
    )


def test_a_missing_preprocessor_is_an_error_unless_the_model_is_only_inspected(copy_of: CopyOf) -> None:
    folder = copy_of("wav2vec2")
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(MissingPreprocessorError, match=r"`preprocessor: \{sampling_rate: 16000, do_normalize: true\}`"):
        load_checkpoint(folder)
    checkpoint = load_checkpoint(folder, LoadOptions(preprocessor_required=False))
    assert (checkpoint.report.labels, checkpoint.report.sampling_rate) == (EMOTIONS, None)
    assert "preprocessor: {sampling_rate" in (checkpoint.report.preprocessor_problem or "")
    with pytest.raises(CheckpointError, match="in the registry"):
        checkpoint.clip_logits(np.ones(RATE, np.float32))


@pytest.mark.parametrize("normalize", [True, False])
def test_the_registry_can_stand_in_for_a_missing_preprocessor(copy_of: CopyOf, normalize: bool) -> None:
    folder = copy_of("wav2vec2")
    samples = 0.1 + 0.05 * np.random.default_rng(3).standard_normal(RATE).astype(np.float32)
    Wav2Vec2FeatureExtractor(do_normalize=normalize, return_attention_mask=False).save_pretrained(folder)
    expected = plain_logits(folder, samples)
    (folder / "preprocessor_config.json").unlink()
    override = {"sampling_rate": RATE, "do_normalize": normalize}
    checkpoint = load_checkpoint(folder, LoadOptions(preprocessor=override))
    np.testing.assert_allclose(checkpoint.logits(samples), expected, rtol=0, atol=1e-6)


def test_the_registry_changes_a_feature_extractor_but_cannot_make_one_up(copy_of: CopyOf) -> None:
    folder = copy_of("audio-spectrogram-transformer")
    resampled = load_checkpoint(copy_of("hubert"), LoadOptions(preprocessor={"sampling_rate": 8000}))
    assert resampled.report.sampling_rate == 8000
    extractor = load_checkpoint(folder, LoadOptions(preprocessor={"do_normalize": False})).extractor
    assert (extractor.do_normalize, extractor.max_length) == (False, 128)
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(MissingPreprocessorError):
        load_checkpoint(folder, LoadOptions(preprocessor=OVERRIDE))


@pytest.mark.parametrize(
    "content",
    ['{"sampling_rate": "16k"}', '{"sampling_rate": 1000000000000}', "[]", "{", '{"feature_extractor_type": "New"}'],
)
def test_a_preprocessor_that_cannot_be_used_is_an_error_and_can_be_replaced(copy_of: CopyOf, content: str) -> None:
    folder = copy_of("wav2vec2")
    (folder / "preprocessor_config.json").write_text(content, encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"preprocessor_config\.json"):
        load_checkpoint(folder)
    assert load_checkpoint(folder, LoadOptions(preprocessor_required=False)).report.preprocessor_problem
    assert load_checkpoint(folder, LoadOptions(preprocessor=OVERRIDE)).report.preprocessor_problem is None


def test_a_preprocessor_for_another_kind_of_model_is_an_error(copy_of: CopyOf) -> None:
    folder = copy_of("wav2vec2-bert")
    Wav2Vec2FeatureExtractor().save_pretrained(folder)
    with pytest.raises(CheckpointError, match="a wav2vec2-bert model is fed by a SeamlessM4TFeatureExtractor"):
        load_checkpoint(folder)


def test_the_reference_multiplies_in_whole_float32_whatever_was_set_before(tiny: dict[str, Path]) -> None:
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    load_checkpoint(tiny["wav2vec2"])
    assert not torch.backends.cuda.matmul.allow_tf32
    assert not torch.backends.cudnn.allow_tf32
