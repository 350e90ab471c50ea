"""A finished run as a leaderboard: every candidate of the registry, scored, ranked, flagged, or with its reason."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from benchmark.emotions.merges import Merges
from benchmark.results.analyses import CorpusAgreement
from benchmark.results.leaderboard import ALL_CORPORA, CorpusSummary, Leaderboard, LeaderboardRow, NotEvaluated
from benchmark.results.predictions import InferenceSetup, Prediction
from benchmark.results.runs import CorpusRecord, RunRecord
from benchmark.results.status import Verdict
from benchmark.results.verification import Verification
from benchmark.scoring.corpus_description import has_loose_labels, summarise_corpus
from benchmark.scoring.diversity import answer_profile
from benchmark.scoring.ensembles import EnsembleRequest, EnsembleRow, ensemble_row
from benchmark.scoring.evaluations import CorpusBoard, evaluate_stored
from benchmark.scoring.flags import Flag
from benchmark.scoring.focus import focus_score
from benchmark.scoring.group_columns import wanted_columns
from benchmark.scoring.groups import run_groups
from benchmark.scoring.hard_clips import failed_clips, hard_clips
from benchmark.scoring.labels import label_clips
from benchmark.scoring.metrics import Metric, above_guessing, class_scores, with_metrics
from benchmark.scoring.ranking import near_twins
from benchmark.scoring.robustness import robustness_rows
from benchmark.scoring.rows import candidate_row, corpus_rows
from benchmark.scoring.seen import Seen
from benchmark.scoring.unlabelled import agreement

FEWEST_CORPORA = 2


FEWEST_EMOTIONS = 2


def shared_corpora(
    corpora: Sequence[CorpusSummary], rows: Sequence[LeaderboardRow], *, rank_seen: bool = False
) -> tuple[str, ...]:
    """List the corpora that a summary is about: on which all ranked candidates are scored, and which none has seen.

    Args:
        corpora: All corpora of the run.
        rows: Their rows, a candidate's deciding one first.
        rank_seen: Whether it does not matter that a candidate was trained on a corpus.

    Returns:
        Their names in the run's order; none where they are fewer than two, and where nobody is ranked on any.
    """
    ranked = {row.candidate for row in rows if row.rank is not None}
    if not ranked:
        return ()
    found = []
    for corpus in corpora:
        scored = {row.candidate for row in _deciding(rows, corpus.name) if _counts(row, rank_seen=rank_seen)}
        if len(corpus.emotion_clips) >= FEWEST_EMOTIONS and ranked <= scored:
            found.append(corpus.name)
    return tuple(found) if len(found) >= FEWEST_CORPORA else ()


def summary_rows(
    corpora: Sequence[CorpusSummary],
    rows: Sequence[LeaderboardRow],
    candidates: Sequence[Verification],
    *,
    rank_seen: bool = False,
) -> list[LeaderboardRow]:
    """Summarise a run over its corpora, a row per candidate with `*` as its corpus, the best first.

    Clips are never pooled. The interval follows from those of the corpora, whose speakers are other people each: its
    ends lie √Σ(θ − end)² / C from the mean (MOVER: G. Y. Zou and A. Donner, Statistics in Medicine 27, 2008).

    Args:
        corpora: All corpora of the run.
        rows: Their rows, a candidate's deciding one first.
        candidates: Those that the run evaluated.
        rank_seen: Whether a candidate that was trained on one of the corpora gets a number, too.

    Returns:
        Nothing where `shared_corpora` finds none; a candidate without a score on all of those has no number.
    """
    names = shared_corpora(corpora, rows, rank_seen=rank_seen)
    if not names:
        return []
    own = {name: {row.candidate: row for row in _deciding(rows, name)} for name in names}
    emotions = {corpus.name: len(corpus.emotion_clips) for corpus in corpora}
    summaries = [
        _summary(verification, [own[name][verification.candidate] for name in names], emotions, rank_seen=rank_seen)
        for verification in candidates
    ]
    return sorted(summaries, key=lambda row: (row.adjusted_uar is None, -(row.adjusted_uar or 0.0)))


def _summary(
    verification: Verification, own: Sequence[LeaderboardRow], emotions: dict[str, int], *, rank_seen: bool
) -> LeaderboardRow:
    flags = {flag for flag in own[0].flags if all(flag in row.flags for row in own)}
    flags |= {flag.value for flag in (Flag.INCOMPLETE, Flag.SEEN) if any(flag in row.flags for row in own)}
    row = candidate_row(verification, *(flag.value for flag in Flag if flag in flags))
    row = row.model_copy(update={"corpus": ALL_CORPORA})
    if not all(_counts(each, rank_seen=rank_seen) for each in own):
        return row
    scores = np.array([
        [above_guessing(score, emotions[each.corpus or ""]) for score in (each.uar, each.uar_low, each.uar_high)]
        for each in own
    ])  # fmt: skip
    mean = float(scores[:, 0].mean())
    below, above = (np.sqrt(((scores[:, 0] - scores[:, end]) ** 2).sum()) / len(own) for end in (1, 2))
    return row.model_copy(
        update={
            "adjusted_uar": mean,
            "adjusted_uar_low": mean - float(below),
            "adjusted_uar_high": min(mean + float(above), 1.0),
        }
    )


def _counts(row: LeaderboardRow, *, rank_seen: bool) -> bool:
    return row.uar is not None and (rank_seen or row.seen != Seen.YES)


def _deciding(rows: Sequence[LeaderboardRow], corpus: str) -> list[LeaderboardRow]:
    """The first row of each candidate on a corpus."""
    first: dict[str, LeaderboardRow] = {}
    for row in rows:
        if row.corpus == corpus:
            first.setdefault(row.candidate, row)
    return list(first.values())


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
        request=record.request,
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
