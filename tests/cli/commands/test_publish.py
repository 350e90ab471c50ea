import json
from pathlib import Path

from tests.support.command_line import Bench, failure
from tests.support.finished_runs import FinishedRun, corpus, verification


def test_the_dry_run_lists_the_files_and_a_push_needs_a_token(bench: Bench, tmp_path: Path) -> None:
    run = FinishedRun(tmp_path / ".bench", corpus(source="ravdess:x"), corpus("calls", source="folder:x"))
    run.add(verification("good"))
    run.save()
    ended = bench("publish", "--repo", "me/results", "--json")
    assert ended.returncode == 0, ended.stderr
    content = json.loads(ended.stdout)
    assert content["models"] == ["org/good"]
    assert all((tmp_path / path).is_file() for path in content["files"])
    assert "Not published: calls" in ended.stderr
    assert "Nothing was sent" in ended.stderr
    line = failure(bench("publish", "--repo", "me/results", "--push"))
    assert line.endswith("There is no token of the Hub here: log in with `hf auth login`, or set HF_TOKEN.")
