import hashlib
import json
from pathlib import Path

import pytest

from tests.support.command_line import Bench, bench_here, failure
from tests.support.damage import flip
from tests.support.full_caches import NEW, fill


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder whose cache has one of everything."""
    fill(tmp_path / ".bench")
    return tmp_path


def test_what_is_kept_is_shown_with_sums(folder: Path) -> None:
    ended = bench_here("cache", "ls", folder=folder)
    assert ended.returncode == 0, ended.stderr
    assert "another revision is in use" in ended.stdout
    assert "models converted for a faster backend" in ended.stdout
    assert bench_here("cache", "ls", "--kind", "logs", folder=folder).stdout.count("org__model") == 1


def test_a_dry_run_deletes_nothing_and_says_what_the_real_one_deletes(folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    planned = json.loads(bench_here("cache", "prune", "--stale", "--dry-run", "--json", folder=folder).stdout)
    assert sorted(folder.rglob("*")) == before
    done = json.loads(bench_here("cache", "prune", "--stale", "--yes", "--json", folder=folder).stdout)
    assert planned["entries"] == done["entries"]
    assert (planned["dry_run"], done["dry_run"], len(done["entries"])) == (True, False, 3)
    assert not [name for name in done["entries"] if (folder / ".bench" / name["path"]).exists()]
    rest = json.loads(bench_here("cache", "ls", "--json", folder=folder).stdout)
    assert not [entry for entry in rest["entries"] if entry["stale"]]


def test_where_nobody_can_be_asked_nothing_is_deleted(folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    assert "add --yes" in failure(bench_here("cache", "prune", "--all", folder=folder))
    assert sorted(folder.rglob("*")) == before


def test_a_check_counts_what_is_whole_and_names_what_is_damaged(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = folder / "hub"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(hub))
    weights = hub / "models--org--model" / "blobs" / hashlib.sha256(b"weights").hexdigest()
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"weights")
    link = hub / "models--org--model" / "snapshots" / NEW / "model.safetensors"
    link.parent.mkdir(parents=True)
    link.symlink_to(weights)
    ended = bench_here("cache", "check", folder=folder)
    assert (ended.returncode, ended.stdout) == (0, "")
    assert "Checked 8 entries and 1 file of models: nothing damaged." in ended.stderr
    weights.write_bytes(b"weighed")
    run = next((folder / ".bench" / "runs").glob("2*.json"))
    flip(run, bit=1000)
    checked = bench_here("cache", "check", "--json", folder=folder)
    assert checked.returncode == 1
    assert [damaged["path"] for damaged in json.loads(checked.stdout)["damaged"]] == [f"runs/{run.name}", str(link)]
    ended = bench_here("cache", "check", folder=folder)
    assert ended.returncode == 1
    assert "2 damaged" in ended.stderr
    assert "delete its file, and repeat the run" in ended.stderr
    assert "the next run fetches them again" in ended.stderr


def test_a_request_for_nothing_in_particular_is_refused(bench: Bench) -> None:
    assert "--older-than 30d" in failure(bench("cache", "prune", "--yes"))


def test_no_cache_is_no_error(bench: Bench, tmp_path: Path) -> None:
    ended = bench("cache", "ls")
    assert ended.returncode == 0
    assert f"There is no cache at {tmp_path / '.bench'} yet" in ended.stderr
    assert bench("cache", "prune", "--all", "--yes").returncode == 0


def test_a_file_in_the_place_of_the_cache_is_said(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / ".bench").write_text("", encoding="utf-8")
    assert "set BENCH_CACHE" in failure(bench("cache", "ls"))
