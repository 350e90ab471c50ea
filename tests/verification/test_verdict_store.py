import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmark.errors import RequestError
from benchmark.registry.schema import Candidate
from benchmark.results.status import Status
from benchmark.results.verification import Verification
from benchmark.verification import verdict_store as store_module
from benchmark.verification.options import VerifyOptions
from benchmark.verification.verdict_store import VerdictStore, known_outputs
from tests.support.damage import flip, rewrite
from tests.verification.conftest import facts_with

CANDIDATE = Candidate(id="org/model", name="model")


def verdict(status: Status = Status.USABLE) -> Verification:
    return Verification(candidate="model", id="org/model", revision="r1", status=status, reason="It is.")


@pytest.fixture
def store(tmp_path: Path) -> VerdictStore:
    store = VerdictStore(tmp_path, VerifyOptions())
    store.write(CANDIDATE, facts_with(), verdict())
    return store


def test_a_verdict_is_kept(store: VerdictStore) -> None:
    assert store.read(CANDIDATE, facts_with()) == verdict()


@pytest.mark.parametrize(
    "override",
    [
        {"labels": {"LABEL_0": "anger"}},
        {"preprocessor": {"sampling_rate": 8000}},
        {"head": {"kind": "dense-out"}},
        {"id": "org/other"},
    ],
    ids=str,
)
def test_whatever_changes_a_verdict_is_part_of_its_key(store: VerdictStore, override: dict[str, Any]) -> None:
    fields = {"id": "org/model", "name": "model", **override}
    assert store.read(Candidate.model_validate(fields), facts_with()) is None


def test_another_revision_or_version_is_another_verdict(store: VerdictStore, monkeypatch: pytest.MonkeyPatch) -> None:
    assert store.read(CANDIDATE, replace(facts_with(), revision="r2")) is None
    monkeypatch.setattr(store_module, "RULES_VERSION", 10_000)
    assert store.read(CANDIDATE, facts_with()) is None


def test_what_the_registry_says_today_is_what_counts(store: VerdictStore) -> None:
    today = Candidate(id="org/model", name="new name", expect=Status.REPAIRED, languages=("ko",), trained_on=())
    read = store.read(today, facts_with())
    assert read is not None
    assert (read.candidate, read.expect, read.languages, read.trained_on) == ("new name", Status.REPAIRED, ("ko",), ())


def test_what_may_be_the_fault_of_the_day_is_not_kept(tmp_path: Path) -> None:
    store = VerdictStore(tmp_path, VerifyOptions())
    for status in (Status.UNREACHABLE, Status.SKIPPED, Status.CRASHED, Status.TIMED_OUT, Status.OUT_OF_MEMORY):
        store.write(CANDIDATE, facts_with(), verdict(status))
        assert store.read(CANDIDATE, facts_with()) is None


@pytest.mark.parametrize(("version", "content"), [(0, None), (1, "{"), (1, '{"schema_version": 1}')])
def test_an_old_or_broken_file_is_no_verdict(
    store: VerdictStore, tmp_path: Path, version: int, content: str | None
) -> None:
    (path,) = tmp_path.rglob("verification-*.json")
    path.write_text(content or json.dumps({"schema_version": version}))
    assert store.read(CANDIDATE, facts_with()) is None


def test_a_file_of_a_newer_version_is_refused(store: VerdictStore, tmp_path: Path) -> None:
    (path,) = tmp_path.rglob("verification-*.json.meta")
    rewrite(path, content_schema=99)
    with pytest.raises(RequestError, match="newer"):
        store.read(CANDIDATE, facts_with())


def keep(cache: Path, candidate: Candidate, *labels: str, revision: str = "r1") -> None:
    verdict = Verification(candidate="x", id=candidate.id, status=Status.USABLE, reason="", labels=labels)
    VerdictStore(cache, VerifyOptions()).write(candidate, replace(facts_with(), revision=revision), verdict)


def test_a_stored_verdict_tells_the_outputs_under_the_overrides_of_today(tmp_path: Path) -> None:
    candidate = Candidate(id="org/model", labels={"LABEL_0": "joy", "LABEL_7": "fear"}, trained_on=("tess",))
    keep(tmp_path, candidate, "LABEL_0", "sad")
    known = known_outputs(candidate, tmp_path)
    assert (known.known_from, known.status, known.trained_on) == ("verification", "usable", ("tess",))
    assert known.emotions == ("happiness", "sadness")


def test_without_a_verdict_a_local_configuration_tells_them(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "hubert", "id2label": {"0": "ang", "1": "?"}}))
    known = known_outputs(Candidate(id=str(tmp_path)), tmp_path / "cache")
    assert (known.known_from, known.emotions, known.status) == ("configuration", ("anger", None), None)


@pytest.mark.parametrize(
    ("labels", "source", "emotions"), [({"LABEL_0": "joy"}, "registry", ("happiness",)), ({}, "nothing", ())]
)
def test_without_either_the_registry_tells_what_it_overrides(
    tmp_path: Path, labels: dict[str, str], source: str, emotions: tuple[str, ...]
) -> None:
    known = known_outputs(Candidate(id="org/model", labels=labels), tmp_path)
    assert (known.known_from, known.emotions) == (source, emotions)


def test_a_damaged_verdict_is_passed_over_for_an_earlier_one(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    candidate = Candidate(id="org/model")
    for revision, label in (("r1", "sad"), ("r2", "happy"), ("r3", "angry")):
        keep(tmp_path, candidate, label, revision=revision)
    flip(next((tmp_path / "org__model" / "r3").glob("verification-*.json")), bit=100)
    assert known_outputs(candidate, tmp_path).emotions == ("happiness",)
    assert "is damaged" in caplog.text


def test_the_verdict_that_was_stored_last_counts_though_the_clock_was_set_back(tmp_path: Path) -> None:
    candidate = Candidate(id="org/model")
    for revision, label in (("r2", "sad"), ("r1", "happy")):
        keep(tmp_path, candidate, label, revision=revision)
    for path in (tmp_path / "org__model" / "r1").iterdir():
        os.utime(path, (0, 0))
    assert known_outputs(candidate, tmp_path).emotions == ("happiness",)
