"""The rows of a leaderboard, from evaluations, ranks and timings."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from benchmark.results.inference import LatencyMeasurement
from benchmark.results.leaderboard import CorpusSummary, LeaderboardRow
from benchmark.results.status import Status
from benchmark.results.verification import Verification
from benchmark.scoring.answers import Answers
from benchmark.scoring.decisions import confusion_matrix
from benchmark.scoring.diversity import Diversity, diversity
from benchmark.scoring.evaluations import CorpusBoard, StoredEvaluation
from benchmark.scoring.flags import Flag, RowFacts, row_flags, with_confirmation
from benchmark.scoring.gaps import speaker_spread
from benchmark.scoring.intervals import Interval, accuracy_interval, uar_interval
from benchmark.scoring.labels import soft_scores
from benchmark.scoring.latency import noise, summarise_latency
from benchmark.scoring.metrics import (
    above_guessing,
    accuracy,
    brier,
    common_uar,
    coverage,
    expected_calibration_error,
    macro_f1,
    majority_accuracy,
    shared_uar,
    uar,
    weighted_f1,
)
from benchmark.scoring.ranking import Standings, rank_corpus
from benchmark.scoring.seen import Seen
from benchmark.scoring.suspicion import suspicions


def scored_row(
    evaluated: StoredEvaluation, summary: CorpusSummary, standings: Standings, *, loose: bool
) -> LeaderboardRow:
    """The row of one evaluation, without its latency.

    Args:
        evaluated: The evaluation.
        summary: The corpus it was made on.
        standings: The ranking of that corpus.
        loose: Whether a coarse label of the corpus stands for an emotion.
    """
    answers, decisions = evaluated.answers, evaluated.decisions
    varied = diversity(answers) if evaluated.complete else None
    suspected = suspicions(evaluated, summary, standings.twins) if evaluated.complete else {}
    facts = _facts(evaluated, summary, varied, loose=loose)
    row = unscored_row(evaluated.verification, summary).model_copy(
        update={
            "revision": evaluated.evaluation.setup.revision,
            "head": evaluated.evaluation.setup.head,
            "device": evaluated.evaluation.setup.device,
            "backend": evaluated.evaluation.setup.backend,
            "dtype": evaluated.evaluation.setup.dtype,
            "seen": evaluated.seen.value,
            "clips": _clips(evaluated),
            "failed_clips": _failed_clips(evaluated, summary),
            "flags": tuple(flag.value for flag in row_flags(replace(facts, suspicions=frozenset(suspected)))),
            "flag_reasons": {flag.value: reason for flag, reason in suspected.items()},
        }
    )
    if not evaluated.complete:
        return row
    row = _with_soft_scores(_with_intervals(_with_diversity(row, varied), evaluated), answers)
    row = _with_speakers(row, evaluated)
    row = row.model_copy(
        update={
            "rank": standings.ranks.get(evaluated.evaluation.candidate),
            "coverage": coverage(answers),
            "accuracy": accuracy(decisions),
            "uar": uar(decisions),
            "adjusted_uar": above_guessing(uar(decisions), len(decisions.emotions)),
            "macro_f1": macro_f1(decisions),
            "weighted_f1": weighted_f1(decisions),
            "brier": brier(answers),
            "shared_uar": shared_uar(answers),
            "common_uar": common_uar(answers, standings.common_emotions),
            "majority_accuracy": majority_accuracy(decisions),
            "ece": expected_calibration_error(decisions),
        }
    )
    return with_confirmation(row, evaluated.verification)


def unscored_row(verification: Verification, summary: CorpusSummary) -> LeaderboardRow:
    """The row of a candidate on a corpus that it was not asked about before the run ended."""
    return candidate_row(verification).model_copy(
        update={
            "corpus": summary.name,
            "clips": 0,
            "failed_clips": len(summary.unreadable),
            "unscored_clips": sum(summary.unscored_labels.values()) + summary.tied_clips + summary.minority_clips,
            "flags": (Flag.INCOMPLETE.value,),
        }
    )


def candidate_row(verification: Verification, *flags: str) -> LeaderboardRow:
    """What is known of a candidate on any corpus; with its status as flag, the row of one that was not evaluated."""
    return LeaderboardRow(
        candidate=verification.candidate,
        revision=verification.revision,
        head=verification.head,
        emotions=len(verification.emotion_classes) if verification.labels else None,
        parameters=verification.parameters,
        size_mb=verification.size_mb,
        flags=flags,
    )


def with_latency(row: LeaderboardRow, measurement: LatencyMeasurement) -> LeaderboardRow:
    """The row with a measurement's timings, and with the device, backend and number format they belong to."""
    timings = summarise_latency(measurement)
    disturbed = noise(measurement)
    raised = {*row.flags, Flag.NOISY.value} if disturbed else set(row.flags)
    return row.model_copy(
        update={
            "flags": tuple(flag.value for flag in Flag if flag.value in raised),
            "flag_reasons": row.flag_reasons | ({Flag.NOISY.value: disturbed} if disturbed else {}),
            "device": measurement.device,
            "backend": measurement.backend,
            "dtype": measurement.dtype,
            "latency_p50_ms": timings.p50_ms,
            "latency_p90_ms": timings.p90_ms,
            "latency_p99_ms": timings.p99_ms,
            "rtfx": timings.rtfx,
            "latency_p50_low_ms": timings.p50_low_ms,
            "latency_p50_high_ms": timings.p50_high_ms,
            "latency_calls": len(measurement.calls_ms),
            "latency_stopped_by": measurement.stopped_by and measurement.stopped_by.value,
            "load_s": measurement.load_s,
            "peak_memory_mb": measurement.peak_memory_mb,
        }
    )


