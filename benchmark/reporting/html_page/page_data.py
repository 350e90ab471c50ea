"""Everything that the page's scripts show, as plain data."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmark.reporting.html_page.candidate_data import candidate_data, candidate_names, status_data
from benchmark.reporting.html_page.candidate_tables import CandidateTable, candidate_tables
from benchmark.reporting.meanings import COLUMN_MEANINGS
from benchmark.results.answer_profiles import AnswerProfile
from benchmark.results.emotion_scores import ClassScores
from benchmark.results.hard_clips import HardClip, HardClips
from benchmark.results.leaderboard import ALL_CORPORA, CorpusSummary, Leaderboard, LeaderboardRow
from benchmark.results.runs import RunRecord
from benchmark.scoring.flags import FLAG_MEANINGS

ROW_FIELDS = (
    *("rank", "clips", "failed_clips", "coverage", "accuracy", "accuracy_low", "accuracy_high", "uar", "uar_low"),
    *("uar_high", "interval", "macro_f1", "shared_uar", "common_uar", "majority_accuracy", "ece", "brier", "emotions"),
    *("effective_emotions", "informative_emotions", "top_emotion", "top_share", "collapsed", "seen", "device"),
    *("backend", "dtype", "latency_p50_ms", "latency_p90_ms", "latency_p99_ms", "rtfx", "load_s", "peak_memory_mb"),
    *("parameters", "size_mb", "adjusted_uar", "adjusted_uar_low", "adjusted_uar_high"),
)
"""Those columns of a row that the page shows; all of them are in `leaderboard.csv`."""


_DIGITS = 4


def page_data(leaderboard: Leaderboard, record: RunRecord | None) -> dict[str, Any]:
    """Collect what the scripts show. Candidates and corpora are named once, and by their places elsewhere.

    Args:
        leaderboard: The scored run.
        record: The run, which holds the evidence of the verdicts; None where it is not known.
    """
    names = candidate_names(leaderboard, record)
    places = _Places(names, tuple(corpus.name for corpus in leaderboard.corpora))
    occurring = {flag for row in leaderboard.rows for flag in row.flags}
    return {
        "minEmotions": leaderboard.min_emotions,
        "segmentS": leaderboard.segment_s,
        "corpora": [_corpus(corpus, leaderboard) for corpus in leaderboard.corpora],
        "hasSummary": any(row.corpus == ALL_CORPORA for row in leaderboard.rows),
        "candidates": candidate_data(leaderboard, record),
        "fields": ["candidate", "corpus", *ROW_FIELDS, "flags", "flagReasons"],
        "rows": [_row(row, places) for row in leaderboard.rows if row.corpus is not None],
        "profiles": [_profile(each, places) for each in leaderboard.profiles],
        "classes": [_classes(each, places) for each in leaderboard.classes],
        "tables": [_table(each, places) for each in candidate_tables(leaderboard)],
        "hardClips": [_hard_clips(each, places) for each in leaderboard.hard_clips],
        "flags": {flag: meaning for flag, meaning in FLAG_MEANINGS.items() if flag in occurring},
        "statuses": status_data(),
        "columns": dict(COLUMN_MEANINGS),
    }


class _Places:
    """Numbers for names."""

    def __init__(self, candidates: Sequence[str], corpora: Sequence[str]) -> None:
        self.candidates: Mapping[str, int] = {name: place for place, name in enumerate(candidates)}
        self.corpora: Mapping[str, int] = {name: place for place, name in enumerate(corpora)}

    def corpus(self, name: str | None) -> int | None:
        """The corpus's place; None for the summary over several."""
        return self.corpora.get(name or "")


def _corpus(corpus: CorpusSummary, leaderboard: Leaderboard) -> dict[str, Any]:
    shares = (row.majority_accuracy for row in leaderboard.rows if row.corpus == corpus.name)
    return {
        "name": corpus.name,
        "synthetic": corpus.synthetic,
        "clips": corpus.clips,
        "emotions": corpus.emotion_clips,
        "majority": next((share for share in shares if share is not None), None),
        "human": corpus.human_uar,
    }


def _row(row: LeaderboardRow, places: _Places) -> list[Any]:
    values = [getattr(row, name) for name in ROW_FIELDS]
    return [places.candidates[row.candidate], places.corpus(row.corpus), *values, row.flags, row.flag_reasons]


def _profile(profile: AnswerProfile, places: _Places) -> dict[str, Any]:
    return {
        "candidate": places.candidates.get(profile.candidate),
        "corpus": places.corpus(profile.corpus),
        "answers": profile.answers,
        "truth": profile.truth,
        "unanswered": profile.unanswered,
        "reliability": [
            (each.clips, round(each.confidence, _DIGITS), round(each.accuracy, _DIGITS)) for each in profile.reliability
        ],
    }


def _classes(scores: ClassScores, places: _Places) -> dict[str, Any]:
    return {
        "candidate": places.candidates.get(scores.candidate),
        "corpus": places.corpus(scores.corpus),
        "emotions": [each.emotion for each in scores.emotions],
        "confusion": scores.confusion,
    }


def _table(table: CandidateTable, places: _Places) -> dict[str, Any]:
    return {
        "candidate": places.candidates.get(table.candidate),
        "corpus": places.corpus(table.corpus),
        "title": table.title,
        "columns": table.columns,
        "rows": table.rows,
        "note": table.note,
    }


def _hard_clips(found: HardClips, places: _Places) -> dict[str, Any]:
    return {
        "corpus": places.corpus(found.corpus),
        "candidates": found.candidates,
        "wrong": [_clip(clip, places) for clip in found.most_wrong],
        "disputed": [_clip(clip, places) for clip in found.most_disputed],
    }


def _clip(clip: HardClip, places: _Places) -> dict[str, Any]:
    return {
        "clip": clip.clip,
        "label": clip.label,
        "emotion": clip.emotion,
        "speaker": clip.speaker,
        "seconds": clip.duration_s,
        "able": clip.able,
        "wrong": clip.wrong,
        "disagreement": clip.disagreement,
        "answers": _answers(clip, places),
    }


def _answers(clip: HardClip, places: _Places) -> list[tuple[str | None, list[int]]]:
    """Who says what, the most frequent answer first: with many candidates far shorter than an answer for each."""
    by_answer: dict[str | None, list[int]] = {}
    for name, said in clip.answers.items():
        if name in places.candidates:
            by_answer.setdefault(said, []).append(places.candidates[name])
    return sorted(by_answer.items(), key=lambda each: -len(each[1]))
