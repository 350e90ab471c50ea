"""Converted models on disk: whole, or made again."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.models.backends.converted import ConvertedModel
from benchmark.models.backends.features import FeatureRecipe
from benchmark.results.checksums import MANIFEST, read_manifest
from tests.support.damage import rewrite


@pytest.fixture
def copy(converted: Callable[[str, str], ConvertedModel], tmp_path: Path) -> ConvertedModel:
    """A converted model of its own."""
    shutil.copytree(converted("hubert", "openvino").folder, tmp_path / "model")
    model = ConvertedModel.open(tmp_path / "model")
    assert model is not None
    return model


def test_what_is_written_is_read_again(copy: ConvertedModel) -> None:
    assert (copy.folder / copy.model).is_file()
    assert copy.report.model_type == "hubert"
    assert copy.recipe.inputs == ("input_values",)


@pytest.mark.parametrize("harm", ["shorter", "changed", "gone", "no manifest", "half a manifest", "older format"])
def test_what_is_not_whole_is_not_opened(copy: ConvertedModel, harm: str) -> None:
    weights, manifest = copy.folder / "model.bin", copy.folder / MANIFEST
    content = bytearray(weights.read_bytes())
    if harm == "shorter":
        weights.write_bytes(content[:-1])
    elif harm == "changed":
        content[len(content) // 2] ^= 1
        weights.write_bytes(content)
    elif harm == "gone":
        weights.unlink()
    elif harm == "no manifest":
        manifest.unlink()
    elif harm == "half a manifest":
        manifest.write_text(manifest.read_text(encoding="utf-8")[:100], encoding="utf-8")
    else:
        rewrite(manifest, format=0)
    assert ConvertedModel.open(copy.folder) is None


def test_what_goes_into_it_belongs_to_its_identity(copy: ConvertedModel) -> None:
    manifest = copy.folder / MANIFEST
    recipe = read_manifest(copy.folder)["recipe"]
    rewrite(manifest, recipe={**recipe, "normalize": not recipe["normalize"]})
    changed = ConvertedModel.open(copy.folder)
    assert changed is not None
    assert changed.digest != copy.digest


def test_a_new_one_takes_the_place_of_a_broken_one(copy: ConvertedModel) -> None:
    def make(folder: Path) -> tuple[str, FeatureRecipe]:
        (folder / "model.xml").write_text("new", encoding="utf-8")
        return "model.xml", copy.recipe

    (copy.folder / "model.bin").unlink()
    written = ConvertedModel.write(copy.folder, copy.report, make)
    assert (written.folder / written.model).read_text(encoding="utf-8") == "new"
    assert written.digest != copy.digest
    assert [path.name for path in copy.folder.parent.iterdir()] == ["model"]


def test_a_conversion_that_fails_leaves_nothing(copy: ConvertedModel, tmp_path: Path) -> None:
    def fail(folder: Path) -> tuple[str, FeatureRecipe]:
        (folder / "half").write_bytes(b"half")
        raise RuntimeError("no such layer")

    with pytest.raises(RuntimeError):
        ConvertedModel.write(tmp_path / "cache" / "model", copy.report, fail)
    assert list((tmp_path / "cache").iterdir()) == []
