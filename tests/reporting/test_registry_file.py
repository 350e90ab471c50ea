from pathlib import Path

import pytest

from benchmark.errors import RequestError
from benchmark.registry.loading import load_registry
from benchmark.registry.schema import Candidate
from benchmark.reporting.registry_file import registry_file
from benchmark.results.runs import RunRecord
from benchmark.results.status import Status
from tests.support.finished_runs import FinishedRun, corpus, verification


def reread(folder: Path, record: RunRecord, *names: str) -> dict[str, Candidate]:
    path = folder / "chosen.yaml"
    path.write_text(registry_file(record, names), "utf-8")
    return {candidate.name: candidate for candidate in load_registry(path).candidates}


def test_what_is_written_is_read_as_the_same_candidates_at_their_revisions(tmp_path: Path) -> None:
    run = FinishedRun(tmp_path / "cache", corpus())
    run.add(verification("plain"))
    run.add(
        verification(
            "special",
            ("anger", "LABEL_1", "pos"),
            emotions=("anger", "sadness", "happiness"),
            status=Status.REPAIRED,
            head="dense-out",
            head_parameters={"pooling": "mean", "activation": "relu"},
            languages=("de",),
            trained_on=("emodb",),
        )
    )
    found = reread(tmp_path, run.record(), "special", "plain")
    assert list(found) == ["special", "plain"]
    assert found["plain"].id == "org/plain"
    assert found["plain"].revision == run.verifications[0].revision
    assert found["plain"].trained_on is None
    special = found["special"]
    assert special.labels == {"LABEL_1": "sadness", "pos": "happiness"}
    assert special.head is not None
    assert special.head.activation == "relu"
    assert (special.expect, special.languages, special.trained_on) == (Status.REPAIRED, ("de",), ("emodb",))


def test_the_path_of_a_local_candidate_becomes_absolute_and_its_hash_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models" / "mine").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    run = FinishedRun(tmp_path / "cache", corpus())
    run.add(verification("mine", id="./models/mine", revision="f" * 40))
    mine = reread(tmp_path, run.record(registry="elsewhere.yaml"), "mine")["mine"]
    assert mine.local_path == (tmp_path / "models" / "mine").resolve()
    assert mine.revision is None
    assert "f" * 40 in (mine.note or "")


def test_a_local_candidate_that_is_not_here_is_an_error_that_says_where_to_run(tmp_path: Path) -> None:
    run = FinishedRun(tmp_path / "cache", corpus())
    run.add(verification("mine", id="./nowhere"))
    with pytest.raises(RequestError, match="the folder of mine"):
        registry_file(run.record(), ["mine"])


def test_names_from_outside_stay_names(tmp_path: Path, hostile: str) -> None:
    run = FinishedRun(tmp_path / "cache", corpus())
    run.add(verification("m", ("anger", hostile), emotions=("anger", "sadness")))
    assert reread(tmp_path, run.record(registry=hostile), "m")["m"].labels == {hostile: "sadness"}
