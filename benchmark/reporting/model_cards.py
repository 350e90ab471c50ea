"""The card of a published dataset of results, and what registers its corpora as tasks of a benchmark."""

from dataclasses import dataclass

import yaml
from huggingface_hub import DatasetCardData, EvalResult, EvalResultEntry, eval_result_entries_to_yaml
from huggingface_hub.repocard_data import eval_results_to_model_index

from benchmark.reporting.escaping import markdown_text
from benchmark.reporting.leaderboard_tables import evaluated_rows, rightness_table, variety_table
from benchmark.reporting.legend import legend
from benchmark.reporting.markdown import environment_line
from benchmark.reporting.numbers import counted, fraction, is_known, moment
from benchmark.results.leaderboard import ALL_CORPORA, CorpusSummary, Leaderboard, LeaderboardRow
from benchmark.results.runs import RunRecord

SOURCE_NAME = "ser-bench"


_TASK = "audio-classification"


_TASK_NAME = "Speech Emotion Recognition"


_DIGITS = 4


# What makes a score no evidence of skill; said in the very name of the metric, since notes are easily lost.
UNSOUND_FLAGS = ("collapsed", "at-chance", "majority-like", "label-permuted", "too-good", "loose-map", "narrow")


@dataclass(frozen=True)
class Destination:
    """Where the results as a whole are.

    Attributes:
        repo: The dataset of results, such as `me/emotion-results`.
        url: Its address.
    """

    repo: str
    url: str

    @property
    def file_name(self) -> str:
        """What the results are called in a model's repository, so that those of others stay."""
        return f"{self.repo.replace('/', '__')}.yaml"


def scored_rows(leaderboard: Leaderboard, candidate: str) -> list[LeaderboardRow]:
    """Take one row per corpus on which a candidate has scores; speed is no part of them."""
    rows: dict[str | None, LeaderboardRow] = {}
    for row in leaderboard.rows:
        if row.candidate == candidate and row.corpus not in {None, ALL_CORPORA} and is_known(row.uar):
            rows.setdefault(row.corpus, row)
    return list(rows.values())


def eval_results_yaml(rows: list[LeaderboardRow], record: RunRecord, destination: Destination) -> str:
    """Write the content of `.eval_results/….yaml`: the UAR on each corpus, with what a reader has to know of it.

    Args:
        rows: One per corpus.
        record: The run.
        destination: Where the leaderboard is.

    Returns:
        A YAML document.
    """
    entries = [
        EvalResultEntry(
            dataset_id=destination.repo,
            task_id=row.corpus or "",
            value=round(row.uar or 0.0, _DIGITS),
            date=f"{record.created:%Y-%m-%d}",
            source_url=destination.url,
            source_name=SOURCE_NAME,
            notes=score_notes(row),
        )
        for row in rows
    ]
    return yaml.safe_dump(eval_result_entries_to_yaml(entries), sort_keys=False, allow_unicode=True, width=120)


def model_index_results(rows: list[LeaderboardRow], destination: Destination) -> list[EvalResult]:
    """Give the scores as a card's metadata holds them: UAR, accuracy and macro-F1 on each corpus."""
    results = []
    for row in rows:
        caution = _caution(row)
        for kind, name, value in (
            ("recall", "Unweighted average recall", row.uar),
            ("accuracy", "Accuracy", row.accuracy),
            ("f1", "Macro F1", row.macro_f1),
        ):
            if is_known(value):
                results.append(
                    EvalResult(
                        task_type=_TASK,
                        task_name=_TASK_NAME,
                        dataset_type=destination.repo,
                        dataset_name=row.corpus or "",
                        dataset_config=row.corpus,
                        metric_type=kind,
                        metric_name=f"{name} ({caution})" if caution else name,
                        metric_value=round(value, _DIGITS),
                        source_name=SOURCE_NAME,
                        source_url=destination.url,
                    )
                )
    return results


def model_index_yaml(name: str, results: list[EvalResult]) -> str:
    """Write results as the `model-index` of a card."""
    index = {"model-index": eval_results_to_model_index(name, results)}
    return yaml.safe_dump(index, sort_keys=False, allow_unicode=True)


def score_notes(row: LeaderboardRow) -> str:
    """Say in one line how a score was made, and everything that speaks against believing it.

    Examples:
        >>> score_notes(LeaderboardRow(candidate="a", corpus="c", clips=240, uar=0.9, uar_low=0.8, uar_high=0.95,
        ...     coverage=1.0, seen="yes", head="standard", flags=("collapsed",)))
        'trained on this corpus; collapsed; open UAR over 240 clips, 95 % interval 0.80–0.95, coverage 1.00'
    """
    counts = f"open UAR over {counted(row.clips or 0, 'clip')}"
    if is_known(row.uar_low) and is_known(row.uar_high):
        counts += f", 95 % interval {fraction(row.uar_low)}–{fraction(row.uar_high)}"
    if is_known(row.coverage):
        counts += f", coverage {fraction(row.coverage)}"
    others = [flag for flag in row.flags if flag not in UNSOUND_FLAGS]
    flags = f"flags: {', '.join(others)}" if others else ""
    unknown = "not known whether trained on this corpus" if row.seen == "unknown" else ""
    return "; ".join(part for part in (_caution(row), counts, flags, unknown) if part)


def _caution(row: LeaderboardRow) -> str:
    seen = ["trained on this corpus"] if row.seen == "yes" else []
    confirmed = "repair-confirmed" in row.flags
    repaired = [] if row.head in {None, "", "standard"} else [f"head rebuilt, {'' if confirmed else 'un'}confirmed"]
    return "; ".join([*seen, *(flag for flag in row.flags if flag in UNSOUND_FLAGS), *repaired])


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
