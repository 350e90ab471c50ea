"""Results on the Hub: the card of a dataset of results, and the scores in the repositories of models."""

from collections.abc import Sequence
from dataclasses import dataclass

import yaml
from huggingface_hub import DatasetCardData, EvalResult, EvalResultEntry, eval_result_entries_to_yaml
from huggingface_hub.repocard_data import eval_results_to_model_index

from benchmark.reporting.escaping import markdown_text
from benchmark.reporting.leaderboard_tables import corpus_table, evaluated_rows, is_at_least, is_rebuilt, legend
from benchmark.reporting.markdown import document, environment_line
from benchmark.reporting.numbers import counted, fraction, is_known, moment
from benchmark.results.leaderboard import CorpusSummary, Leaderboard, LeaderboardRow
from benchmark.results.leaderboard_columns import Shown
from benchmark.results.runs import RunRecord

_SOURCE = "ser-bench"
_DIGITS = 4
_CLAIMS = (
    "Scores hold for the recordings they were made on. What is *unknown* as `seen` may have been in a model's training "
    "data. A person's emotion cannot be read from a voice with certainty, by anyone."
)
# Flags of scores that are no evidence of skill become part of the name of the metric, since notes are easily lost.
_UNSOUND_FLAGS = (
    *("collapsed", "at-chance", "cannot-tell", "majority-like", "label-permuted", "too-good", "loose-map", "narrow"),
)


@dataclass(frozen=True)
class Destination:
    """The dataset of results, such as `me/emotion-results`, and its address."""

    repo: str
    url: str

    @property
    def file_name(self) -> str:
        """The name of the results in a model's repository, unlike that of other people's results."""
        return f"{self.repo.replace('/', '__')}.yaml"


def dataset_card(leaderboard: Leaderboard, repo: str) -> str:
    """Write the README of the dataset `repo` of the published part of a run, with the metadata of a card."""
    name = repo.rpartition("/")[2]
    data = DatasetCardData(
        pretty_name=f"Speech-emotion models compared: {name}",
        task_categories=["audio-classification"],
        tags=["speech-emotion-recognition", "leaderboard", _SOURCE],
        configs=[{"config_name": "default", "data_files": [{"split": "test", "path": "leaderboard.parquet"}]}],
    )
    rows = evaluated_rows(leaderboard)
    return document(
        [
            f"---\n{data.to_yaml()}\n---",
            f"# {markdown_text(name)}",
            f"Made with `bench run` and `bench publish` of ser-bench from a run of {moment(leaderboard.created)}. "
            "`leaderboard.csv`, `.json` and `.parquet` hold the same rows in full.",
            *(f"> {warning}" for warning in _warnings(leaderboard, rows)),
            *(block for corpus in leaderboard.corpora for block in _corpus(corpus, leaderboard.rows)),
            *legend(rows),
            f"Measured on: {environment_line(leaderboard.environment)}.",
            _CLAIMS,
        ]
    )


def eval_yaml(leaderboard: Leaderboard, repo: str) -> str:
    """Write `eval.yaml`, which makes each corpus a task that the repositories of models can refer to."""
    content = {
        "name": repo.rpartition("/")[2],
        "description": "Unweighted average recall of speech-emotion models on recordings, as measured by ser-bench.",
        "evaluation_framework": _SOURCE,
        "tasks": [{"id": corpus.name, "config": "default", "split": "test"} for corpus in leaderboard.corpora],
    }
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)


def scored_rows(leaderboard: Leaderboard, candidate: str) -> list[LeaderboardRow]:
    """One row per corpus on which a candidate has scores, on any device."""
    rows: dict[str | None, LeaderboardRow] = {}
    for row in evaluated_rows(leaderboard):
        if row.candidate == candidate and is_known(row.uar):
            rows.setdefault(row.corpus, row)
    return list(rows.values())


def eval_results_yaml(rows: list[LeaderboardRow], record: RunRecord, destination: Destination) -> str:
    """Write the content of `.eval_results/….yaml`: the UAR on each corpus with notes, from one row per corpus."""
    entries = [
        EvalResultEntry(
            dataset_id=destination.repo,
            task_id=row.corpus or "",
            value=round(row.uar or 0.0, _DIGITS),
            date=f"{record.created:%Y-%m-%d}",
            source_url=destination.url,
            source_name=_SOURCE,
            notes=score_notes(row),
        )
        for row in rows
    ]
    return yaml.safe_dump(eval_result_entries_to_yaml(entries), sort_keys=False, allow_unicode=True, width=120)


