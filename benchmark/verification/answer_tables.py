"""The verdict on a candidate that is a table of answers: nothing is loaded, and its labels must name emotions."""

import functools
from pathlib import Path

from benchmark.corpora.answer_tables import AnswerTable, read_answers
from benchmark.errors import RequestError
from benchmark.registry.schema import Candidate
from benchmark.results.predictions import IMPORTED
from benchmark.results.status import Status
from benchmark.results.verification import Finding, Verification
from benchmark.verification.labels import candidate_labels, label_findings, named
from benchmark.verification.verdict_store import registry_fields


def answers_of(candidate: Candidate, *, dimensions: bool = False) -> AnswerTable:
    """Read the table of a candidate; a file that has not changed since is not read again.

    Args:
        dimensions: Read ratings of arousal, valence and dominance instead of answers that name emotions.

    Raises:
        RequestError: It cannot be read as one.
        ValueError: The candidate is a model.
    """
    path = candidate.answers_path
    if path is None:
        raise ValueError(f"{candidate.name} is no table of answers")
    try:
        status = path.stat()
        state = (status.st_mtime_ns, status.st_size)
    except OSError:
        state = (0, 0)
    columns, labels = tuple(candidate.columns.items()), tuple(candidate.labels.items())
    return _read(path, candidate.answers_of, columns, labels, state, dimensions)


@functools.lru_cache(maxsize=8)
def _read(
    path: Path,
    name: str,
    columns: tuple[tuple[str, str], ...],
    labels: tuple[tuple[str, str], ...],
    _state: tuple[int, int],  # another one is another content
    dimensions: bool,
) -> AnswerTable:
    return read_answers(path, candidate=name, columns=dict(columns), labels=dict(labels), dimensions=dimensions)


def verify_answers(candidate: Candidate, *, dimensions: bool = False) -> Verification:
    """Find out whether a table holds the answers of a classifier of emotions, or ratings of dimensions.

    Raises:
        RequestError: The registry overrides a label that the table does not have.
    """
    try:
        answers = answers_of(candidate, dimensions=dimensions)
    except RequestError as error:
        is_missing = candidate.answers_path is None or not candidate.answers_path.exists()
        status = Status.NOT_FOUND if is_missing else Status.INVALID_CONFIG
        return _verification(candidate, (Finding(status=status, reason=str(error)),))
    if dimensions:
        reason = f"A table of ratings for {len(answers.clips)} clips ({named(answers.labels)})."
        return _verification(
            candidate,
            (Finding(status=Status.DIMENSIONAL, reason=reason),),
            revision=answers.digest,
            labels=answers.labels,
            emotions=(None,) * len(answers.labels),
            head=IMPORTED,
            notes=answers.notes,
        )
    label_map = candidate_labels(candidate, answers.labels)
    config = {"id2label": dict(enumerate(answers.labels))}
    findings = tuple(label_findings(config, label_map)) or (_usable(answers, len(label_map.classes)),)
    notes = list(answers.notes)
    if label_map.unmapped:
        notes.append(f"labels that map to nothing: {named(label_map.unmapped)}")
    return _verification(
        candidate,
        findings,
        revision=answers.digest,
        labels=answers.labels,
        emotions=label_map.emotions,
        head=IMPORTED if findings[0].status is Status.USABLE else None,
        notes=tuple(notes),
    )


def _usable(answers: AnswerTable, classes: int) -> Finding:
    what = "scores" if answers.has_scores else "answers"
    without = f", {len(answers.failures)} of them without an answer" if answers.failures else ""
    reason = f"A table of {what} for {len(answers.clips)} clips{without}, which distinguishes {classes} classes."
    return Finding(status=Status.USABLE, reason=reason)


def _verification(candidate: Candidate, findings: tuple[Finding, ...], **fields: object) -> Verification:
    return Verification.model_validate(
        {
            "id": candidate.id,
            "status": findings[0].status,
            "reason": findings[0].reason,
            "findings": findings,
            **registry_fields(candidate),
            **fields,
        }
    )
