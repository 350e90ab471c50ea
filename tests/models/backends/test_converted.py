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


def test_what_is_not_whole_is_not_opened(copy: ConvertedModel, tmp_path: Path) -> None:
    weights, manifest, older = copy.folder / "model.bin", copy.folder / MANIFEST, tmp_path / "older.json"
    shutil.copy(manifest, older)
    rewrite(older, format=0)
    numbers = weights.read_bytes()
    middle = len(numbers) // 2
    changed = numbers[:middle] + bytes([numbers[middle] ^ 1]) + numbers[middle + 1 :]
    damages = [(weights, numbers[:-1]), (weights, changed), (manifest, manifest.read_bytes()[:100])]
    for file, damaged in (*damages, (manifest, older.read_bytes())):
        whole = file.read_bytes()
        file.write_bytes(damaged)
        assert ConvertedModel.open(copy.folder) is None
        file.unlink()
        assert ConvertedModel.open(copy.folder) is None
        file.write_bytes(whole)
        assert ConvertedModel.open(copy.folder) is not None


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
