import json
from pathlib import Path
from typing import Any

import pytest

from benchmark.api import verify as verify_module
from benchmark.hub.repository_facts import HubFailure
from benchmark.registry.schema import Candidate, Registry
from benchmark.results.status import Status
from benchmark.verification.record import CandidateRecord
from benchmark.verification.verify import InterruptedVerificationError, decide


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
