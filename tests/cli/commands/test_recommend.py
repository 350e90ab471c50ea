import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import benchmark
from benchmark.errors import RequestError
from benchmark.registry.loading import load_registry
from benchmark.settings import Settings
from tests.support.finished_runs import FinishedRun, corpus, verification

Bench = Callable[..., "subprocess.CompletedProcess[str]"]

WITHOUT_TORCH = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "transformers", "evaluate"}:
            raise ImportError(name)
sys.meta_path.insert(0, Refuse())
from benchmark.cli.main import main
main()
"""


@pytest.fixture
def finished(tmp_path: Path) -> FinishedRun:
    run = FinishedRun(tmp_path / ".bench", corpus())
    run.add(verification("good"), wrong=0.1, ms=100.0)
    run.add(verification("fast"), wrong=0.3, ms=10.0, seed=1)
    run.save()
    return run


def test_it_recommends_and_writes_a_registry_that_bench_reads(
    finished: FinishedRun, bench: Bench, tmp_path: Path
) -> None:
    ended = bench("recommend", "--max-latency-ms", 50, "--language", "de", "--write", "chosen.yaml", "--json")
    assert ended.returncode == 0, ended.stderr
    content = json.loads(ended.stdout)
    assert content["pick"] == "fast"
    assert content["excluded"][0]["candidate"] == "good"
    (listed,) = load_registry(tmp_path / "chosen.yaml").candidates
    assert listed.revision == finished.verifications[1].revision
    with pytest.raises(RequestError, match="--force"):
        benchmark.recommend(write=tmp_path / "chosen.yaml", settings=Settings(cache=finished.cache))


def test_it_exits_1_where_nobody_keeps_to_what_is_asked_for(
    finished: FinishedRun, bench: Bench, tmp_path: Path
) -> None:
    ended = bench("recommend", "--license", "gpl-3.0", "--write", "none.yaml")
    assert ended.returncode == 1
    assert "its licence is apache-2.0, not gpl-3.0" in ended.stdout
    assert not (tmp_path / "none.yaml").exists()


def test_it_never_loads_torch(finished: FinishedRun, tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, "recommend"],
        cwd=tmp_path,
        env={"BENCH_CACHE": str(finished.cache), "PYTHONPATH": str(Path(__file__).parents[3]), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "Take **good**" in ended.stdout
