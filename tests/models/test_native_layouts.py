from pathlib import Path
from typing import Any

import pytest

from benchmark.hub.repository_facts import RepoFacts, RepoFile
from benchmark.models.checkpoint import read_native_config
from benchmark.models.native_layouts import (
    LAYOUTS,
    NativeLayoutError,
    find_layout,
    outline_native,
    read_hyperparameters,
)
from tests.support.native_models import (
    HYPERPARAMETERS,
    Odyssey,
    SpeechBrain,
    VoxProfile,
    write_odyssey,
    write_speechbrain,
    write_vox_profile,
)
from tests.support.tiny_models import edit_json

VOX, ODYSSEY, SPEECHBRAIN = LAYOUTS


def test_a_layout_is_recognised_by_its_small_files() -> None:
    def found(config: dict[str, Any] | None, *names: str) -> str | None:
        files = tuple(RepoFile(name, 1) for name in names)
        layout = find_layout(RepoFacts(id="a", revision="", files=files, config=config))
        return None if layout is None else layout.name

    parts = ("hyperparams.yaml", "label_encoder.txt", "wav2vec2.ckpt", "model.ckpt")
    assert found({"pretrain_model": "wavlm", "output_class_num": 9}) == "vox-profile"
    assert found({"model_type": "ser"}) == found({"ssl_type": "x", "num_classes": 8, "mean": 0.1}) == "odyssey"
    assert found(None, *parts) == found({"speechbrain_interface": "custom"}, *parts) == "speechbrain"
    assert found(None, *parts[:3]) is None
    assert found({"model_type": "wav2vec2"}, *parts) is None
    assert found({"model_type": "wavlm", "pretrain_model": "wavlm", "output_class_num": 9}) is None
    assert found(None) is None


@pytest.mark.parametrize(
    ("variant", "problem"),
    [
        (VoxProfile(lora=True), "LoRA"),
        (VoxProfile(config={"pretrain_model": "whisper_large"}), "none of wavlm, wavlm_large"),
        (VoxProfile(config={"output_class_num": 4}), "the names of its 4 outputs are not known"),
        (VoxProfile(fields={"conv_kernel": [10, 3, 3, 3, 3, 2, 4]}), "strides of its convolutions"),
        (VoxProfile(leave_out="weights"), "no vector weights"),
        (VoxProfile(leave_out="emotion_layer.2.weight"), "no emotion_layer.2.weight"),
        (VoxProfile(leave_out="backbone_model.encoder.layer_norm.weight"), "no encoder of type wavlm"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_model_of_vox_profile_of_which_something_is_not_known_is_refused(
    tmp_path: Path, variant: VoxProfile, problem: str
) -> None:
    write_vox_profile(tmp_path, variant)
    with pytest.raises(NativeLayoutError, match=problem):
        read_native_config(tmp_path, VOX)


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"id2label": None}, "does not name its outputs"),
        ({"id2label": {"0": "Angry", "x": "Sad"}}, "does not name its outputs"),
        ({"num_classes": 3}, "names 8 outputs and says that there are 3"),
        ({"num_classes": 2, "id2label": {"0": "Angry", "1": "Sad"}}, "has 8 outputs and 2 labels"),
        ({"std": None}, "with which mean and std"),
        ({"mean": "0"}, "with which mean and std"),
        ({"ssl_type": "facebook/hubert-large-ll60k"}, "no WavLM"),
    ],
)
def test_a_model_of_the_odyssey_baseline_of_which_something_is_not_known_is_refused(
    tmp_path: Path, config: dict[str, Any], problem: str
) -> None:
    write_odyssey(tmp_path, Odyssey())
    edit_json(tmp_path / "config.json", **config)
    with pytest.raises(NativeLayoutError, match=problem):
        read_native_config(tmp_path, ODYSSEY)


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        ("hyperparams.yaml", "StatisticsPooling", "AdaptivePool", "names AdaptivePool, which is not rebuilt"),
        ("hyperparams.yaml", "HuggingFaceWav2Vec2", "Whisper", "names Whisper"),
        ("hyperparams.yaml", "avg_pool: !new", "pool: !new", "does not say what makes its avg_pool"),
        ("hyperparams.yaml", "    freeze: True", "    output_all_hiddens: True", "states of all layers"),
        ("hyperparams.yaml", "seed: 1993", "seed: [1993", "cannot be read"),
        ("hyperparams.yaml", "seed: 1993", "seed: &a 1\nother: *a", "has aliases"),
        ("label_encoder.txt", "'sad' => 3", "'sad' => 4", "does not name its outputs"),
        ("label_encoder.txt", "'sad' => 3", "", "has 4 outputs and 3 labels"),
        ("label_encoder.txt", "'sad' => 3", "__import__('os') => 3", "has 4 outputs and 3 labels"),
    ],
)
def test_a_model_of_speechbrain_of_which_something_is_not_known_is_refused(
    tmp_path: Path, file: str, old: str, new: str, problem: str
) -> None:
    write_speechbrain(tmp_path, SpeechBrain())
    text = (tmp_path / file).read_text()
    assert old in text
    (tmp_path / file).write_text(text.replace(old, new))
    with pytest.raises(NativeLayoutError, match=problem):
        read_native_config(tmp_path, SPEECHBRAIN)


def test_attention_heads_of_another_size_than_the_published_ones_are_not_guessed(tmp_path: Path) -> None:
    write_speechbrain(tmp_path, SpeechBrain(width=40))
    with pytest.raises(NativeLayoutError, match="how many attention heads"):
        read_native_config(tmp_path, SPEECHBRAIN)


def test_a_yaml_file_runs_nothing_and_makes_no_objects(tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    called, made = f"!apply:os.system [touch {witness}]", f"!new:subprocess.Popen {{args: [touch, {witness}]}}"
    assert read_hyperparameters(f"a: {called}\nb: {made}\nc: !include x\n") == {
        "a": {"!": "apply:os.system", "items": [f"touch {witness}"]},
        "b": {"!": "new:subprocess.Popen", "args": ["touch", str(witness)]},
        "c": {"!": "include", "value": "x"},
    }
    with pytest.raises(NativeLayoutError, match="cannot be read"):
        read_hyperparameters(f"a: !!python/object/apply:os.system [touch {witness}]")
    assert not witness.exists()


def test_a_yaml_file_as_it_is_published_is_read() -> None:
    text = HYPERPARAMETERS.format(
        source="facebook/wav2vec2-base", width=768, labels=4, module="x.HuggingFaceWav2Vec2",
        output_norm="    output_norm: True\n", statistics="    return_std: False", bias=False,
    )  # fmt: skip
    settings = read_hyperparameters(text)
    assert settings["wav2vec2"]["source"] == "facebook/wav2vec2-base"
    assert settings["output_mlp"]["n_neurons"] == 4


def test_labels_stand_in_the_order_of_the_outputs() -> None:
    texts = {"label_encoder.txt": "'sad' => 1\n'neu' => 0\n====\n'starting_index' => 0\n"}
    facts = RepoFacts(id="a", revision="", files=(), texts=texts)
    assert outline_native(SPEECHBRAIN, facts)["id2label"] == {"0": "neu", "1": "sad"}
