"""What names and shapes tell of a checkpoint, held against what the real load says of it."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModel,
    AutoModelForAudioClassification,
    AutoModelForCTC,
    AutoModelForPreTraining,
    AutoModelForSpeechSeq2Seq,
    Wav2Vec2ForXVector,
)

from benchmark.models.checkpoint import load_checkpoint
from benchmark.models.head_rules import Comparison, OtherTask, Outcome, compare, compare_load, conclude, is_harmless
from benchmark.models.heads import recognise
from benchmark.models.reports import CheckpointError, MismatchedWeightsError
from benchmark.models.skeleton import build_skeleton
from tests.support.foreign_heads import REPAIRABLE_TYPES, Foreign, write_foreign
from tests.support.tiny_models import MODEL_TYPES, edit_json, write_tiny

Tensors = dict[str, torch.Tensor]

WITH_WEIGHT_NORM = [name for name in REPAIRABLE_TYPES if name not in ("data2vec-audio", "wav2vec2-bert")]


def read(folder: Path) -> Tensors:
    weights: Tensors = {}
    for file in sorted(folder.glob("*.safetensors")):
        weights |= load_file(file)
    for file in sorted(folder.glob("*.bin")):
        weights |= torch.load(file, weights_only=True)
    return weights


def write(folder: Path, weights: Tensors) -> None:
    """Write the weights anew, as one file."""
    copies = {name: value.contiguous().clone() for name, value in weights.items()}
    save_file(copies, folder / "model.safetensors", metadata={"format": "pt"})


def edit(folder: Path, change: Callable[[Tensors], Tensors]) -> None:
    write(folder, change(read(folder)))


def shapes_of(folder: Path) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in read(folder).items()}


def config_of(folder: Path) -> dict[str, Any]:
    config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return config


def compared(folder: Path) -> Comparison:
    found = shapes_of(folder)
    return compare(build_skeleton(config_of(folder), found), found)


def outcome(folder: Path) -> Outcome:
    config = config_of(folder)
    return conclude(compared(folder), recognise(shapes_of(folder), config))


def agreed(folder: Path) -> Comparison:
    """The comparison, once the real load has said the same."""
    comparison = compared(folder)
    report = load_checkpoint(folder, preprocessor_required=False).report
    assert comparison.missing == report.missing
    assert comparison.unexpected == report.unexpected
    assert comparison.mismatched == report.mismatched
    head = recognise(shapes_of(folder), config_of(folder))
    assert conclude(compare_load(comparison.expected, report), head) is conclude(comparison, head)
    return comparison


def without(*endings: str) -> Callable[[Tensors], Tensors]:
    return lambda weights: {name: value for name, value in weights.items() if not name.endswith(endings)}


def renamed(names: Mapping[str, str]) -> Callable[[Tensors], Tensors]:
    def change(weights: Tensors) -> Tensors:
        for old, new in names.items():
            weights = {name.replace(old, new): value for name, value in weights.items()}
        return weights

    return change


@pytest.mark.parametrize("model_type", MODEL_TYPES)
def test_a_whole_checkpoint_lacks_nothing(tiny: dict[str, Path], model_type: str) -> None:
    comparison = agreed(tiny[model_type])
    assert (comparison.missing, comparison.unexpected, comparison.mismatched) == ((), (), ())
    assert comparison.layers_expected == comparison.layers_found == (1 if model_type == "whisper" else 2)
    assert set(comparison.sources) == set(build_skeleton(config_of(tiny[model_type])).shapes)
    assert outcome(tiny[model_type]) is Outcome.STANDARD


@pytest.mark.parametrize("model_type", MODEL_TYPES)
def test_a_bare_encoder_with_its_prefix_and_without_has_no_head(tmp_path: Path, model_type: str) -> None:
    folder = write_tiny(model_type, tmp_path / "model")
    base = AutoModel.from_pretrained(folder)
    prefix = AutoModelForAudioClassification.from_pretrained(folder).base_model_prefix
    for given in ("", f"{prefix}."):
        weights = {given + name: value for name, value in base.state_dict().items() if "decoder" not in name}
        write(folder, weights)
        comparison = agreed(folder)
        assert len(comparison.missing_head) == 4
        assert comparison.missing_encoder == ()
        assert comparison.bare_encoder
        assert outcome(folder) is Outcome.NO_HEAD


@pytest.mark.parametrize("model_type", MODEL_TYPES)
def test_a_missing_weight_of_the_encoder_is_told(tmp_path: Path, model_type: str) -> None:
    folder = write_tiny(model_type, tmp_path / "model")
    lost = sorted(name for name in read(folder) if ".0." in name and name.endswith("weight"))[-1]
    edit(folder, without(lost))
    comparison = agreed(folder)
    assert len(comparison.missing_encoder) == 1
    assert (comparison.missing_head, comparison.without_head) == ((), False)
    assert outcome(folder) is Outcome.RANDOM


@pytest.mark.parametrize("model_type", MODEL_TYPES)
def test_fewer_layers_than_the_configuration_says_are_random(tmp_path: Path, model_type: str) -> None:
    folder = write_tiny(model_type, tmp_path / "model")
    layers = "encoder_layers" if model_type == "whisper" else "num_hidden_layers"
    edit_json(folder / "config.json", **{layers: 3})
    comparison = agreed(folder)
    assert comparison.layers_expected == 3
    assert comparison.layers_found == (1 if model_type == "whisper" else 2)
    assert comparison.missing_encoder
    assert outcome(folder) is Outcome.RANDOM


@pytest.mark.parametrize("model_type", sorted(set(MODEL_TYPES) - {"whisper"}))
def test_more_layers_than_the_configuration_says_are_unexpected(tmp_path: Path, model_type: str) -> None:
    folder = write_tiny(model_type, tmp_path / "model")
    edit_json(folder / "config.json", num_hidden_layers=1)
    comparison = agreed(folder)
    assert (comparison.layers_expected, comparison.layers_found) == (1, 2)
    assert (comparison.fatal, comparison.unknown) == ((), ())
    assert outcome(folder) is Outcome.STANDARD


@pytest.mark.parametrize("model_type", WITH_WEIGHT_NORM)
def test_old_and_new_names_of_the_weight_norm_are_the_same(tmp_path: Path, model_type: str) -> None:
    folder = write_tiny(model_type, tmp_path / "model")
    new = "parametrizations.weight.original"
    old = {f"{new}0": "weight_g", f"{new}1": "weight_v"}
    assert any(new in name for name in read(folder))
    edit(folder, renamed(old))
    assert agreed(folder).missing == ()
    edit(folder, without("weight_g"))
    assert len(agreed(folder).missing_encoder) == 1


def test_old_names_of_a_spectrogram_transformer_are_known(tmp_path: Path) -> None:
    folder = write_tiny("audio-spectrogram-transformer", tmp_path / "model")
    prefix = "audio_spectrogram_transformer"
    old = {
        f"{prefix}.layers.": f"{prefix}.encoder.layer.",
        ".q_proj.": ".attention.query.",
        ".k_proj.": ".attention.key.",
        ".v_proj.": ".attention.value.",
        ".attention.o_proj.": ".attention.output.dense.",
        ".mlp.fc1.": ".intermediate.dense.",
        ".mlp.fc2.": ".output.dense.",
    }
    edit(folder, renamed(old))
    comparison = agreed(folder)
    assert (comparison.missing, comparison.unexpected, comparison.layers_found) == ((), (), 2)


@pytest.mark.parametrize("model_type", sorted(set(MODEL_TYPES) - {"whisper", "audio-spectrogram-transformer"}))
def test_the_embedding_of_masked_frames_may_be_missing(tmp_path: Path, model_type: str) -> None:
    folder = write_tiny(model_type, tmp_path / "model")
    edit(folder, without("masked_spec_embed"))
    comparison = agreed(folder)
    assert comparison.missing != ()
    assert comparison.fatal == ()
    assert outcome(folder) is Outcome.STANDARD


@pytest.mark.parametrize("model_type", sorted(set(MODEL_TYPES) - {"audio-spectrogram-transformer"}))
def test_missing_weights_of_a_sum_over_layers_are_told(tmp_path: Path, model_type: str) -> None:
    folder = write_tiny(model_type, tmp_path / "model", use_weighted_layer_sum=True)
    assert agreed(folder).missing == ()
    edit(folder, without("layer_weights"))
    comparison = agreed(folder)
    assert comparison.missing_layer_weights == comparison.missing == ("layer_weights",)
    assert outcome(folder) is Outcome.RANDOM


@pytest.mark.parametrize("model_type", MODEL_TYPES)
def test_a_head_for_other_labels_than_the_configuration_has_does_not_fit(tmp_path: Path, model_type: str) -> None:
    folder = write_tiny(model_type, tmp_path / "model")
    edit_json(folder / "config.json", id2label={"0": "sad", "1": "angry"}, label2id={"sad": 0, "angry": 1})
    comparison = compared(folder)
    with pytest.raises(MismatchedWeightsError) as raised:
        load_checkpoint(folder)
    # A load tells weight and bias in the order in which it found them.
    assert len(comparison.mismatched) == 2
    assert all(str(mismatch) in str(raised.value) for mismatch in comparison.mismatched)
    assert comparison.fatal == ()
    assert outcome(folder) is Outcome.MISMATCHED


@pytest.mark.parametrize("part", ["projector", "classifier"])
def test_half_a_head_is_random(tmp_path: Path, part: str) -> None:
    folder = write_tiny("unispeech", tmp_path / "model")
    edit(folder, without(f"{part}.bias"))
    assert agreed(folder).missing_head == (f"{part}.bias",)
    assert outcome(folder) is Outcome.RANDOM


def test_half_precision_and_shards_make_no_difference(tmp_path: Path) -> None:
    folder = write_tiny("wavlm", tmp_path / "model")
    AutoModelForAudioClassification.from_pretrained(folder).half().save_pretrained(
        tmp_path / "shards", max_shard_size="4KB"
    )
    assert len(list((tmp_path / "shards").glob("*.safetensors"))) > 2
    assert agreed(tmp_path / "shards").missing == ()


@pytest.mark.parametrize("model_type", REPAIRABLE_TYPES)
def test_a_checkpoint_for_speech_recognition_is_told(tmp_path: Path, model_type: str) -> None:
    folder = write_tiny(model_type, tmp_path / "model")
    AutoModelForCTC.from_pretrained(folder).save_pretrained(folder)
    comparison = agreed(folder)
    assert comparison.other_heads == (OtherTask.CTC,)
    assert comparison.without_head
    assert outcome(folder) is Outcome.WRONG_TASK


def test_whisper_for_speech_recognition_is_told(tmp_path: Path) -> None:
    folder = write_tiny("whisper", tmp_path / "model")
    AutoModelForSpeechSeq2Seq.from_pretrained(folder).save_pretrained(folder)
    comparison = agreed(folder)
    assert comparison.other_heads == (OtherTask.SEQUENCE_TO_SEQUENCE,)
    assert comparison.missing_encoder == ()
    assert outcome(folder) is Outcome.WRONG_TASK


@pytest.mark.parametrize("model_type", ["wav2vec2", "unispeech", "wav2vec2-conformer"])
def test_a_checkpoint_from_pre_training_has_no_head(tmp_path: Path, model_type: str) -> None:
    folder = write_tiny(model_type, tmp_path / "model")
    sizes = {"codevector_dim": 8, "proj_codevector_dim": 8, "num_codevectors_per_group": 4}
    AutoModelForPreTraining.from_pretrained(folder, **sizes).save_pretrained(folder)
    comparison = agreed(folder)
    assert comparison.other_heads == ()
    assert outcome(folder) is Outcome.NO_HEAD


def test_a_checkpoint_for_speaker_verification_is_told(tmp_path: Path) -> None:
    folder = write_tiny("wav2vec2", tmp_path / "model")
    Wav2Vec2ForXVector.from_pretrained(folder, ignore_mismatched_sizes=True).save_pretrained(folder)
    assert OtherTask.SPEAKER_VERIFICATION in compared(folder).other_heads


@pytest.mark.parametrize("model_type", REPAIRABLE_TYPES)
def test_a_checkpoint_with_the_copied_head_can_be_repaired(tmp_path: Path, model_type: str) -> None:
    folder = tmp_path / "model"
    write_foreign(folder, Foreign(model_type=model_type))
    comparison = agreed(folder)
    assert comparison.without_head
    assert not comparison.bare_encoder
    assert set(comparison.unknown) == set(comparison.unexpected)
    assert outcome(folder) is Outcome.REPAIRABLE
    assert load_checkpoint(folder, head={"kind": "dense-out"}).report.missing == ()


@pytest.mark.parametrize(
    ("foreign", "fields", "expected"),
    [
        (Foreign(config={"use_weighted_layer_sum": True}), {}, Outcome.REPAIRABLE),
        (Foreign(drop=("wav2vec2.encoder.layer_norm.bias",)), {}, Outcome.RANDOM),
        (Foreign(drop=("classifier.out_proj.bias",)), {}, Outcome.RANDOM),
        (Foreign(), {"pooling_mode": "attention"}, Outcome.RANDOM),
        (Foreign(), {"id2label": {"0": "sad", "1": "angry"}, "label2id": None}, Outcome.MISMATCHED),
        (Foreign(), {"hidden_size": 32}, Outcome.RANDOM),
    ],
)
def test_what_can_be_repaired_is_what_a_repaired_load_accepts(
    tmp_path: Path, foreign: Foreign, fields: dict[str, Any], expected: Outcome
) -> None:
    folder = tmp_path / "model"
    write_foreign(folder, foreign)
    edit_json(folder / "config.json", **fields)
    assert outcome(folder) is expected
    if expected is Outcome.REPAIRABLE:
        assert load_checkpoint(folder, head={"kind": "dense-out"}).report.missing == ()
        return
    try:
        assert load_checkpoint(folder, head={"kind": "dense-out"}).report.missing
    except CheckpointError:
        return


def test_names_of_another_toolkit_are_neither_a_bare_encoder_nor_another_task(tmp_path: Path) -> None:
    folder = write_tiny("hubert", tmp_path / "model")
    edit(folder, lambda weights: {f"module.{name}": value for name, value in weights.items()})
    comparison = agreed(folder)
    assert not comparison.bare_encoder
    assert comparison.other_heads == ()
    assert outcome(folder) is Outcome.RANDOM


def test_a_checkpoint_with_nothing_in_it_is_not_even_an_encoder(tiny: dict[str, Path]) -> None:
    skeleton = build_skeleton(config_of(tiny["hubert"]))
    for found in ({}, {"quantizer.codevectors": (1, 8, 4)}):
        comparison = compare(skeleton, found)
        assert set(comparison.missing) == set(skeleton.shapes)
        assert not comparison.bare_encoder
        assert conclude(comparison, None) is Outcome.RANDOM


@pytest.mark.parametrize("name", ["masked_spec_embed", "wavlm.masked_spec_embed", "a.batch_norm.num_batches_tracked"])
def test_what_only_training_uses_is_harmless(name: str) -> None:
    assert is_harmless(name)
    assert not is_harmless(f"{name}.weight")
    assert not is_harmless("a.batch_norm.running_mean")


def test_comparing_imports_nothing_heavy() -> None:
    program = "import sys, benchmark.models.head_rules; sys.exit(bool({'torch', 'transformers'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