def model_index_results(rows: list[LeaderboardRow], destination: Destination) -> list[EvalResult]:
    """The UAR, accuracy and macro-F1 on each corpus as metadata of a card."""
    results = []
    for row in rows:
        caution = _caution(row)
        scores = {
            ("recall", "Unweighted average recall"): row.uar,
            ("accuracy", "Accuracy"): row.accuracy,
            ("f1", "Macro F1"): row.macro_f1,
        }
        results += [
            EvalResult(
                task_type="audio-classification",
                task_name="Speech Emotion Recognition",
                dataset_type=destination.repo,
                dataset_name=row.corpus or "",
                dataset_config=row.corpus,
                metric_type=metric,
                metric_name=f"{name} ({caution})" if caution else name,
                metric_value=round(value, _DIGITS),
                source_name=_SOURCE,
                source_url=destination.url,
            )
            for (metric, name), value in scores.items()
            if is_known(value)
        ]
    return results


def model_index_yaml(name: str, results: list[EvalResult]) -> str:
    """Write results as the `model-index` of a card."""
    index = {"model-index": eval_results_to_model_index(name, results)}
    return yaml.safe_dump(index, sort_keys=False, allow_unicode=True)


def score_notes(row: LeaderboardRow) -> str:
    """Say in one line how a score was measured, and what speaks against it.

    Examples:
        >>> score_notes(LeaderboardRow(candidate="a", corpus="c", clips=240, uar=0.9, uar_low=0.8, uar_high=0.95,
        ...     coverage=1.0, seen="yes", head="standard", flags=("collapsed",)))
        'trained on this corpus; collapsed; open UAR over 240 clips, 95 % interval 0.80–0.95, coverage 1.00'
    """
    clips = f"open UAR over {counted(row.clips or 0, 'clip')}"
    if is_known(row.uar_low) and is_known(row.uar_high):
        clips += f", 95 % interval {fraction(row.uar_low)}–{fraction(row.uar_high)}"
        if is_known(row.compared_uar):
            clips += f" around {fraction(row.compared_uar)}, without rare emotions and clips of unknown speakers"
        clips += ", at least so wide" if is_at_least(row.interval) else ""
    if is_known(row.coverage):
        clips += f", coverage {fraction(row.coverage)}"
    others = [flag for flag in row.flags if flag not in _UNSOUND_FLAGS]
    flags = f"flags: {', '.join(others)}" if others else ""
    unknown = "not known whether trained on this corpus" if row.seen == "unknown" else ""
    return "; ".join(part for part in (_caution(row), clips, flags, unknown) if part)


def _caution(row: LeaderboardRow) -> str:
    cautions = ["trained on this corpus"] if row.seen == "yes" else []
    cautions += ["trained on other speakers of this corpus"] if "adapted" in row.flags else []
    cautions += [flag for flag in row.flags if flag in _UNSOUND_FLAGS]
    if is_rebuilt(row):
        cautions.append(f"head rebuilt, {'' if 'repair-confirmed' in row.flags else 'un'}confirmed")
    return "; ".join(cautions)


def _warnings(leaderboard: Leaderboard, rows: Sequence[LeaderboardRow]) -> list[str]:
    texts = []
    if leaderboard.interrupted:
        texts.append("**Interrupted**: the run was stopped before its end.")
    elif not leaderboard.complete:
        texts.append(f"**Incomplete**: {markdown_text(leaderboard.gaps)}.")
    if leaderboard.limit is not None:
        texts.append(f"**Limited to {counted(leaderboard.limit, 'clip')} per corpus**: a trial, no measurement.")
    seen = sorted({row.candidate for row in rows if row.seen == "yes"})
    if seen:
        texts.append(f"**Trained on what they are scored on**, and not ranked there: {_names(seen)}.")
    adapted = sorted({row.candidate for row in rows if "adapted" in row.flags})
    if adapted:
        texts.append(f"**Trained on other speakers of what they are scored on** (adapted): {_names(adapted)}.")
    for flag in _UNSOUND_FLAGS:
        flagged = sorted({row.candidate for row in rows if flag in row.flags})
        if flagged:
            texts.append(f"**{flag}**: {_names(flagged)}; what that means stands below.")
    return texts


def _names(candidates: Sequence[str]) -> str:
    return ", ".join(map(markdown_text, candidates))


def _corpus(corpus: CorpusSummary, rows: Sequence[LeaderboardRow]) -> list[str]:
    corpus_rows = [row for row in rows if row.corpus == corpus.name]
    facts = [counted(corpus.clips, "clip"), f"{corpus.hours:.2f} hours"]
    if corpus.speakers is not None:
        facts.append(counted(corpus.speakers, "speaker"))
    if corpus.emotion_clips:
        facts.append(", ".join(f"{markdown_text(name)} {clips}" for name, clips in corpus.emotion_clips.items()))
    if corpus.merge:
        facts.append("merged: " + ", ".join(f"{source} as {target}" for source, target in corpus.merge.items()))
    synthetic = " (synthetic voices, which say nothing about people)" if corpus.synthetic else ""
    tables = (Shown.RIGHTNESS,) if corpus.emotion_clips else (Shown.VARIETY, Shown.UNLABELLED)
    return [
        f"## {markdown_text(corpus.name)}{synthetic}",
        "; ".join(facts) + ".",
        corpus_table(corpus_rows, *tables),
    ]