def _clips(evaluated: StoredEvaluation) -> int:
    answers = evaluated.answers
    if evaluated.complete and answers.scored.any():
        return int(answers.scored.sum())
    return int(answers.answered.sum())


def _failed_clips(evaluated: StoredEvaluation, summary: CorpusSummary) -> int:
    answers = evaluated.answers
    return len(summary.unreadable) + len(answers.truth) - int(answers.answered.sum()) - answers.missing


def _facts(evaluated: StoredEvaluation, summary: CorpusSummary, varied: Diversity | None, *, loose: bool) -> RowFacts:
    verification = evaluated.verification
    return RowFacts(
        complete=evaluated.complete,
        readable_clips=summary.clips,
        emotion_clips=tuple(summary.emotion_clips.values()),
        speakers=None if evaluated.counts is None else len(evaluated.counts.clips),
        collapsed=varied is not None and bool(varied.collapsed),
        narrow=varied is not None and varied.narrow,
        seen=evaluated.seen == Seen.YES,
        repaired=verification.status == Status.REPAIRED,
        loose_map=loose or evaluated.loose_map,
        multi_label=verification.multi_label,
        failed_clips=_failed_clips(evaluated, summary),
        limited=summary.available_clips > summary.clips + len(summary.unreadable),
        synthetic=summary.synthetic,
        duplicate_clips=summary.duplicate_clips,
        text_tie=summary.text_tie,
        speaker_tie=summary.speaker_tie,
        fixed_window=bool(verification.fixed_window),
    )


def _with_diversity(row: LeaderboardRow, varied: Diversity | None) -> LeaderboardRow:
    if varied is None:
        return row
    return row.model_copy(
        update={
            "entropy": varied.entropy,
            "effective_emotions": varied.effective_emotions,
            "informative_emotions": varied.informative_emotions,
            "top_emotion": varied.top_emotion,
            "top_share": varied.top_share,
            "collapsed": varied.collapsed,
        }
    )


def _with_soft_scores(row: LeaderboardRow, answers: Answers) -> LeaderboardRow:
    soft = soft_scores(answers.probabilities, answers.classes, answers.votes)
    if soft is None:
        return row
    return row.model_copy(update={"soft_cross_entropy": soft.cross_entropy, "soft_jensen_shannon": soft.jensen_shannon})


