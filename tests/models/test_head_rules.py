"""What names and shapes say of a checkpoint, held against what a real load says of it."""

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
from benchmark.models.load_reports import CheckpointError, LoadOptions, MismatchedWeightsError
from benchmark.models.skeleton import build_skeleton
from tests.support.foreign_heads import REPAIRABLE_TYPES, Foreign, write_foreign
from tests.support.tiny_models import MODEL_TYPES, edit_json, write_tiny

Tensors = dict[str, torch.Tensor]
CopyOf = Callable[[str], Path]

WITH_WEIGHT_NORM = [name for name in REPAIRABLE_TYPES if name not in ("data2vec-audio", "wav2vec2-bert")]
REPAIRED = LoadOptions(head={"kind": "dense-out"})


def read(folder: Path) -> Tensors:
    weights: Tensors = {}
    for file in sorted(folder.glob("*.safetensors")):
        weights |= load_file(file)
    return weights


def write(folder: Path, weights: Tensors) -> None:
    copies = {name: value.contiguous().clone() for name, value in weights.items()}
    save_file(copies, folder / "model.safetensors", metadata={"format": "pt"})


def drop(folder: Path, *endings: str) -> None:
    write(folder, {name: value for name, value in read(folder).items() if not name.endswith(endings)})


def rename(folder: Path, names: Mapping[str, str]) -> None:
    weights = read(folder)
    for old, new in names.items():
        weights = {name.replace(old, new): value for name, value in weights.items()}
    write(folder, weights)


