import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from huggingface_hub import ModelCard, parse_eval_result_entries

from benchmark.api.publish import PublishOutcome, publish
from benchmark.errors import RequestError, UnavailableError
from benchmark.results.runs import load_run, save_run
from benchmark.results.status import Status
from benchmark.settings import Settings
from tests.support.finished_runs import FinishedRun, corpus, verification
from tests.support.hub_server import HubServer

REPO = "me/emotion-results"
SECRETS = ("s0", "s7", "acme", "/home/", "client", "acted/")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Give a store with a run: two models of the Hub, one of them trained on the corpus, and a folder of the user's."""
    settings = Settings(cache=tmp_path_factory.mktemp("store") / "bench")
    run = FinishedRun(
        settings.cache,
        corpus("acted", source="ravdess:/home/client/ravdess"),
        corpus("acme-calls", source="folder:/home/client/calls"),
    )
    run.add(verification("good"), wrong=0.2)
    run.add(verification("seen", trained_on=("acted",)), wrong=0.1, seed=1)
    run.add(verification("acme-model", id="/home/client/model", revision="0" * 32), wrong=0.3, seed=2)
    run.verifications.append(verification("broken", status=Status.RANDOM_HEAD, reason="see /home/client/x", labels=()))
    run.verifications.append(verification("acme-hidden", status=Status.NOT_FOUND, reason="gone", labels=()))
    run.save()
    return settings


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """Give a Hub with a card for one model, and a token for it."""
    card = tmp_path / "card"
    card.mkdir()
    (card / "README.md").write_text("---\nlicense: mit\nlanguage:\n- de\n---\n# A model\nIt is good.\n")
    (card / "config.json").write_text("{}")
    monkeypatch.setenv("HF_TOKEN", "hf_own")
    with HubServer() as server:
        server.add("org/good", card)
        server.add("org/seen", card.parent / "none")
        yield server


def prepared(settings: Settings, folder: Path, **options: object) -> PublishOutcome:
    return publish(REPO, settings=settings, output=folder, **options)  # type: ignore[arg-type]  # any keyword


