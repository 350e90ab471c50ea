"""The card of a published dataset of results, and what registers its corpora as tasks of a benchmark."""

import yaml
from huggingface_hub import DatasetCardData

from benchmark.reporting.environment import environment_line
from benchmark.reporting.escaping import markdown_text
from benchmark.reporting.leaderboard_legend import legend
from benchmark.reporting.leaderboard_tables import evaluated_rows, rightness_table, variety_table
from benchmark.reporting.numbers import counted, moment
from benchmark.reporting.publish.model_results import SOURCE_NAME, UNSOUND_FLAGS
from benchmark.results.leaderboard import CorpusSummary, Leaderboard, LeaderboardRow

_CLAIMS = (
    "Scores hold for the recordings they were made on. What is *unknown* as `seen` may have been in a model's training "
    "data. A person's emotion cannot be read from a voice with certainty, by anyone."
)


def dataset_card(leaderboard: Leaderboard, repo: str) -> str:
    """Write the README of a dataset of results.

    Args:
        leaderboard: The published part of a run, scored.
        repo: The name of the dataset.

    Returns:
        Markdown with the metadata of a card.
    """
    data = DatasetCardData(
        pretty_name=f"Speech-emotion models compared: {repo.rpartition('/')[2]}",
        task_categories=["audio-classification"],
        tags=["speech-emotion-recognition", "leaderboard", SOURCE_NAME],
        configs=[{"config_name": "default", "data_files": [{"split": "test", "path": "leaderboard.parquet"}]}],
    )
    rows = evaluated_rows(leaderboard)
    blocks = [
        f"---\n{data.to_yaml()}\n---",
        f"# {markdown_text(repo.rpartition('/')[2])}",
        f"Made with `bench run` and `bench publish` of ser-bench from a run of {moment(leaderboard.created)}. "
        "`leaderboard.csv`, `.json` and `.parquet` hold the same rows in full.",
        *_warnings(leaderboard, rows),
        *(block for corpus in leaderboard.corpora for block in _corpus(corpus, leaderboard.rows)),
        *legend(rows),
        f"Measured on: {environment_line(leaderboard.environment)}.",
        _CLAIMS,
    ]
    return "\n\n".join(blocks) + "\n"


def eval_yaml(leaderboard: Leaderboard, repo: str) -> str:
    """Write `eval.yaml`, which makes each corpus a task of a benchmark that models' repositories can point to."""
    content = {
        "name": repo.rpartition("/")[2],
        "description": "Unweighted average recall of speech-emotion models on recordings, as measured by ser-bench.",
        "evaluation_framework": SOURCE_NAME,
        "tasks": [{"id": corpus.name, "config": "default", "split": "test"} for corpus in leaderboard.corpora],
    }
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)


def _warnings(leaderboard: Leaderboard, rows: tuple[LeaderboardRow, ...]) -> list[str]:
    warnings = []
    if leaderboard.interrupted:
        warnings.append("**Interrupted**: the run was stopped before its end.")
    if leaderboard.limit is not None:
        warnings.append(f"**Limited to {counted(leaderboard.limit, 'clip')} per corpus**: a trial, no measurement.")
    seen = sorted({row.candidate for row in rows if row.seen == "yes"})
    if seen:
        warnings.append(f"**Trained on what they are scored on**, and not ranked there: {_names(seen)}.")
    for flag in UNSOUND_FLAGS:
        flagged = sorted({row.candidate for row in rows if flag in row.flags})
        if flagged:
            warnings.append(f"**{flag}**: {_names(flagged)}; what that means stands below.")
    return [f"> {warning}" for warning in warnings]


def _names(names: list[str]) -> str:
    return ", ".join(map(markdown_text, names))


def _corpus(corpus: CorpusSummary, rows: tuple[LeaderboardRow, ...]) -> list[str]:
    own = [row for row in rows if row.corpus == corpus.name]
    facts = [counted(corpus.clips, "clip"), f"{corpus.hours:.2f} hours"]
    if corpus.speakers is not None:
        facts.append(counted(corpus.speakers, "speaker"))
    if corpus.emotion_clips:
        facts.append(", ".join(f"{markdown_text(name)} {clips}" for name, clips in corpus.emotion_clips.items()))
    if corpus.merge:
        facts.append("merged: " + ", ".join(f"{source} as {target}" for source, target in corpus.merge.items()))
    synthetic = " (synthetic voices, which say nothing about people)" if corpus.synthetic else ""
    table = rightness_table(own) if corpus.emotion_clips else variety_table(own, with_flags=True)
    return [f"## {markdown_text(corpus.name)}{synthetic}", "; ".join(facts) + ".", table]
