import json

from tests.support.command_line import Bench


def test_what_is_registered_is_listed_without_a_network(bench: Bench) -> None:
    ended = bench("candidates")
    assert ended.returncode == 0, ended.stderr
    assert "superb/wav2vec2-base-superb-er" in ended.stdout
    assert "repaired" in ended.stdout


def test_the_list_as_json(bench: Bench) -> None:
    content = json.loads(bench("candidates", "--candidates", "demo", "--json").stdout)
    assert set(content) == {"title", "candidates", "corpora"}
    assert "hubert-german" in [candidate["name"] for candidate in content["candidates"]]
    assert content["corpora"]["demo"]["source"].startswith("demo:")
