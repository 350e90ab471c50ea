"""Everything that the page's scripts show, as plain data: rows, candidates with their verdicts, tables, clips."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from benchmark.reporting.leaderboard_tables import INTERVALS, is_at_least
from benchmark.reporting.numbers import UNKNOWN, counted, fraction, with_interval
from benchmark.results.analyses import AnswerProfile, CandidateGroups, ClipAnswers, CorpusGroups, HardClip, Robustness
from benchmark.results.leaderboard import ALL_CORPORA, Leaderboard, LeaderboardRow, NotEvaluated
from benchmark.results.leaderboard_columns import COLUMNS, Column, Shown, shown_in
from benchmark.results.runs import RunRecord
from benchmark.results.status import Status
from benchmark.results.verification import Verification
from benchmark.scoring.constraints import DISQUALIFYING
from benchmark.scoring.flags import FLAG_MEANINGS

_DIGITS = 4
_LONGEST_EVIDENCE = 400
# Candidate and corpus are sent as indices, the others are not shown.
_UNSENT_FIELDS = frozenset({"candidate", "corpus", "revision", "head", "metrics"})
_ROW_FIELDS = tuple(name for name in LeaderboardRow.model_fields if name not in _UNSENT_FIELDS)
_VERDICT_FIELDS = frozenset(
    {
        *("id", "revision", "reason", "architecture", "head", "head_parameters", "sampling_rate", "window_s"),
        *("parameters", "license", "languages", "trained_on", "notes", "log"),
    }
)


class _Indices:
    """Indices of candidates and corpora, which stand for their names in the page; the summary `*` has no index."""

    def __init__(self, leaderboard: Leaderboard, candidates: Iterable[str]) -> None:
        self.candidates = {name: index for index, name in enumerate(candidates)}
        self.corpora: dict[str | None, int] = {corpus.name: index for index, corpus in enumerate(leaderboard.corpora)}

    def of(self, candidate: str, corpus: str | None) -> dict[str, int | None]:
        return {"candidate": self.candidates.get(candidate), "corpus": self.corpora.get(corpus)}


def page_data(leaderboard: Leaderboard, record: RunRecord | None) -> dict[str, Any]:
    """Collect what the scripts show; without the record of the run, candidates have no evidence."""
    candidates = _candidates(leaderboard, record)
    indices = _Indices(leaderboard, (candidate["name"] for candidate in candidates))
    occurring = {flag for row in leaderboard.rows for flag in row.flags}
    fields = [name for name in _ROW_FIELDS if _is_filled(name, leaderboard)]
    return {
        "corpora": [
            {"name": corpus.name, "emotions": corpus.emotion_clips, "compared": len(corpus.compared_emotions)}
            for corpus in leaderboard.corpora
        ],
        "openIntervals": [name for name in INTERVALS if is_at_least(name)],
        "summaryCorpora": leaderboard.summary_corpora,
        "hasSummary": any(row.corpus == ALL_CORPORA for row in leaderboard.rows),
        "candidates": candidates,
        "fields": ["candidate", "corpus", *fields],
        "rows": [
            [*indices.of(row.candidate, row.corpus).values(), *(getattr(row, name) for name in fields)]
            for row in leaderboard.rows
            if row.corpus is not None
        ],
        "profiles": [
            indices.of(profile.candidate, profile.corpus) | _profile(profile) for profile in leaderboard.profiles
        ],
        "classes": [
            indices.of(scores.candidate, scores.corpus)
            | {"emotions": [score.emotion for score in scores.emotions], "confusion": scores.confusion}
            for scores in leaderboard.classes
        ],
        "tables": list(_tables(leaderboard, indices)),
        "hardClips": [
            {
                "corpus": indices.corpora.get(clips.corpus),
                "candidates": clips.candidates,
                "wrong": [_clip(clip, indices) for clip in clips.most_wrong],
                "disputed": [_clip(clip, indices) for clip in clips.most_disputed],
            }
            for clips in leaderboard.hard_clips
        ],
        "clipAnswers": [_clip_answers(answers, indices) for answers in leaderboard.clip_answers],
        "flags": {flag: meaning for flag, meaning in FLAG_MEANINGS.items() if flag in occurring},
        "disqualifying": list(DISQUALIFYING),
        "statuses": {str(status): {"verdict": str(status.verdict), "meaning": status.meaning} for status in Status},
        "columns": {name: _column(column) for name, column in COLUMNS.items()},
        "shown": {
            "board": [column.field for column in shown_in(Shown.PAGE)],
            "scores": [column.field for column in shown_in(Shown.PAGE_SCORES) if _is_filled(column.field, leaderboard)],
            "speed": [column.field for column in shown_in(Shown.PAGE_SPEED) if _is_filled(column.field, leaderboard)],
        },
    }


def _is_filled(field: str, leaderboard: Leaderboard) -> bool:
    """Whether to show a column: costs where a price was given, and what few candidates have where one has it."""
    if field == "cost_per_hour":
        return leaderboard.price_per_hour is not None
    return field != "prompt_spread" or any(row.prompt_spread is not None for row in leaderboard.rows)


def _candidates(leaderboard: Leaderboard, record: RunRecord | None) -> list[dict[str, Any]]:
    """Describe all candidates, in the order of the registry, or of the rows if the record is unknown."""
    verifications = {item.candidate: item for item in record.verifications} if record is not None else {}
    not_evaluated = {candidate.candidate: candidate for candidate in leaderboard.not_evaluated}
    names = dict.fromkeys([*verifications, *(row.candidate for row in leaderboard.rows), *not_evaluated])
    return [
        _candidate(name, verifications.get(name), not_evaluated.get(name)) | {"failure": leaderboard.failures.get(name)}
        for name in names
    ]


def _candidate(name: str, verification: Verification | None, absent: NotEvaluated | None) -> dict[str, Any]:
    known = verification or absent
    facts: dict[str, Any] = {
        "name": name,
        "status": "usable" if known is None else str(known.status),
        "evaluated": absent is None,
        "fallback": absent is not None and absent.fallback,
        "why": None if absent is None else absent.reason,
        "emotions": None if absent is None else absent.emotions,
    }
    if verification is None:
        return facts
    return facts | {
        **verification.model_dump(include=set(_VERDICT_FIELDS)),
        "emotions": len(verification.emotion_classes) if verification.labels else None,
        "labels": list(zip(verification.labels, verification.emotions, strict=True)),
        "size_mb": verification.size_mb,
        "expect": verification.expect if verification.surprising else None,
        "findings": [
            {"status": finding.status, "reason": finding.reason, "evidence": _evidence(finding.evidence)}
            for finding in verification.findings
        ],
    }


def _evidence(evidence: Mapping[str, Any]) -> list[tuple[str, str]]:
    texts = []
    for name, value in evidence.items():
        text = _evidence_text(value)
        if len(text) > _LONGEST_EVIDENCE:
            text = f"{text[:_LONGEST_EVIDENCE]} … (all in verification.json)"
        texts.append((name.replace("_", " "), text))
    return texts


def _evidence_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(member, str | int | float) for member in value):
        return ", ".join(map(str, value))
    if isinstance(value, dict) and all(isinstance(member, str | int | float) for member in value.values()):
        return ", ".join(f"{name}: {_evidence_text(member)}" for name, member in value.items())
    return json.dumps(value, ensure_ascii=False)


def _profile(profile: AnswerProfile) -> dict[str, Any]:
    bins = [
        (part.clips, round(part.confidence, _DIGITS), round(part.accuracy, _DIGITS)) for part in profile.reliability
    ]
    return profile.model_dump(include={"answers", "truth", "unanswered"}) | {"reliability": bins}


def _column(column: Column) -> dict[str, Any]:
    return {
        "title": column.title,
        "longTitle": column.long_title or column.title,
        "meaning": column.meaning,
        "format": column.format.value,
        "interval": column.interval,
    }


def _tables(leaderboard: Leaderboard, indices: _Indices) -> Iterator[dict[str, Any]]:
    """Tables of one candidate on one corpus that the page shows as they are."""
    for groups in leaderboard.groups:
        for scored in groups.candidates:
            yield indices.of(scored.candidate, groups.corpus) | _group_table(groups, scored)
    perturbed: dict[tuple[str, str], list[Robustness]] = {}
    for result in leaderboard.robustness:
        perturbed.setdefault((result.candidate, result.corpus), []).append(result)
    for (candidate, corpus), results in perturbed.items():
        yield indices.of(candidate, corpus) | _perturbation_table(results)


def _group_table(groups: CorpusGroups, scored: CandidateGroups) -> dict[str, Any]:
    rows = [
        (score.group, f"{size.clips:,}", f"{size.speakers:,}", with_interval(score.uar, score.uar_low, score.uar_high))
        for size, score in zip(groups.groups, scored.scores, strict=True)
    ]
    gap = ""
    if scored.gap is not None:
        size_of_gap = with_interval(scored.gap, scored.gap_low, scored.gap_high)
        gap = f" The gap between {scored.best} and {scored.worst} is {size_of_gap}."
    return {
        "title": f"By {groups.column}",
        "columns": (groups.column, "clips", "speakers", "UAR"),
        "rows": rows,
        "note": f"Over {counted(len(groups.emotions), 'emotion')} that all of these parts have.{gap}",
    }


def _perturbation_table(results: Sequence[Robustness]) -> dict[str, Any]:
    rows = [
        (
            result.perturbation,
            fraction(result.unchanged) or UNKNOWN,
            fraction(result.perturbed_uar) or UNKNOWN,
            with_interval(result.uar_loss, result.uar_loss_low, result.uar_loss_high) or UNKNOWN,
        )
        for result in results
    ]
    return {
        "title": "When the audio is worse",
        "columns": ("what was done", "same answer", "UAR then", "UAR lost"),
        "rows": rows,
        "note": " ".join(dict.fromkeys(result.problem for result in results if result.problem)),
    }


def _clip(clip: HardClip, indices: _Indices) -> dict[str, Any]:
    candidates: dict[str | None, list[int]] = {}
    for name, answer in clip.answers.items():
        candidates.setdefault(answer, []).append(indices.candidates[name])
    return {
        **clip.model_dump(include={"clip", "label", "emotion", "speaker", "duration_s", "able", "wrong"}),
        # The most frequent answer first: with many candidates far shorter than an answer for each.
        "answers": sorted(candidates.items(), key=lambda answer: -len(answer[1])),
    }


def _clip_answers(answers: ClipAnswers, indices: _Indices) -> dict[str, Any]:
    """The clips with an index of their answer for each candidate: one letter each, `@` for none, then from `A` on."""
    return {
        "corpus": indices.corpora.get(answers.corpus),
        "total": answers.total,
        "classes": answers.classes,
        "clips": [(clip.clip, clip.label, clip.emotion, clip.speaker, clip.duration_s) for clip in answers.clips],
        "answers": [
            (indices.candidates[name], "".join(chr(ord("A") + answer) for answer in own))
            for name, own in answers.answers.items()
        ],
    }
