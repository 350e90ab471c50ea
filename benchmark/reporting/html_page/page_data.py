"""Everything that the page's scripts show, as plain data."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmark.reporting.legend import COLUMN_MEANINGS
from benchmark.reporting.numbers import UNKNOWN, counted, fraction, with_interval
from benchmark.results.analyses import (
    AnswerProfile,
    CandidateGroups,
    ClassScores,
    CorpusGroups,
    HardClip,
    HardClips,
    Robustness,
)
from benchmark.results.leaderboard import ALL_CORPORA, CorpusSummary, Leaderboard, LeaderboardRow, NotEvaluated
from benchmark.results.runs import RunRecord
from benchmark.results.status import Status
from benchmark.results.verification import Finding, Verification
from benchmark.scoring.flags import FLAG_MEANINGS

_LONGEST_EVIDENCE = 400


def candidate_names(leaderboard: Leaderboard, record: RunRecord | None) -> tuple[str, ...]:
    """Name all candidates once: in the registry's order where it is known, else in that of the rows.

    Args:
        leaderboard: The scored run.
        record: The run, where it is known.
    """
    verified = [each.candidate for each in record.verifications] if record is not None else []
    scored = [row.candidate for row in leaderboard.rows]
    absent = [each.candidate for each in leaderboard.not_evaluated]
    return tuple(dict.fromkeys([*verified, *scored, *absent]))


def candidate_data(leaderboard: Leaderboard, record: RunRecord | None) -> list[dict[str, Any]]:
    """Describe all candidates, in the order of `candidate_names`.

    Args:
        leaderboard: The scored run.
        record: The run, which holds the verdicts; without it the page shows what the rows tell.
    """
    verified = {each.candidate: each for each in record.verifications} if record is not None else {}
    absent = {each.candidate: each for each in leaderboard.not_evaluated}
    return [
        _facts(name, verified.get(name), absent.get(name)) | {"failure": leaderboard.failures.get(name)}
        for name in candidate_names(leaderboard, record)
    ]


def status_data() -> dict[str, dict[str, str]]:
    """The verdict that each status stands for, and what it means."""
    return {str(status): {"verdict": str(status.verdict), "meaning": status.meaning} for status in Status}


def _facts(name: str, verification: Verification | None, absent: NotEvaluated | None) -> dict[str, Any]:
    status = verification.status if verification is not None else absent.status if absent is not None else "usable"
    facts: dict[str, Any] = {
        "name": name,
        "status": str(status),
        "evaluated": absent is None,
        "fallback": absent is not None and absent.fallback,
        "why": None if absent is None else absent.reason,
        "emotions": absent.emotions if absent is not None else None,
    }
    return facts if verification is None else facts | _verdict(verification)


def _verdict(verification: Verification) -> dict[str, Any]:
    return {
        "id": verification.id,
        "revision": verification.revision,
        "reason": verification.reason,
        "emotions": len(verification.emotion_classes) if verification.labels else None,
        "labels": list(zip(verification.labels, verification.emotions, strict=True)),
        "architecture": verification.architecture,
        "head": verification.head,
        "headParameters": verification.head_parameters,
        "samplingRate": verification.sampling_rate,
        "windowS": verification.window_s,
        "parameters": verification.parameters,
        "sizeMb": verification.size_mb,
        "license": verification.license,
        "languages": verification.languages,
        "trainedOn": verification.trained_on,
        "expect": str(verification.expect) if verification.surprising and verification.expect is not None else None,
        "notes": verification.notes,
        "depth": verification.depth,
        "log": verification.log,
        "findings": [_finding(finding) for finding in verification.findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {"status": str(finding.status), "reason": finding.reason, "evidence": _evidence(finding.evidence)}


def _evidence(evidence: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    return [(name.replace("_", " "), _shortened(_written(value))) for name, value in evidence.items()]


def _written(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(member, str | int | float) for member in value):
        return ", ".join(map(str, value))
    if isinstance(value, dict) and all(isinstance(member, str | int | float) for member in value.values()):
        return ", ".join(f"{name}: {_written(member)}" for name, member in value.items())
    return json.dumps(value, ensure_ascii=False)


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_EVIDENCE else f"{text[:_LONGEST_EVIDENCE]} … (all in verification.json)"


@dataclass(frozen=True, kw_only=True)
class CandidateTable:
    """A table of one candidate on one corpus, as texts.

    Attributes:
        candidate: What tables call it.
        corpus: What tables call it.
        title: What it is about.
        columns: Headings; the first column names the rows.
        rows: Texts, as many as there are columns.
        note: What has to be known to read it.
    """

    candidate: str
    corpus: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def candidate_tables(leaderboard: Leaderboard) -> Iterator[CandidateTable]:
    """Write all that was measured beside scores and latency.

    Args:
        leaderboard: The scored run.
    """
    for groups in leaderboard.groups:
        for scored in groups.candidates:
            yield _of_groups(groups, scored)
    pairs = dict.fromkeys((each.candidate, each.corpus) for each in leaderboard.robustness)
    for candidate, corpus in pairs:
        own = [each for each in leaderboard.robustness if (each.candidate, each.corpus) == (candidate, corpus)]
        yield _of_perturbations(candidate, corpus, own)


def _of_groups(groups: CorpusGroups, scored: CandidateGroups) -> CandidateTable:
    sizes = {each.group: each for each in groups.groups}
    gap = ""
    if scored.gap is not None:
        gap = f" The gap between {scored.best} and {scored.worst} is "
        gap += f"{with_interval(scored.gap, scored.gap_low, scored.gap_high)}."
    return CandidateTable(
        candidate=scored.candidate,
        corpus=groups.corpus,
        title=f"By {groups.column}",
        columns=(groups.column, "clips", "speakers", "UAR"),
        rows=tuple(
            (
                each.group,
                f"{sizes[each.group].clips:,}" if each.group in sizes else UNKNOWN,
                f"{sizes[each.group].speakers:,}" if each.group in sizes else UNKNOWN,
                with_interval(each.uar, each.uar_low, each.uar_high),
            )
            for each in scored.scores
        ),
        note=f"Over {counted(len(groups.emotions), 'emotion')} that all of these parts have.{gap}",
    )


def _of_perturbations(candidate: str, corpus: str, rows: list[Robustness]) -> CandidateTable:
    return CandidateTable(
        candidate=candidate,
        corpus=corpus,
        title="When the audio is worse",
        columns=("what was done", "same answer", "UAR then", "UAR lost"),
        rows=tuple(
            (
                each.perturbation,
                fraction(each.unchanged) or UNKNOWN,
                fraction(each.perturbed_uar) or UNKNOWN,
                with_interval(each.uar_loss, each.uar_loss_low, each.uar_loss_high) or UNKNOWN,
            )
            for each in rows
        ),
        note=" ".join(dict.fromkeys(each.problem for each in rows if each.problem)),
    )


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
