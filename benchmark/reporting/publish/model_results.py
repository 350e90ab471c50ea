"""Scores as a model's own repository holds them: `.eval_results/*.yaml`, and the older `model-index` of its card."""

from dataclasses import dataclass

import yaml
from huggingface_hub import EvalResult, EvalResultEntry, eval_result_entries_to_yaml
from huggingface_hub.repocard_data import eval_results_to_model_index

from benchmark.reporting.numbers import counted, fraction, is_known
from benchmark.results.leaderboard import ALL_CORPORA, Leaderboard, LeaderboardRow
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
