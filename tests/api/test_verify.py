import json
from pathlib import Path
from typing import Any

import pytest

from benchmark.api import verify as verify_module
from benchmark.api.verify import open_registry
from benchmark.hub.repository_facts import HubFailure
from benchmark.progress import Silent
from benchmark.registry.schema import Candidate, Registry
from benchmark.results.status import Status
from benchmark.verification.record import CandidateRecord
from benchmark.verification.verify import InterruptedVerificationError, decide
from tests.support.trained_folders import trained_folder


def test_an_interrupted_verification_writes_what_it_has_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(registry: Registry, **_options: Any) -> Any:
        gone, later = registry.candidates
        failure = HubFailure(Status.NOT_FOUND, "there is no folder gone")
        found = decide(CandidateRecord(candidate=gone, failure=failure))
        raise InterruptedVerificationError((found, decide(CandidateRecord(candidate=later))))

    monkeypatch.setattr(verify_module, "verify_candidates", interrupted)
    registry = Registry(title="test", candidates=(Candidate(id="./gone"), Candidate(id="org/later")))
    monkeypatch.setattr(verify_module, "open_registry", lambda *_: registry)
    outcome = verify_module.verify(output=tmp_path)
    assert outcome.exit_code == 130
    assert "Interrupted" in outcome.problems[0]
    written = json.loads((tmp_path / "verification.json").read_text())
    assert written["interrupted"] is True
    assert [each["status"] for each in written["candidates"]] == ["not-found", "skipped"]
    assert "**Interrupted**" in (tmp_path / "verification.md").read_text()
    assert "org/later" in (tmp_path / "verification.csv").read_text()


def test_the_packaged_registry_is_announced_only_where_its_candidates_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    trained_folder(tmp_path / "mine")
    notes: list[str] = []
    progress = Silent()
    monkeypatch.setattr(progress, "note", notes.append, raising=False)
    assert [candidate.name for candidate in open_registry(None, ["./mine"], progress).candidates] == ["mine"]
    assert notes == []
    open_registry(None, [], progress)
    assert "comes with bench" in notes[0]
