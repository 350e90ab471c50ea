"""What can be the name of a repository, and where the source of a corpus lies."""

from pathlib import Path

import pytest
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils._validators import validate_repo_id

from benchmark.registry.locations import is_hub_id, resolved_source, what_to_write

IDS = [
    "", "gpt2", "superb/wav2vec2-base-superb-er", "123", "a/b/c", "datasets/a/b", ".repo", "repo.", "-repo", "repo-",
    "a--b", "a..b", "a/b.git", "a/b.gitx", "a b", "a/b\n", "/a", "a/", "ñ/b", "_a/_b", "o" * 96, "o" * 97,
    f"{'o' * 96}/{'n' * 96}", "a/b@main", "a:b", "a/-b", "a-/b", "MIT/ast-finetuned-audioset-10-10-0.4593",
]  # fmt: skip


@pytest.mark.parametrize("text", IDS)
def test_the_rule_is_that_of_the_hub_client(text: str) -> None:
    try:
        validate_repo_id(text)
    except HFValidationError:
        assert not is_hub_id(text)
    else:
        assert is_hub_id(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://huggingface.co/org/model", "https://huggingface.co/org/model/", "http://www.huggingface.co/org/model",
        "huggingface.co/org/model", "hf.co/org/model", "hf://org/model", "org/model/", "org/model@main",
        "https://huggingface.co/org/model/tree/main", "https://huggingface.co/org/model?library=transformers",
        "https://huggingface.co/org/model/blob/main/config.json", "https://huggingface.co/org/model#usage",
    ],
)  # fmt: skip
def test_whoever_pastes_an_address_is_told_the_id_in_it(text: str) -> None:
    assert not is_hub_id(text)
    assert what_to_write(text) == "write org/model"


@pytest.mark.parametrize(
    "text", ["org/model@v1", "hf://org/model@v1", "https://huggingface.co/org/model/tree/v1/onnx?x"]
)
def test_a_revision_in_an_address_has_a_field_of_its_own(text: str) -> None:
    assert what_to_write(text) == "write org/model, and 'revision: v1' beside it in a registry"


@pytest.mark.parametrize(
    "text", ["https://huggingface.co/datasets/org/data", "https://example.com/x.zip", "https://huggingface.co/org", ""]
)
def test_what_names_no_model_gets_no_guess(text: str) -> None:
    assert "organisation/name" in what_to_write(text)


@pytest.mark.parametrize(
    ("source", "resolved"),
    [
        ("folder:calls/2026", "folder:/data/calls/2026"),
        ("table:../x.csv", "table:/x.csv"),
        ("ravdess:/abs", "ravdess:/abs"),
        ("calls", "/data/calls"),
        ("hf:AbstractTTS/RAVDESS:train", "hf:AbstractTTS/RAVDESS:train"),
        ("folder:a:b", "folder:/data/a:b"),
        ("demo:", "demo:"),
        ("demo:long", "demo:long"),
    ],
)
def test_a_source_is_relative_to_the_registry(source: str, resolved: str) -> None:
    assert resolved_source(source, Path("/data")) == resolved
