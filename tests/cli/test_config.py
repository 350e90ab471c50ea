import json
from pathlib import Path

import pytest

from tests.support.command_line import Bench, bench_here, failure


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Give a file for several commands in a folder of its own, beside a registry."""
    folder = tmp_path / "settings"
    folder.mkdir()
    (folder / "mine.yaml").write_text("version: 1\ncandidates:\n  - {id: org/one}\n  - {id: org/two}\n")
    path = folder / "bench.toml"
    shared, own = 'json = true\nmodel = "org/one"', 'candidates = "mine.yaml"\nmodel = ["org/two"]'
    path.write_text(f"{shared}\n[candidates]\n{own}\n[verify]\njobs = 2\n")
    return path


def listed(bench: Bench, *arguments: object, **environment: str) -> list[str]:
    ended = bench("candidates", *arguments, **environment)
    assert ended.returncode == 0, ended.stderr
    return [candidate["id"] for candidate in json.loads(ended.stdout)["candidates"]]


def test_a_file_sets_options_for_all_commands_and_for_one_and_paths_count_from_it(bench: Bench, config: Path) -> None:
    assert listed(bench, "--config", "settings/bench.toml") == ["org/two"]
    assert listed(bench, BENCH_CONFIG=str(config)) == ["org/two"]


def test_a_flag_goes_before_a_variable_and_a_variable_before_the_file(bench: Bench, config: Path) -> None:
    assert listed(bench, "--config", config, BENCH_MODEL="org/one") == ["org/one"]
    assert listed(bench, "--config", config, "-m", "org/one", BENCH_MODEL="org/three") == ["org/one"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("min-emotion = 5", "sets min-emotion, which is no option: did you mean min-emotions"),
        ("[rnu]\nseed = 1", "sets rnu, which is no option: did you mean run?"),
        ("[run]\ndepth = 'load'", "sets run.depth, which is no option of bench run"),
        ("[cache.ls]\nyes = true", "sets cache.ls.yes, which is no option of bench cache ls"),
        ("metric = 'own.py'", "metric in bench.toml is refused, since it runs code"),
        ("limit = 'many'", "bench.toml: --limit many makes no sense: give a whole number, 1 or more."),
        ("limit = 2.5", "--limit 2.5 makes no sense"),
        ("[limit]\nx = 1", "limit in bench.toml makes no sense"),
        ("limit = 1979-05-27", "limit in bench.toml makes no sense"),
        ("limit =", "bench.toml is no valid toml"),
        ("output = ''", "output in bench.toml is empty: leave it out"),
        (f"limit = 0x{'f' * 4000}", "limit in bench.toml makes no sense"),
    ],
)
def test_what_is_wrong_in_a_file_is_one_sentence(bench: Bench, tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "bench.toml").write_text(content)
    assert words in failure(bench("run", "--config", "bench.toml"))


def test_a_missing_file_and_a_report_without_a_request_are_errors(bench: Bench, tmp_path: Path) -> None:
    assert "cannot be read" in failure(bench("run", "--config", "gone.toml"))
    (tmp_path / "no.json").write_text("{}")
    assert "holds no request" in failure(bench("run", "--config", "no.json"))


def test_a_file_that_is_nested_without_end_or_has_no_end_is_an_error(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "deep.json").write_text("[" * 200_000)
    (tmp_path / "deep.toml").write_text("a = " + "[" * 200_000)
    (tmp_path / "endless.toml").symlink_to("/dev/zero")
    for name, words in {"deep.json": "no valid json", "deep.toml": "no valid toml", "endless.toml": "larger"}.items():
        assert words in failure(bench("run", "--config", name))


@pytest.mark.parametrize("key", ["push", "force", "free-cache"])
def test_what_sends_replaces_or_deletes_is_refused_in_a_file(bench: Bench, tmp_path: Path, key: str) -> None:
    (tmp_path / "bench.toml").write_text(f"{key} = true\n")
    command = {"push": ("publish", "--repo", "me/results"), "force": ("recommend",), "free-cache": ("verify",)}[key]
    line = failure(bench(*command, "--config", "bench.toml"))
    reason = "it sends, replaces or deletes something"
    assert line == f"Error: {key} in bench.toml is refused, since {reason}: write --{key} instead."


def test_a_report_repeats_its_run_from_any_folder(demo: Path, tmp_path: Path) -> None:
    arguments = ("--corpus", "demo", "-m", "hubert-german", "--limit", 14, "--seed", 3, "--latency-seconds", 0)
    first = bench_here("run", *arguments, "-o", "first", folder=demo, BENCH_CANDIDATES="demo")
    assert first.returncode == 0, first.stderr
    board = json.loads((demo / "first" / "leaderboard.json").read_text())
    assert board["request"] == {
        "command": "run",
        "options": {
            "candidates": "demo", "model": ["hubert-german"], "corpus": ["demo"], "limit": 14, "seed": 3,
            "latency-seconds": 0.0, "output": "first",
        },
        "command_line": board["request"]["command_line"],
        "folder": "..",
    }  # fmt: skip
    asked = f"Asked for with `{board['request']['command_line']}`."
    assert "--limit 14" in asked
    assert asked in (demo / "first" / "leaderboard.md").read_text()
    assert board["request"]["command_line"] in (demo / "first" / "leaderboard.html").read_text()
    (demo / "first" / "leaderboard.md").unlink()
    again = bench_here(
        *("run", "--config", demo / "first" / "leaderboard.json"), folder=tmp_path, BENCH_CACHE=str(demo / ".bench")
    )
    assert again.returncode == 0, again.stderr
    repeated = json.loads((demo / "first" / "leaderboard.json").read_text())
    assert repeated["rows"] == board["rows"]
    assert repeated["request"]["options"] == board["request"]["options"] | {"output": str(demo / "first")}
    assert (demo / "first" / "leaderboard.md").is_file()
