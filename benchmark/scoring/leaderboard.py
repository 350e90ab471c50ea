"""A finished run as a leaderboard: every candidate of the registry, scored, ranked, flagged, or with its reason."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from benchmark.emotions.merges import Merges
from benchmark.results.agreement import CorpusAgreement
from benchmark.results.leaderboard import Leaderboard, LeaderboardRow, NotEvaluated
from benchmark.results.predictions import InferenceSetup, Prediction
from benchmark.results.runs import CorpusRecord, RunRecord
from benchmark.results.status import Verdict
from benchmark.results.verification import Verification
from benchmark.scoring.across_corpora import shared_corpora, summary_rows
from benchmark.scoring.agreement import agreement
from benchmark.scoring.answer_profiles import answer_profile
from benchmark.scoring.class_scores import class_scores
from benchmark.scoring.corpus_board import CorpusBoard, corpus_rows
from benchmark.scoring.corpus_summary import has_loose_labels, summarise_corpus
from benchmark.scoring.ensemble_requests import EnsembleRequest
from benchmark.scoring.ensemble_rows import EnsembleRow, ensemble_row
from benchmark.scoring.evaluated import evaluate_stored
from benchmark.scoring.failed_clips import failed_clips
from benchmark.scoring.flags import Flag
from benchmark.scoring.focus import focus_score
from benchmark.scoring.groups.columns import wanted_columns
from benchmark.scoring.groups.corpus_groups import run_groups
from benchmark.scoring.hard_clips import hard_clips
from benchmark.scoring.labelled_clips import label_clips
from benchmark.scoring.robustness_rows import robustness_rows
from benchmark.scoring.rows import candidate_row
from benchmark.scoring.suspicion.twins import near_twins
from benchmark.scoring.user_metrics import Metric, with_metrics

FindPredictions = Callable[[InferenceSetup], Mapping[str, Prediction]]


def score_run(
    record: RunRecord,
    predictions: FindPredictions,
    *,
    rank_seen: bool = False,
    ensemble: EnsembleRequest | None = None,
    focus: Sequence[str] = (),
    metrics: Sequence[Metric] = (),
    by: Sequence[str] = (),
) -> Leaderboard:
    """Score a run from what it stored, without running a model.

    Args:
        record: What was asked, on what audio, and where each answer lies.
        predictions: Finds the stored predictions of a setup, by the hash of the clip's audio.
        rank_seen: Rank candidates on corpora that they were trained on, too.
        focus: Emotions that are looked for one by one, by their canonical names.
        metrics: The user's own.
        by: Columns of the corpora by which they are taken apart, beside sex, language and duration.
        ensemble: Candidates that get a row together, behind all others of each corpus.

    Returns:
        Rows by corpus, best first, those without a rank after the ranked; then a summary over several corpora; then the
        candidates not evaluated.

    Raises:
        RequestError: A merge or an override of a corpus names an emotion that nobody knows, or no corpus has a column
            of `by`.
    """
    columns = wanted_columns(by, [corpus.clips for corpus in record.corpora])
    evaluated = {evaluation.candidate for evaluation in record.evaluations}
    present = [verification for verification in record.verifications if verification.candidate in evaluated]
    absent = [verification for verification in record.verifications if verification.candidate not in evaluated]
    boards = [_board(record, corpus, predictions) for corpus in record.corpora]
    summaries = tuple(board.summary for board in boards)
    rows = [
        row
        for board in boards
        for row in with_metrics(board, corpus_rows(board, present, record.latencies, rank_seen=rank_seen), metrics)
    ]
    deciding = [own[0] for board in boards for each in present if (own := board.of(each.candidate))]
    together = [] if ensemble is None else [ensemble_row(board, rows, ensemble) for board in boards]
    across = summary_rows(summaries, rows, present, rank_seen=rank_seen)
    others = [_row_without_corpus(record, verification) for verification in absent]
    return Leaderboard(
        created=record.created,
        environment=record.environment,
        registry=record.registry,
        min_emotions=record.min_emotions,
        limit=record.limit,
        interrupted=record.interrupted,
        segment_s=record.latencies[0].segment_s if record.latencies else None,
        threads=record.latencies[0].threads if record.latencies else None,
        corpora=summaries,
        rows=(*_with_ensembles(rows, together), *across, *others),
        not_evaluated=tuple(_not_evaluated(record, verification) for verification in absent),
        failures=_failures(record, boards, present) | _ensemble_problems(ensemble, together),
        agreements=tuple(_agreement(board) for board in boards if not board.summary.emotion_clips),
        classes=tuple(found for one in deciding if (found := class_scores(one)) is not None),
        focus=tuple(score for name in focus for one in deciding if (score := focus_score(one, name)) is not None),
        focused=tuple(focus),
        summary_corpora=shared_corpora(summaries, rows, rank_seen=rank_seen),
        robustness=tuple(robustness_rows(record, boards, predictions)),
        inference=tuple(
            {one.candidate: one.inference for one in record.evaluations if one.inference is not None}.values()
        ),
        failed_clips=tuple(failed_clips(record, boards, predictions)),
        profiles=tuple(profile for one in deciding if (profile := answer_profile(one)) is not None),
        hard_clips=tuple(
            hard_clips(corpus, [one for one in deciding if one.evaluation.corpus == corpus.name])
            for corpus in record.corpora
        ),
        groups=run_groups(record.corpora, columns, deciding),
    )


def _agreement(board: CorpusBoard) -> CorpusAgreement:
    deciding = [board.of(name)[0] for name in dict.fromkeys(one.evaluation.candidate for one in board.evaluated)]
    complete = [one for one in deciding if one.complete]
    answers = {one.evaluation.candidate: one.answers for one in complete}
    return agreement(board.summary.name, answers, near_twins(complete))


def _with_ensembles(rows: Sequence[LeaderboardRow], together: Sequence[EnsembleRow]) -> list[LeaderboardRow]:
    """Put each ensemble's row behind the others of its corpus."""
    found = {one.row.corpus: one.row for one in together if one.row is not None}
    last = {row.corpus: place for place, row in enumerate(rows)}
    ordered = []
    for place, row in enumerate(rows):
        ordered.append(row)
        if last[row.corpus] == place and row.corpus in found:
            ordered.append(found[row.corpus])
    return ordered