def judge(folder: Path, *, load: bool = True) -> tuple[Comparison, Outcome]:
    """The comparison and the outcome from the header, which a real load has to agree with."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    shapes = {name: tuple(value.shape) for name, value in read(folder).items()}
    comparison, head = compare(build_skeleton(config, shapes), shapes), recognise(shapes, config)
    outcome = conclude(comparison, head)
    if load:
        report = load_checkpoint(folder, LoadOptions(preprocessor_required=False)).report
        assert (comparison.missing, comparison.unexpected) == (report.missing, report.unexpected)
        assert comparison.mismatched == report.mismatched == ()
        assert conclude(compare_load(comparison.expected, report), head) is outcome
    return comparison, outcome


@pytest.mark.parametrize("model_type", MODEL_TYPES)
def test_a_whole_checkpoint_lacks_nothing_and_fewer_layers_than_the_configuration_says_are_random(
    copy_of: CopyOf, model_type: str
) -> None:
    folder, is_whisper = copy_of(model_type), model_type == "whisper"
    comparison, outcome = judge(folder)
    assert (comparison.missing, comparison.unexpected, outcome) == ((), (), Outcome.STANDARD)
    layers = 1 if is_whisper else 2
    assert comparison.layers_expected == comparison.layers_found == layers
    assert set(comparison.sources) == set(comparison.expected.shapes)
    edit_json(folder / "config.json", **{"encoder_layers" if is_whisper else "num_hidden_layers": 3})
    comparison, outcome = judge(folder)
    assert (comparison.layers_expected, comparison.layers_found) == (3, layers)
    assert comparison.missing_encoder
    assert outcome is Outcome.RANDOM


@pytest.mark.parametrize("model_type", MODEL_TYPES)
def test_a_bare_encoder_with_its_prefix_and_without_has_no_head(copy_of: CopyOf, model_type: str) -> None:
    folder = copy_of(model_type)
    base = AutoModel.from_pretrained(folder)
    prefix = AutoModelForAudioClassification.from_pretrained(folder).base_model_prefix
    for start in ("", f"{prefix}."):
        write(folder, {start + name: value for name, value in base.state_dict().items() if "decoder" not in name})
        comparison, outcome = judge(folder)
        assert (len(comparison.missing_head), comparison.missing_encoder) == (4, ())
        assert comparison.bare_encoder
        assert outcome is Outcome.NO_HEAD


@pytest.mark.parametrize(
    ("model_type", "lost", "part"),
    [
        ("hubert", "encoder.layers.0.attention.k_proj.weight", "missing_encoder"),
        ("whisper", "encoder.layers.0.fc1.weight", "missing_encoder"),
        ("unispeech", "projector.bias", "missing_head"),
        ("unispeech", "classifier.bias", "missing_head"),
        ("wavlm", "masked_spec_embed", None),
    ],
)
def test_a_missing_weight_makes_the_outcome_random_unless_only_training_uses_it(
    copy_of: CopyOf, model_type: str, lost: str, part: str | None
) -> None:
    folder = copy_of(model_type)
    drop(folder, lost)
    comparison, outcome = judge(folder)
    assert len(comparison.missing) == 1
    assert comparison.fatal == (() if part is None else comparison.missing)
    assert comparison.fatal == (() if part is None else getattr(comparison, part))
    assert not comparison.without_head
    assert outcome is (Outcome.STANDARD if part is None else Outcome.RANDOM)


@pytest.mark.parametrize("model_type", ["wav2vec2", "whisper"])
def test_missing_weights_of_a_sum_over_layers_are_random(tmp_path: Path, model_type: str) -> None:
    folder = write_tiny(model_type, tmp_path / "model", use_weighted_layer_sum=True)
    assert judge(folder)[0].missing == ()
    drop(folder, "layer_weights")
    comparison, outcome = judge(folder)
    assert comparison.missing_layer_weights == comparison.missing == ("layer_weights",)
    assert outcome is Outcome.RANDOM


@pytest.mark.parametrize("model_type", ["hubert", "audio-spectrogram-transformer"])
def test_more_layers_than_the_configuration_says_are_unexpected(copy_of: CopyOf, model_type: str) -> None:
    folder = copy_of(model_type)
    edit_json(folder / "config.json", num_hidden_layers=1)
    comparison, outcome = judge(folder)
    assert (comparison.layers_expected, comparison.layers_found) == (1, 2)
    assert (comparison.fatal, comparison.unknown) == ((), ())
    assert outcome is Outcome.STANDARD


@pytest.mark.parametrize("model_type", WITH_WEIGHT_NORM)
def test_old_and_new_names_of_the_weight_norm_are_the_same(copy_of: CopyOf, model_type: str) -> None:
    folder, new = copy_of(model_type), "parametrizations.weight.original"
    assert any(new in name for name in read(folder))
    rename(folder, {f"{new}0": "weight_g", f"{new}1": "weight_v"})
    assert judge(folder)[0].missing == ()
    drop(folder, "weight_g")
    assert len(judge(folder)[0].missing_encoder) == 1


def test_old_names_of_a_spectrogram_transformer_are_known(copy_of: CopyOf) -> None:
    folder, prefix = copy_of("audio-spectrogram-transformer"), "audio_spectrogram_transformer"
    old = {
        f"{prefix}.layers.": f"{prefix}.encoder.layer.",
        ".q_proj.": ".attention.query.",
        ".k_proj.": ".attention.key.",
        ".v_proj.": ".attention.value.",
        ".attention.o_proj.": ".attention.output.dense.",
        ".mlp.fc1.": ".intermediate.dense.",
        ".mlp.fc2.": ".output.dense.",
    }
    rename(folder, old)
    comparison, _ = judge(folder)
    assert (comparison.missing, comparison.unexpected, comparison.layers_found) == ((), (), 2)


@pytest.mark.parametrize("model_type", ["wav2vec2", "audio-spectrogram-transformer", "whisper"])
def test_a_head_for_other_labels_than_the_configuration_has_does_not_fit(copy_of: CopyOf, model_type: str) -> None:
    folder = copy_of(model_type)
    edit_json(folder / "config.json", id2label={"0": "sad", "1": "angry"}, label2id={"sad": 0, "angry": 1})
    comparison, outcome = judge(folder, load=False)
    with pytest.raises(MismatchedWeightsError) as raised:
        load_checkpoint(folder)
    assert str(raised.value).endswith("; ".join(map(str, comparison.mismatched)))
    assert (len(comparison.mismatched), comparison.fatal, outcome) == (2, (), Outcome.MISMATCHED)


def test_half_precision_and_shards_make_no_difference(tiny: dict[str, Path], tmp_path: Path) -> None:
    model = AutoModelForAudioClassification.from_pretrained(tiny["wavlm"])
    model.half().save_pretrained(tmp_path / "shards", max_shard_size="4KB")
    assert len(list((tmp_path / "shards").glob("*.safetensors"))) > 2
    assert judge(tmp_path / "shards")[0].missing == ()


@pytest.mark.parametrize(
    ("model_type", "original", "tasks"),
    [
        ("wav2vec2", AutoModelForCTC, (OtherTask.CTC,)),
        ("wav2vec2-bert", AutoModelForCTC, (OtherTask.CTC,)),
        ("whisper", AutoModelForSpeechSeq2Seq, (OtherTask.SEQUENCE_TO_SEQUENCE,)),
        *((model_type, AutoModelForPreTraining, ()) for model_type in ("wav2vec2", "unispeech", "wav2vec2-conformer")),
    ],
)
def test_a_checkpoint_for_another_task_has_no_head_for_classification(
    copy_of: CopyOf, model_type: str, original: Any, tasks: tuple[OtherTask, ...]
) -> None:
    folder = copy_of(model_type)
    options = {} if tasks else {"codevector_dim": 8, "proj_codevector_dim": 8}
    original.from_pretrained(folder, **options).save_pretrained(folder)
    comparison, outcome = judge(folder)
    assert (comparison.other_heads, comparison.missing_encoder) == (tasks, ())
    assert outcome is (Outcome.WRONG_TASK if tasks else Outcome.NO_HEAD)
    assert comparison.without_head


def test_a_checkpoint_for_speaker_verification_is_recognised(copy_of: CopyOf) -> None:
    folder = copy_of("wav2vec2")
    Wav2Vec2ForXVector.from_pretrained(folder, ignore_mismatched_sizes=True).save_pretrained(folder)
    assert OtherTask.SPEAKER_VERIFICATION in judge(folder, load=False)[0].other_heads


@pytest.mark.parametrize("model_type", REPAIRABLE_TYPES)
def test_a_checkpoint_with_the_copied_head_can_be_repaired(tmp_path: Path, model_type: str) -> None:
    folder = tmp_path / "model"
    write_foreign(folder, Foreign(model_type=model_type))
    comparison, outcome = judge(folder)
    assert comparison.without_head
    assert not comparison.bare_encoder
    assert set(comparison.unknown) == set(comparison.unexpected)
    assert outcome is Outcome.REPAIRABLE
    assert load_checkpoint(folder, REPAIRED).report.missing == ()


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
    assert judge(folder, load=False)[1] is expected
    try:
        is_whole = load_checkpoint(folder, REPAIRED).report.missing == ()
    except CheckpointError:
        is_whole = False
    assert is_whole == (expected is Outcome.REPAIRABLE)


def test_names_of_another_toolkit_are_neither_a_bare_encoder_nor_another_task(copy_of: CopyOf) -> None:
    folder = copy_of("hubert")
    write(folder, {f"module.{name}": value for name, value in read(folder).items()})
    comparison, outcome = judge(folder)
    assert (comparison.bare_encoder, comparison.other_heads, outcome) == (False, (), Outcome.RANDOM)


def test_a_checkpoint_with_nothing_in_it_is_not_even_an_encoder(tiny: dict[str, Path]) -> None:
    skeleton = build_skeleton(json.loads((tiny["hubert"] / "config.json").read_text(encoding="utf-8")))
    for shapes in ({}, {"quantizer.codevectors": (1, 8, 4)}):
        comparison = compare(skeleton, shapes)
        assert set(comparison.missing) == set(skeleton.shapes)
        assert not comparison.bare_encoder
        assert conclude(comparison, None) is Outcome.RANDOM


def test_what_only_training_uses_is_harmless() -> None:
    for name in ("masked_spec_embed", "wavlm.masked_spec_embed", "a.batch_norm.num_batches_tracked"):
        assert is_harmless(name)
        assert not is_harmless(f"{name}.weight")
    assert not is_harmless("a.batch_norm.running_mean")


def test_comparing_and_recognising_heads_imports_nothing_heavy() -> None:
    program = "import sys, benchmark.models.head_rules; sys.exit(bool({'torch', 'transformers'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
