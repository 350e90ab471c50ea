"""The rows of a leaderboard: one per candidate, corpus, device, backend and number format."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from benchmark.results.inference_record import LatencyMeasurement
from benchmark.results.leaderboard import CorpusSummary, LeaderboardRow
from benchmark.results.training_record import OUT_OF_FOLD, TRAINED_HERE
from benchmark.results.verification import Verification
from benchmark.scoring.collapse_and_diversity import diversity
from benchmark.scoring.evaluations import CorpusEvaluations, Evaluation, Setting
from benchmark.scoring.flags import (
    Flag,
    corpus_reasons,
    in_order,
    length_reasons,
    row_flags,
    stopping_reasons,
    training_reasons,
    with_confirmation,
)
from benchmark.scoring.gaps import speaker_columns
from benchmark.scoring.latency import latency_columns, noise
from benchmark.scoring.metrics import UserMetric, common_uar, metric_columns, user_metric_columns
from benchmark.scoring.published import corpus_names
from benchmark.scoring.ranking import Ranking
from benchmark.scoring.suspicion import suspicions
from benchmark.scoring.uneven_speakers import uneven_speakers


def corpus_rows(
    corpus: CorpusEvaluations,
    candidates: Sequence[Verification],
    latencies: Sequence[LatencyMeasurement],
    ranking: Ranking,
    *,
    user_metrics: Sequence[UserMetric] = (),
) -> list[LeaderboardRow]:
    """All rows of one corpus by the UAR that ranks rest on, those without a rank after those with one.

    A candidate has one row per device, backend and number format that it was evaluated or timed on. Answers do not
    depend on the device, so that a device that it was only timed on shows the scores of its evaluation.
    """
    blocks = []
    compared = [evaluation.compared for evaluation in corpus.complete]
    uneven = uneven_speakers(compared, corpus_names(corpus.summary), ranking.twins)
    for candidate in candidates:
        own = corpus.of(candidate.candidate)
        rows = [scored_row(evaluation, corpus, ranking, user_metrics, uneven) for evaluation in own]
        timings = [latency for latency in latencies if latency.candidate == candidate.candidate]
        rows = _with_latencies(rows, timings, candidate, corpus.summary)
        blocks.append(rows or [unscored_row(candidate, corpus.summary)])
    blocks.sort(key=_order)
    return [row for block in blocks for row in block]


def _order(block: Sequence[LeaderboardRow]) -> tuple[bool, bool, float]:
    row = block[0]
    return (row.rank is None, row.uar is None, -(row.ranking_uar or 0.0))


def _with_latencies(
    scored: Sequence[LeaderboardRow],
    latencies: Sequence[LatencyMeasurement],
    candidate: Verification,
    summary: CorpusSummary,
) -> list[LeaderboardRow]:
    """Add timings to the rows with their setting, and rows for settings that were only timed.

    Out-of-fold answers have no setting of their own that could be timed: they stand in the rows of the final model.
    """
    rows = {Setting.of(row): row for row in scored}
    for latency in latencies:
        setting = Setting.of(latency)
        row = rows.get(setting) or next((row for row in scored if row.dtype == latency.dtype), None)
        if row is None:
            row = unscored_row(candidate, summary)
            if scored:
                only_timed = {"clips": None, "failed_clips": None, "flags": (Flag.LATENCY_ONLY.value,)}
                row = row.model_copy(update=only_timed)
        rows[setting] = with_latency(row, latency)
    if any(row.head == TRAINED_HERE and setting.backend != OUT_OF_FOLD for setting, row in rows.items()):
        return [row for setting, row in rows.items() if setting.backend != OUT_OF_FOLD]
    return list(rows.values())


def scored_row(
    evaluation: Evaluation,
    corpus: CorpusEvaluations,
    ranking: Ranking,
    user_metrics: Sequence[UserMetric] = (),
    uneven: Mapping[str, str] = MappingProxyType({}),
) -> LeaderboardRow:
    """The row of one evaluation, without its latency; `uneven` has the reasons for `uneven-speakers` by candidate."""
    answers, setup, summary = evaluation.answers, evaluation.record.setup, corpus.summary
    variety = diversity(answers) if evaluation.complete or evaluation.is_stopped else None
    suspicious: dict[Flag, str] = {}
    if evaluation.complete:
        suspicious = suspicions(evaluation.compared, summary, ranking.twins, corpus.gain(evaluation))
        if evaluation.candidate in uneven:
            suspicious[Flag.UNEVEN_SPEAKERS] = uneven[evaluation.candidate]
    suspicious |= length_reasons(evaluation.verification, corpus.corpus.clips)
    reasons = stopping_reasons(evaluation) | training_reasons(evaluation) | corpus_reasons(summary) | suspicious
    is_scored = evaluation.complete and answers.scored.any()
    update: dict[str, object] = {
        "revision": setup.revision,
        "head": setup.head,
        **vars(evaluation.setting),
        "seen": evaluation.seen.value,
        "clips": int((answers.scored if is_scored else answers.answered).sum()),
        "failed_clips": len(summary.unreadable) + evaluation.failed_clips,
        "flags": row_flags(evaluation, summary, variety, suspicious),
        "flag_reasons": {flag.value: reason for flag, reason in reasons.items()},
    }
    if (stated := evaluation.stated_latency) is not None:
        update |= {"latency_p50_ms": stated.median_ms, "rtfx": stated.rtfx, "latency_calls": stated.clips}
    if evaluation.is_stopped:
        clips, unasked = len(answers.truth), evaluation.unasked_clips
        update |= {"stopped_after": clips - unasked, "stopped_of": clips}
        update |= {} if variety is None else variety.columns
    if evaluation.complete:
        interval = evaluation.compared.uar_interval
        standing = ranking.standings.get(evaluation.candidate)
        update |= {
            **({} if standing is None else vars(standing)),
            "common_uar": common_uar(answers, ranking.common_emotions),
            "interval": interval and interval.method.value,
            **metric_columns(evaluation),
            **({} if variety is None else variety.columns),
            **speaker_columns(evaluation.compared.counts),
            "heard_uar": evaluation.heard_uar,
            "prompt_spread": float(np.std(evaluation.phrasings, ddof=1)) if evaluation.phrasings else None,
            "metrics": user_metric_columns(evaluation.decisions, user_metrics),
        }
    row = unscored_row(evaluation.verification, summary).model_copy(update=update)
    return with_confirmation(row, evaluation.verification)


def unscored_row(verification: Verification, summary: CorpusSummary) -> LeaderboardRow:
    """The row of a candidate on a corpus on which it was not evaluated before the run ended."""
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
    """The facts on a candidate that hold on any corpus; with its status as flag, the row of one not evaluated."""
    return LeaderboardRow(
        candidate=verification.candidate,
        revision=verification.revision,
        head=verification.head,
        emotions=len(verification.emotion_classes) if verification.labels else None,
        parameters=verification.parameters,
        size_mb=verification.size_mb,
        trained_speakers=None if verification.trained_speakers is None else len(verification.trained_speakers),
        flags=flags,
    )


def with_latency(row: LeaderboardRow, measurement: LatencyMeasurement) -> LeaderboardRow:
    """The row with a measurement's timings, and with the device, backend and number format they belong to."""
    disturbance = noise(measurement)
    reasons = {Flag.NOISY.value: disturbance} if disturbance else {}
    update = {"flags": in_order({*row.flags, *reasons}), "flag_reasons": row.flag_reasons | reasons}
    return row.model_copy(update=update | latency_columns(measurement))
