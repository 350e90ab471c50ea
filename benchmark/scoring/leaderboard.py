"""A finished run as a leaderboard: every candidate of the registry, scored, ranked and flagged, or with its reason."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from benchmark.results.analyses import CorpusAgreement
from benchmark.results.leaderboard import (
    ALL_CORPORA,
    CorpusSummary,
    Leaderboard,
    LeaderboardRow,
    NotEvaluated,
    deciding_rows,
)
from benchmark.results.predictions import InferenceSetup, Prediction
from benchmark.results.runs import CorpusRecord, RunRecord
from benchmark.results.status import Verdict
from benchmark.results.verification import Verification
from benchmark.scoring.array_file import ArrayFile
from benchmark.scoring.collapse_and_diversity import answer_profile
from benchmark.scoring.corpus_description import summarise_corpus
from benchmark.scoring.cues import candidate_cues
from benchmark.scoring.decisions import MIN_EMOTIONS
from benchmark.scoring.ensembles import EnsembleRequest, ensemble_row
from benchmark.scoring.evaluations import CorpusEvaluations, join_evaluation
from benchmark.scoring.flags import Flag, in_order
from benchmark.scoring.focus import focus_score
from benchmark.scoring.group_columns import find_columns
from benchmark.scoring.groups import corpus_groups
from benchmark.scoring.hard_clips import clip_answers, failed_clips, hard_clips
from benchmark.scoring.heard_speakers import heard_speakers, partly_seen, spoken_by
from benchmark.scoring.labels import label_clips
from benchmark.scoring.leaderboard_rows import candidate_row, corpus_rows
from benchmark.scoring.left_out import heard_clips, stopped_candidates
from benchmark.scoring.metrics import UserMetric, class_scores
from benchmark.scoring.next_clips import separates, without_scores
from benchmark.scoring.ranking import rank_corpus
from benchmark.scoring.robustness import robustness_rows
from benchmark.scoring.signature import with_signatures
from benchmark.scoring.trained_on import Seen
from benchmark.scoring.twins import near_twins
from benchmark.scoring.unlabelled import agreement
from benchmark.threads import DaemonPool, map_ahead

FindPredictions = Callable[[InferenceSetup], Mapping[str, Prediction]]
MIN_CORPORA = 2
ANSWERS_IN_MEMORY = 2_000_000
"""Of more answers to a corpus, the probabilities are kept in a temporary file; of eight emotions these are 128 MB."""
_T = TypeVar("_T")


def score_run(
    record: RunRecord,
    predictions: FindPredictions,
    *,
    rank_seen: bool = False,
    ensemble: EnsembleRequest | None = None,
    focus: Sequence[str] = (),
    metrics: Sequence[UserMetric] = (),
    by: Sequence[str] = (),
) -> Leaderboard:
    """Score a run from what it stored, without running a model.

    Args:
        record: The run.
        predictions: Finds the stored predictions of a setup, by the hash of the clip's audio.
        rank_seen: Rank candidates on corpora that they were trained on, too.
        ensemble: Candidates that get a common row, after all others of each corpus.
        focus: Emotions that are scored one by one, by their canonical names.
        metrics: The user's own.
        by: Columns of the corpora by which they are divided, beside sex, language and duration.

    Returns:
        Rows by corpus, best first, those without a rank after the ranked; then a summary over several corpora; then the
        candidates not evaluated.

    Raises:
        RequestError: A merge or an override of a corpus names an unknown emotion, or no corpus has a column of `by`.
    """
    columns = find_columns(by, [corpus.clips for corpus in record.corpora])
    evaluated = {evaluation.candidate for evaluation in record.evaluations}
    present = [candidate for candidate in record.verifications if candidate.candidate in evaluated]
    absent = [candidate for candidate in record.verifications if candidate.candidate not in evaluated]
    corpora = [corpus_evaluations(record, corpus, predictions, rank_seen=rank_seen) for corpus in record.corpora]
    scored = [corpus for corpus in corpora if not corpus.summary.separating]
    deciding = [evaluation for corpus in scored for evaluation in corpus.deciding]
    failures = _failures(record, corpora, present)
    rankings = [
        rank_corpus(corpus.deciding, rank_seen=rank_seen, separating=corpus not in scored) for corpus in corpora
    ]
    blocks = [
        corpus_rows(corpus, present, record.latencies, ranking, user_metrics=metrics)
        for corpus, ranking in zip(corpora, rankings, strict=True)
    ]
    rows = [row for block in blocks for row in block]
    ensembles = [] if ensemble is None else [ensemble_row(corpus, rows, ensemble) for corpus in corpora]
    for block, result in zip(blocks, ensembles, strict=False):
        if not isinstance(result, str):
            block.append(result)
    blocks = [
        block if corpus in scored else without_scores(block) for corpus, block in zip(corpora, blocks, strict=True)
    ]
    missing = " ".join(result for result in ensembles if isinstance(result, str))
    if ensemble is not None and missing:
        failures[ensemble.name] = missing
    summaries = tuple(
        corpus.summary.model_copy(update={"guessing_p": corpus.p_of_best(with_seen=rank_seen)}) for corpus in corpora
    )
    shared = shared_corpora([corpus.summary for corpus in scored], rows, rank_seen=rank_seen)
    all_rows = [row for block in blocks for row in block]
    all_rows += summary_rows(shared, rows, present, rank_seen=rank_seen)
    all_rows = with_signatures(all_rows, record, corpora, [corpus.name for corpus in shared])
    robustness = tuple(robustness_rows(record, scored, predictions))
    not_evaluated = tuple(_not_evaluated(record, candidate) for candidate in absent)
    for candidate, absence in zip(absent, not_evaluated, strict=True):
        flags = {Flag.FALLBACK: absence.fallback, Flag.INCOMPLETE: candidate.incomplete}
        raised = (flag.value for flag, is_raised in flags.items() if is_raised)
        all_rows.append(candidate_row(candidate, absence.status, *raised))
    return Leaderboard(
        created=record.created,
        request=record.request,
        environment=record.environment,
        nodes=record.nodes,
        registry=record.registry,
        min_emotions=record.min_emotions,
        limit=record.limit,
        interrupted=record.interrupted,
        segment_s=record.latencies[0].segment_s if record.latencies else None,
        threads=record.latencies[0].threads if record.latencies else None,
        corpora=summaries,
        rows=tuple(all_rows),
        not_evaluated=not_evaluated,
        failures=failures,
        agreements=tuple(_agreement(corpus) for corpus in corpora if not corpus.summary.emotion_clips),
        classes=_known(class_scores(evaluation) for evaluation in deciding),
        focus=_known(focus_score(evaluation, emotion) for emotion in focus for evaluation in deciding),
        focused=tuple(focus),
        summary_corpora=tuple(corpus.name for corpus in shared),
        robustness=robustness,
        cues=candidate_cues(robustness),
        pairs=tuple(pair for ranking in rankings for pair in ranking.pairs),
        inference=tuple({own.candidate: own.inference for own in record.evaluations if own.inference}.values()),
        failed_clips=tuple(failed_clips(corpora)),
        profiles=_known(answer_profile(evaluation) for evaluation in deciding),
        hard_clips=tuple(hard_clips(corpus) for corpus in corpora),
        clip_answers=_known(clip_answers(corpus, corpora=len(corpora)) for corpus in corpora),
        groups=tuple(groups for corpus in scored for groups in corpus_groups(corpus, columns)),
    )


def _known(values: Iterable[_T | None]) -> tuple[_T, ...]:
    return tuple(value for value in values if value is not None)


def corpus_evaluations(
    record: RunRecord, corpus: CorpusRecord, predictions: FindPredictions, *, rank_seen: bool = False
) -> CorpusEvaluations:
    """Join the stored predictions of a run on one corpus with its labels.

    Where candidates have heard a part of the speakers, only clips of the others are scored, unless `rank_seen`.

    Raises:
        RequestError: A merge or an override of the corpus names an unknown emotion.
    """
    whole = label_clips(corpus)
    heard = {} if rank_seen else heard_speakers(record, corpus, whole)
    summary, clips = summarise_corpus(corpus, whole), whole
    if heard:
        unheard = {speaker for speaker in whole.speakers if speaker is not None}.difference(*heard.values())
        clips = spoken_by(whole, unheard)
        summary = summarise_corpus(corpus, clips)
        not_scored = (*summary.left_out, heard_clips(whole, clips, tuple(heard)))
        partly = {"unheard_speakers": len(unheard), "heard_by": tuple(heard), "left_out": not_scored}
        summary = summary.model_copy(update=partly)
    pairs = [
        (evaluation, verification)
        for verification in record.verifications
        for evaluation in record.evaluations
        if (evaluation.candidate, evaluation.corpus) == (verification.candidate, corpus.name)
    ]
    file = ArrayFile() if len(pairs) * len(clips.clips) > ANSWERS_IN_MEMORY else None
    with DaemonPool(1, "read") as pool:  # the next table is read while one is joined
        tables = map_ahead(pool, predictions, [evaluation.setup for evaluation, _ in pairs], ahead=2)
        evaluations = tuple(
            partly_seen(join_evaluation(evaluation, verification, corpus, table, clips, file), heard, whole)
            for (evaluation, verification), table in zip(pairs, tables, strict=True)
        )
    stopped = () if corpus.race is None else (stopped_candidates(corpus.race, evaluations),)
    update = {"separating": separates(corpus.clips), "left_out": (*summary.left_out, *stopped)}
    return CorpusEvaluations(
        corpus=corpus, summary=summary.model_copy(update=update), clips=clips, evaluations=evaluations
    )


def _agreement(corpus: CorpusEvaluations) -> CorpusAgreement:
    answers = {evaluation.candidate: evaluation.answers for evaluation in corpus.complete}
    return agreement(corpus.summary.name, answers, near_twins(corpus.complete))


def _not_evaluated(record: RunRecord, candidate: Verification) -> NotEvaluated:
    reason, emotions = candidate.reason, len(candidate.emotion_classes)
    if candidate.verdict == Verdict.USABLE:
        ended = "The run was stopped before its turn." if record.interrupted else "The run did not ask for it."
        reason = record.ineligible.get(candidate.candidate, ended)
    return NotEvaluated(
        candidate=candidate.candidate,
        status=candidate.status.value,
        reason=reason,
        emotions=emotions,
        fallback=candidate.verdict == Verdict.USABLE and emotions < record.min_emotions,
        log=candidate.log,
    )


def _failures(
    record: RunRecord, corpora: Sequence[CorpusEvaluations], candidates: Sequence[Verification]
) -> dict[str, str]:
    """Work that ended early, by candidate: verifications, evaluations in the order of the corpora, timings."""
    failures: defaultdict[str, list[str]] = defaultdict(list)
    for verdict in record.verifications:
        if verdict.incomplete:
            failures[verdict.candidate].append(f"verification: {verdict.reason}")
    for corpus in corpora:
        name = corpus.summary.name
        for candidate in candidates:
            own = corpus.of(candidate.candidate)
            if not own:
                failures[candidate.candidate].append(f"{name}: not evaluated before the run ended.")
            for evaluation in own:
                if evaluation.record.failure is not None:
                    failures[candidate.candidate].append(f"{name}: {evaluation.record.failure}")
                elif not (evaluation.complete or evaluation.is_stopped):
                    missing = f"{evaluation.answers.missing} of {len(evaluation.answers.truth)} clips"
                    failures[candidate.candidate].append(
                        f"{name}: no answer is stored for {missing}; `bench run` asks for what is missing."
                    )
    names = {corpus.summary.name for corpus in corpora}
    for perturbed in record.perturbed:
        if perturbed.failure is not None and perturbed.corpus in names:
            where = f"{perturbed.corpus}, {perturbed.setup.perturbation}"
            failures[perturbed.candidate].append(f"{where}: {perturbed.failure}")
    for measurement in record.latencies:
        if measurement.failure is not None:
            failures[measurement.candidate].append(f"latency on {measurement.device}: {measurement.failure}")
    return {candidate: " ".join(sentences) for candidate, sentences in failures.items()}


def shared_corpora(
    corpora: Sequence[CorpusSummary], rows: Sequence[LeaderboardRow], *, rank_seen: bool
) -> tuple[CorpusSummary, ...]:
    """The corpora of a summary: on which all ranked candidates are scored, and, but for `rank_seen`, not trained.

    There are none where they are fewer than two, or nobody is ranked on any.
    """
    ranked = {row.candidate for row in rows if row.rank is not None}
    scored = {key for key, row in deciding_rows(rows).items() if _counts(row, rank_seen=rank_seen)}
    shared = tuple(
        corpus
        for corpus in corpora
        if len(corpus.emotion_clips) >= MIN_EMOTIONS and all((name, corpus.name) in scored for name in ranked)
    )
    return shared if ranked and len(shared) >= MIN_CORPORA else ()


def summary_rows(
    shared: Sequence[CorpusSummary],
    rows: Sequence[LeaderboardRow],
    candidates: Sequence[Verification],
    *,
    rank_seen: bool,
) -> list[LeaderboardRow]:
    """Summarise a run over `shared_corpora`, a row per candidate with `*` as its corpus, the best first.

    Clips are never pooled. The interval follows from those of the corpora, whose speakers are different people: its
    ends are √Σ(θ − end)² / C from the mean (MOVER: G. Y. Zou and A. Donner, Statistics in Medicine 27, 2008). A
    candidate without a score on all of the corpora has no number.
    """
    deciding, summaries = deciding_rows(rows), []
    for candidate in candidates if shared else ():
        own = [deciding[candidate.candidate, corpus.name] for corpus in shared]
        flags = {flag for flag in own[0].flags if all(flag in row.flags for row in own)}
        flags |= {flag for flag in (Flag.INCOMPLETE, Flag.SEEN, Flag.ADAPTED) if any(flag in row.flags for row in own)}
        row = candidate_row(candidate, *in_order(flags)).model_copy(update={"corpus": ALL_CORPORA})
        if all(_counts(scored, rank_seen=rank_seen) for scored in own):
            row = row.model_copy(update=_mean_columns(own))
        summaries.append(row)
    return sorted(summaries, key=lambda row: (row.adjusted_uar is None, -(row.adjusted_uar or 0.0)))


def _mean_columns(rows: Sequence[LeaderboardRow]) -> dict[str, float]:
    ends = [(row.adjusted_uar, row.adjusted_uar_low, row.adjusted_uar_high) for row in rows]
    scores, lows, highs = np.array(ends, dtype=np.float64).T
    mean = float(scores.mean())
    below, above = (float(np.sqrt(((scores - end) ** 2).sum()) / len(rows)) for end in (lows, highs))
    return {
        "adjusted_uar": mean,
        "adjusted_uar_low": mean - below,
        "adjusted_uar_high": min(mean + above, 1.0),
    }


def _counts(row: LeaderboardRow, *, rank_seen: bool) -> bool:
    """Whether a row is scored on a corpus that its candidate was not trained on."""
    return row.uar is not None and (rank_seen or row.seen != Seen.YES)
