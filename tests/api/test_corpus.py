from pathlib import Path
from typing import Any

import benchmark
from benchmark.demo.files import demo_clips
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


def test_a_table_without_an_emotion_fails_and_names_the_remedy(tmp_path: Path) -> None:
    recording = next(iter(demo_clips())).path
    (tmp_path / "clips.csv").write_text(f"file,label,felt\n{recording},q1,anger\n{recording},q2,fear\n")
    arguments: dict[str, Any] = {
        "find_speech": False,
        "output": tmp_path / "reports",
        "settings": Settings(cache=tmp_path / ".bench"),
    }
    outcome = benchmark.describe_corpus(f"table:{tmp_path / 'clips.csv'}", **arguments)
    assert outcome.exit_code == 1
    assert outcome.problems == (
        "No label of clips means an emotion (q1, q2): say what they mean under `labels:` of the corpus in the "
        "registry, or name another column by --column label=NAME.",
    )
    assert (
        benchmark.describe_corpus(f"table:{tmp_path / 'clips.csv'}", columns=["label=felt"], **arguments).exit_code == 0
    )
