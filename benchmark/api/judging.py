"""What a finished run exits with, and why."""

from benchmark.api.eligibility import judge_report
from benchmark.api.verify import INTERRUPTED, judge_verification
from benchmark.errors import EXIT_REQUEST
from benchmark.results.runs import CorpusRecord, RunRecord


def judge_run(record: RunRecord, *, strict: bool) -> tuple[int, tuple[str, ...]]:
    """Find out whether a run is as it was asked for.

    A corpus of which nothing can be read is a wrong request, though the reports of the others stand.

    Args:
        record: The run.
        strict: Whether a status that the registry does not expect, or an unreachable candidate, is a failure.

    Returns:
        What to exit with, and why that is not 0, in sentences for a person.
    """
    if record.interrupted:
        return INTERRUPTED
    unheard = [_why_unheard(corpus) for corpus in record.corpora if corpus.clips and not _is_heard(corpus)]
    if unheard:
        return EXIT_REQUEST, tuple(unheard)
    exit_code, problems = judge_verification(record.verifications, strict=strict)
    return judge_report(record) if exit_code == 0 else (exit_code, problems)


def _is_heard(corpus: CorpusRecord) -> bool:
    return any(clip.clip_hash is not None for clip in corpus.clips)


def _why_unheard(corpus: CorpusRecord) -> str:
    first = corpus.clips[0]
    reason = (first.failure or "no reason known").rstrip(".")
    return (
        f"Not one of the {len(corpus.clips)} clips of {corpus.name} can be read, such as {first.clip}: {reason}. "
        "Check the paths, and that the files are audio."
    )