def _with_speakers(row: LeaderboardRow, evaluated: StoredEvaluation) -> LeaderboardRow:
    found = speaker_spread(evaluated.counts)
    if found is None:
        return row
    return row.model_copy(
        update={"speaker_measure": found.measure, "speaker_tenth": found.tenth, "speaker_spread": found.spread}
    )


def _with_intervals(row: LeaderboardRow, evaluated: StoredEvaluation) -> LeaderboardRow:
    confusion = confusion_matrix(evaluated.decisions)
    of_uar: Interval | None = uar_interval(confusion, evaluated.counts)
    of_accuracy: Interval | None = accuracy_interval(confusion, evaluated.counts)
    if of_uar is None or of_accuracy is None:
        return row
    return row.model_copy(
        update={
            "accuracy_low": of_accuracy.low,
            "accuracy_high": of_accuracy.high,
            "uar_low": of_uar.low,
            "uar_high": of_uar.high,
            "adjusted_uar_low": above_guessing(of_uar.low, len(confusion)),
            "adjusted_uar_high": above_guessing(of_uar.high, len(confusion)),
            "interval": of_uar.method.value,
        }
    )


@dataclass(frozen=True)
class _Setting:
    device: str | None
    backend: str | None
    dtype: str | None


def corpus_rows(
    board: CorpusBoard,
    candidates: Sequence[Verification],
    latencies: Sequence[LatencyMeasurement],
    *,
    rank_seen: bool = False,
) -> list[LeaderboardRow]:
    """All rows of one corpus: by rank, then by open UAR; those without a rank after those with one.

    A candidate has one row per device, backend and number format that it was evaluated or timed on. Right and wrong
    do not depend on the device, so that a device it was only timed on shows the scores of its evaluation.

    Args:
        board: What the candidates said.
        candidates: Those that the run evaluated on any corpus.
        latencies: All timings of the run.
        rank_seen: Rank candidates that were trained on the corpus, too.
    """
    deciding = [own[0] for verification in candidates if (own := board.of(verification.candidate))]
    standings = rank_corpus(deciding, rank_seen=rank_seen)
    blocks = [_candidate_rows(board, verification, latencies, standings) for verification in candidates]
    return [row for block in sorted(blocks, key=lambda rows: _place(rows[0])) for row in block]


def _candidate_rows(
    board: CorpusBoard, verification: Verification, latencies: Sequence[LatencyMeasurement], standings: Standings
) -> list[LeaderboardRow]:
    own = board.of(verification.candidate)
    scored = [scored_row(one, board.summary, standings, loose=board.loose) for one in own]
    rows = {_setting(row): row for row in scored}
    for measurement in latencies:
        if measurement.candidate != verification.candidate:
            continue
        setting = _Setting(measurement.device, measurement.backend, measurement.dtype)
        row = rows.get(setting) or _borrowed(scored, measurement.dtype) or _only_timed(board, verification, bool(own))
        rows[setting] = with_latency(row, measurement)
    ordered = [rows.pop(_setting(row)) for row in scored if _setting(row) in rows]
    return [*ordered, *rows.values()] or [unscored_row(verification, board.summary)]


def _borrowed(scored: Sequence[LeaderboardRow], dtype: str) -> LeaderboardRow | None:
    return next((row for row in scored if row.dtype == dtype), None)


def _only_timed(board: CorpusBoard, verification: Verification, evaluated: bool) -> LeaderboardRow:
    row = unscored_row(verification, board.summary)
    if not evaluated:
        return row
    return row.model_copy(update={"clips": None, "failed_clips": None, "flags": (Flag.LATENCY_ONLY.value,)})


def _setting(row: LeaderboardRow) -> _Setting:
    return _Setting(row.device, row.backend, row.dtype)


@dataclass(frozen=True, order=True)
class _Place:
    unranked: bool
    rank: int
    unscored: bool
    below_perfect: float


def _place(row: LeaderboardRow) -> _Place:
    return _Place(row.rank is None, row.rank or 0, row.uar is None, 1 - (row.uar or 0.0))