def _ensemble_problems(ensemble: EnsembleRequest | None, together: Sequence[EnsembleRow]) -> dict[str, str]:
    problems = [one.problem for one in together if one.problem is not None]
    return {ensemble.name: " ".join(problems)} if ensemble is not None and problems else {}


def _board(record: RunRecord, corpus: CorpusRecord, predictions: FindPredictions) -> CorpusBoard:
    verifications = {verification.candidate: verification for verification in record.verifications}
    merges = Merges(corpus.merge)
    heard = label_clips(corpus, merges)
    return CorpusBoard(
        summary=summarise_corpus(corpus, merges),
        evaluated=tuple(
            evaluate_stored(
                evaluation, verifications[evaluation.candidate], corpus, predictions(evaluation.setup), merges, heard
            )
            for evaluation in record.evaluations
            if evaluation.corpus == corpus.name
        ),
        loose=has_loose_labels(corpus),
    )


def _is_fallback(record: RunRecord, verification: Verification) -> bool:
    return verification.verdict == Verdict.USABLE and len(verification.emotion_classes) < record.min_emotions


def _row_without_corpus(record: RunRecord, verification: Verification) -> LeaderboardRow:
    fallback = (Flag.FALLBACK.value,) if _is_fallback(record, verification) else ()
    return candidate_row(verification, verification.status.value, *fallback)


def _not_evaluated(record: RunRecord, verification: Verification) -> NotEvaluated:
    reason = verification.reason
    if verification.verdict == Verdict.USABLE:
        ended = "The run was stopped before its turn." if record.interrupted else "The run did not ask for it."
        reason = record.ineligible.get(verification.candidate, ended)
    return NotEvaluated(
        candidate=verification.candidate,
        status=verification.status.value,
        reason=reason,
        emotions=len(verification.emotion_classes),
        fallback=_is_fallback(record, verification),
        log=verification.log,
    )


def _failures(record: RunRecord, boards: Sequence[CorpusBoard], candidates: Sequence[Verification]) -> dict[str, str]:
    """What ended early, by candidate, in the order of the corpora; timings last."""
    ended: defaultdict[str, list[str]] = defaultdict(list)
    for board in boards:
        for verification in candidates:
            own = board.of(verification.candidate)
            if not own:
                ended[verification.candidate].append(f"{board.summary.name}: not evaluated before the run ended.")
            for one in own:
                if one.evaluation.failure is not None:
                    ended[verification.candidate].append(f"{board.summary.name}: {one.evaluation.failure}")
                elif not one.complete:
                    asked = f"{one.answers.missing} of {len(one.answers.truth)} clips"
                    ended[verification.candidate].append(
                        f"{board.summary.name}: no answer is stored for {asked}; `bench run` asks for what is missing."
                    )
    for measurement in record.latencies:
        if measurement.failure is not None:
            ended[measurement.candidate].append(f"latency on {measurement.device}: {measurement.failure}")
    return {candidate: " ".join(texts) for candidate, texts in ended.items()}