@pytest.fixture(scope="module")
def folder(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of a dry run."""
    folder = tmp_path_factory.mktemp("dry-run")
    outcome = prepared(settings, folder)
    assert outcome.corpora == ("acted",)
    assert set(outcome.left_out) == {"acme-calls", "acme-model"}
    assert outcome.sent == ()
    return folder


def test_a_dry_run_writes_the_files_with_nothing_private_in_them(folder: Path) -> None:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    assert {path.relative_to(folder).as_posix() for path in paths} == {
        *(f"dataset/{name}" for name in ("README.md", "eval.yaml")),
        *(f"dataset/leaderboard.{ending}" for ending in ("csv", "json", "parquet")),
        *(f"models/org__{name}/.eval_results/me__emotion-results.yaml" for name in ("good", "seen")),
        *(f"models/org__{name}/model-index.yaml" for name in ("good", "seen")),
    }
    for path in paths:
        assert_public(path)


def assert_public(path: Path) -> None:
    content = path.read_bytes().decode("utf-8", "replace").replace("95 % interval over speakers", "")
    assert [secret for secret in SECRETS if secret in content] == [], path


def test_a_run_that_perturbed_audio_of_private_corpora_is_published_without_it(
    settings: Settings, tmp_path: Path
) -> None:
    cache = shutil.copytree(settings.cache, tmp_path / "bench")
    record = load_run(cache)
    perturbed = tuple(
        evaluation.model_copy(update={"setup": evaluation.setup.model_copy(update={"perturbation": "telephone"})})
        for evaluation in record.evaluations
    )
    save_run(cache, record.model_copy(update={"perturbed": perturbed}))
    outcome = prepared(replace(settings, cache=cache), tmp_path / "out")
    assert outcome.corpora == ("acted",)
    for path in outcome.files:
        assert_public(path)


def test_files_for_the_hub_are_all_of_one_run(settings: Settings, tmp_path: Path) -> None:
    prepared(settings, tmp_path / "out", candidates=["good"])
    models = tmp_path / "out" / "models"
    index = next(models.rglob("model-index.yaml"))
    index.unlink()
    index.mkdir()
    before = (tmp_path / "out" / "dataset" / "leaderboard.csv").read_bytes()
    with pytest.raises(RequestError, match="there is a folder of that name"):
        prepared(settings, tmp_path / "out")
    assert (tmp_path / "out" / "dataset" / "leaderboard.csv").read_bytes() == before


def test_what_the_user_names_is_published_by_that_name_and_still_without_paths(
    settings: Settings, tmp_path: Path
) -> None:
    outcome = prepared(settings, tmp_path / "out", candidates=["acme-model", "good"], corpora=["acme-calls"])
    assert outcome.corpora == ("acme-calls",)
    assert outcome.models == ("org/good",)
    table = pd.read_csv(tmp_path / "out" / "dataset" / "leaderboard.csv")
    assert set(table["candidate"]) == {"acme-model", "good"}
    assert table.set_index("candidate")["id"].isna()["acme-model"]
    assert all(b"/home/" not in path.read_bytes() for path in outcome.files)


def test_a_score_on_what_a_model_was_trained_on_is_published_as_such_or_not_at_all(folder: Path) -> None:
    models = folder / "models"
    (entry,) = parse_eval_result_entries(
        yaml.safe_load((models / "org__seen" / ".eval_results" / "me__emotion-results.yaml").read_text())
    )
    assert (entry.dataset_id, entry.task_id) == (REPO, "acted")
    assert (entry.notes or "").startswith("trained on this corpus; ")
    (index,) = yaml.safe_load((models / "org__seen" / "model-index.yaml").read_text())["model-index"]
    assert all("trained on this corpus" in metric["name"] for metric in index["results"][0]["metrics"])
    (index,) = yaml.safe_load((models / "org__good" / "model-index.yaml").read_text())["model-index"]
    assert "Accuracy" in [metric["name"] for metric in index["results"][0]["metrics"]]
    card = (folder / "dataset" / "README.md").read_text()
    assert "**Trained on what they are scored on**, and not ranked there: seen." in card


def test_the_three_tables_hold_the_same_rows_and_the_rejected_too(folder: Path) -> None:
    dataset = folder / "dataset"
    table, binary = pd.read_csv(dataset / "leaderboard.csv"), pd.read_parquet(dataset / "leaderboard.parquet")
    rows = json.loads((dataset / "leaderboard.json").read_text())["rows"]
    assert list(table.columns) == list(binary.columns) == list(rows[0])
    assert list(table["candidate"]) == list(binary["candidate"]) == [row["candidate"] for row in rows]
    assert set(table["candidate"]) == {"good", "seen", "broken"}
    assert binary["uar"].dtype.kind == "f"
    tasks = yaml.safe_load((dataset / "eval.yaml").read_text())["tasks"]
    assert [task["id"] for task in tasks] == ["acted"]


def test_push_commits_the_dataset_and_proposes_to_the_models_of_others(
    settings: Settings, server: HubServer, tmp_path: Path
) -> None:
    outcome = prepared(settings, tmp_path / "out", push=True, private=True, endpoint=server.url)
    assert (outcome.exit_code, outcome.problems) == (0, ())
    dataset, good, seen = server.writes.commits
    assert (dataset.kind, dataset.id, dataset.pull_request) == ("datasets", REPO, False)
    assert dataset.files["README.md"] == (tmp_path / "out" / "dataset" / "README.md").read_bytes()
    assert (good.kind, good.id, good.pull_request) == ("models", "org/good", True)
    (created,) = server.writes.created
    assert created["visibility"] == "private"
    card: Any = ModelCard(good.files["README.md"].decode())
    assert (card.data.license, card.data.language) == ("mit", ["de"])
    assert card.text.strip() == "# A model\nIt is good."
    assert {result.metric_type for result in card.data.eval_results or []} == {"recall", "accuracy", "f1"}
    # The other has no card to put metadata into.
    assert list(seen.files) == [".eval_results/me__emotion-results.yaml"]
    assert [sent.note is None for sent in outcome.sent] == [True, True, False]
    assert all(sent.url.startswith(server.url) for sent in outcome.sent)


def test_ones_own_model_gets_a_commit_and_a_refusal_costs_only_itself(
    settings: Settings, server: HubServer, tmp_path: Path
) -> None:
    server.writes.account["orgs"] = [{"name": "org"}]
    server.writes.refused.add("org/good")
    outcome = prepared(settings, tmp_path / "out", push=True, endpoint=server.url)
    assert outcome.exit_code == 1
    (problem,) = outcome.problems
    assert problem.startswith("Nothing was written to model org/good: ")
    assert [(commit.id, commit.pull_request) for commit in server.writes.commits] == [
        (REPO, False),
        ("org/seen", False),
    ]


def test_a_second_push_replaces_what_the_first_wrote_into_a_card(
    settings: Settings, server: HubServer, tmp_path: Path
) -> None:
    prepared(settings, tmp_path / "out", push=True, endpoint=server.url)
    again = tmp_path / "again"
    again.mkdir()
    (again / "README.md").write_bytes(server.writes.commits[1].files["README.md"])
    server.add("org/good", again)
    prepared(settings, tmp_path / "out", push=True, endpoint=server.url)
    card: Any = ModelCard(server.writes.commits[4].files["README.md"].decode())
    assert len(card.data.eval_results or []) == 3


def test_without_a_token_or_against_the_users_will_nothing_is_sent(
    settings: Settings, server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    declined = prepared(settings, tmp_path / "out", push=True, endpoint=server.url, confirm=lambda _question: False)
    assert declined.problems == ("Nothing was sent.",)
    monkeypatch.setenv("HF_TOKEN", "hf_of_somebody_else")
    with pytest.raises(UnavailableError, match="Nothing was written to dataset me/emotion-results"):
        prepared(settings, tmp_path / "out", push=True, endpoint=server.url)
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(RequestError, match=r"There is no token of the Hub here: .*HF_TOKEN"):
        prepared(settings, tmp_path / "out", push=True, endpoint=server.url)
    assert server.writes.commits == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"candidates": ["goood"]}, "did you mean"),
        ({"corpora": ["actd"]}, "nothing called 'actd'"),
        ({"candidates": ["broken"]}, "nothing to publish"),
    ],
)
def test_what_the_run_does_not_have_is_an_error(
    settings: Settings, tmp_path: Path, options: dict[str, list[str]], words: str
) -> None:
    with pytest.raises(RequestError, match=words):
        prepared(settings, tmp_path / "out", **options)


@pytest.mark.parametrize("repo", ["emotion-results", "me/a--b", "https://huggingface.co/me/x"])
def test_a_dataset_needs_an_owner_and_a_name(settings: Settings, repo: str) -> None:
    with pytest.raises(RequestError, match="owner and name"):
        publish(repo, settings=settings)
