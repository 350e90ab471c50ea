"""Taking some candidates of a registry, or others."""

from pathlib import Path

import pytest

from benchmark.errors import RequestError
from benchmark.registry.schema import Candidate, Registry
from benchmark.registry.selection import select


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Two candidates of the Hub and a local one, in a folder with another checkpoint."""
    for name in ("listed", "unlisted", "other/short"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return Registry(
        title="mine",
        candidates=(
            Candidate(id="superb/base-er", name="short", expect="usable"),
            Candidate(id="superb/large-er"),
            Candidate(id="./listed"),
        ),
    )


@pytest.mark.parametrize(
    ("models", "chosen"),
    [
        ([], ["superb/base-er", "superb/large-er", "./listed"]),
        (["short"], ["superb/base-er"]),
        (["superb/large-er", "superb/base-er"], ["superb/large-er", "superb/base-er"]),
        (["Superb/Base-ER"], ["superb/base-er"]),
        (["superb/*"], ["superb/base-er", "superb/large-er"]),
        (["SUPERB/*", "short"], ["superb/base-er", "superb/large-er"]),
        (["s[h]ort"], ["superb/base-er"]),
        (["listed"], ["./listed"]),
        (["./listed/"], ["./listed"]),
        (["listed/../listed"], ["./listed"]),
        (["org/unlisted"], ["org/unlisted"]),
        (["./unlisted"], ["./unlisted"]),
        (["unlisted"], ["unlisted"]),
        (["gpt2"], ["gpt2"]),
    ],
)
def test_models_are_found_by_name_id_pattern_or_path(models: list[str], chosen: list[str], registry: Registry) -> None:
    assert [candidate.id for candidate in select(registry, models).candidates] == chosen


def test_a_listed_candidate_keeps_what_the_registry_says(registry: Registry) -> None:
    (candidate,) = select(registry, ["superb/base-er"]).candidates
    assert candidate.expect == "usable"


def test_a_folder_that_is_not_listed_is_local(registry: Registry, tmp_path: Path) -> None:
    (candidate,) = select(registry, ["unlisted"]).candidates
    assert candidate.local_path == tmp_path / "unlisted"


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("nothing*", "no candidate of mine matches 'nothing.*'"),
        ("./missing", "there is no folder ./missing"),
        ("~nobody-has-this-name/x", "there is no folder"),
        ("shorty", "no candidate of mine is called 'shorty'; did you mean 'short'"),
        ("a/b/c", "model 'a/b/c': 'a/b/c' is neither a folder nor a possible Hub id"),
        ("", "model ''"),
    ],
)
def test_what_cannot_be_a_model_is_refused(model: str, message: str, registry: Registry) -> None:
    with pytest.raises(RequestError, match=message):
        select(registry, [model])


def test_a_file_of_a_checkpoint_is_told_from_nothing_at_all(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "unlisted" / "model.safetensors").touch()
    with pytest.raises(RequestError, match=r"^\./unlisted/model\.safetensors is a file; give the folder"):
        select(registry, ["./unlisted/model.safetensors"])


def test_a_folder_that_is_named_in_two_ways_is_one_model(registry: Registry) -> None:
    (candidate,) = select(registry, ["unlisted", "./unlisted/", "../" + Path.cwd().name + "/unlisted"]).candidates
    assert candidate.id == "unlisted"


def test_two_models_of_one_name_are_refused(registry: Registry) -> None:
    with pytest.raises(RequestError, match=r"superb/base-er and \./other/short are both called short"):
        select(registry, ["short", "./other/short"])
