import json
from pathlib import Path

from tests.support.command_line import Bench
from tests.support.finished_runs import FinishedRun, corpus, verification


def test_the_dry_run_lists_the_files_and_sends_nothing(bench: Bench, tmp_path: Path) -> None:
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


def test_pushing_without_a_token_is_one_sentence(bench: Bench, tmp_path: Path) -> None:
    run = FinishedRun(tmp_path / ".bench", corpus(source="ravdess:x"))
    run.add(verification("good"))
    run.save()
    ended = bench("publish", "--repo", "me/results", "--push")
    assert ended.returncode == 2
    assert ended.stderr.strip().endswith(
        "There is no token of the Hub here: log in with `hf auth login`, or set HF_TOKEN."
    )
    assert "Traceback" not in ended.stderr
