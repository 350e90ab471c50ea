from pathlib import Path

import benchmark
from benchmark.settings import Settings
from tests.support.trained_folders import trained_folder


def test_a_candidate_that_bench_has_trained_has_seen_its_corpus(tmp_path: Path) -> None:
    trained_folder(tmp_path / "mine")
    registry = tmp_path / "own.yaml"
    registry.write_text("version: 1\ncandidates:\n- id: ./mine\n", encoding="utf-8")
    outcome = benchmark.describe_corpus(
        "demo:",
        candidates=registry,
        limit=4,
        find_speech=False,
        output=tmp_path / "reports",
        settings=Settings(cache=tmp_path / ".bench"),
    )
    (coverage,) = outcome.description.candidates
    assert (coverage.candidate, coverage.seen) == ("mine", "yes")
