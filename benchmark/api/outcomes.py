"""Results of the commands, and the exit codes of verifications and runs."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.errors import EXIT_ENVIRONMENT, EXIT_INTERRUPTED, EXIT_REQUEST, EXIT_UNMET
from benchmark.reporting.escaping import markdown_text, plain_text
from benchmark.reporting.markdown import code_span
from benchmark.reporting.notebook import (
    Folded,
    leaderboard_blocks,
    leaderboard_details,
    leaderboard_summary,
    result_html,
)
from benchmark.results.display import PlotKind
from benchmark.results.leaderboard import Leaderboard
from benchmark.results.runs import CorpusRecord, RunRecord
from benchmark.results.status import Status, Verdict
from benchmark.results.verification import Verification

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

Judgement = tuple[int, tuple[str, ...]]
"""An exit code, and the reasons if it is not 0."""

INTERRUPTED: Judgement = (
    EXIT_INTERRUPTED,
    ("Interrupted; what was finished is kept, and the same command goes on from there.",),
)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Result of a command.

    Attributes:
        files: The files that were written.
        exit_code: Of the command line.
        problems: The reasons if it is not 0, in sentences.
    """

    files: tuple[Path, ...] = ()
    exit_code: int = 0
    problems: tuple[str, ...] = ()

    def _html(self, blocks: Sequence[str], folded: Sequence[Folded] = ()) -> str:
        """Show blocks of Markdown in a notebook, below the problems and above the page that was written."""
        problems = [f"> **{markdown_text(problem)}**" for problem in self.problems]
        page = [f"Open {code_span(str(path))}." for path in self.files if path.suffix == ".html"]
        return result_html([*problems, *blocks, *page], folded=folded)

    def _in_short(self, text: str) -> str:
        """Write a text that stands for the whole, and why the exit code is not 0."""
        problems = "" if self.exit_code == 0 else f"\nexit code {self.exit_code}: {' '.join(self.problems)}"
        lines = "\n ".join(map(plain_text, f"{text}{problems}".splitlines()))
        return f"<{type(self).__name__}: {lines}>"


@dataclass(frozen=True, kw_only=True)
class ScoredOutcome(Outcome):
    """Result of a command that scores a run.

    Attributes:
        leaderboard: Every candidate, with its scores or the reason why it has none.
        record: The run, or its selected part.
    """

    leaderboard: Leaderboard
    record: RunRecord

    def __repr__(self) -> str:
        return self._in_short(leaderboard_summary(self.leaderboard))

    def _repr_html_(self) -> str:
        return self._html(leaderboard_blocks(self.leaderboard), leaderboard_details(self.leaderboard))

    def to_dataframe(self) -> "pd.DataFrame":
        """Give the rows of the leaderboard; see `Leaderboard.to_dataframe`."""
        return self.leaderboard.to_dataframe()

    def plot(self, kind: PlotKind = "pareto", *, corpus: str | None = None) -> "Figure":
        """Draw UAR against latency, or the `intervals` of UAR; see `Leaderboard.plot`.

        Raises:
            RequestError: matplotlib is not installed, there is no such corpus, or nothing to draw.
        """
        return self.leaderboard.plot(kind, corpus=corpus)

    @property
    def complete(self) -> bool:
        """Whether everything that the run was asked for came to its end."""
        return self.leaderboard.complete


def judge_verification(verifications: Sequence[Verification], *, strict: bool) -> Judgement:
    """Fail if a candidate has lost its worker twice, or as `_judge_statuses`."""
    lost = [candidate for candidate in verifications if candidate.incomplete]
    if not lost:
        return _judge_statuses(verifications, strict=strict)
    problems = tuple(f"{candidate.candidate} has no verdict: {candidate.reason}" for candidate in lost)
    code, others = _judge_statuses(verifications, strict=strict)
    return EXIT_ENVIRONMENT if len(lost) == len(verifications) else max(EXIT_UNMET, code), (*problems, *others)


def _judge_statuses(verifications: Sequence[Verification], *, strict: bool) -> Judgement:
    """Fail if no candidate could be reached; if strict, also on unexpected statuses and any unreachable candidate."""
    unreachable = [candidate for candidate in verifications if candidate.status is Status.UNREACHABLE]
    if unreachable and (strict or len(unreachable) == len(verifications)):
        names = ", ".join(candidate.candidate for candidate in unreachable)
        which = "No candidate" if len(unreachable) == len(verifications) else f"{names}: no candidate"
        return EXIT_ENVIRONMENT, (
            f"{which} could be reached: {unreachable[0].reason} "
            "To see bench at work without the Hub: bench run --candidates demo.",
        )
    surprises = tuple(
        f"{candidate.candidate} is {candidate.status}, where {candidate.expect} was expected: {candidate.reason}"
        for candidate in verifications
        if candidate.surprising and not candidate.incomplete
    )
    return (EXIT_UNMET, surprises) if strict and surprises else (0, ())


def judge_run(record: RunRecord, leaderboard: Leaderboard, *, strict: bool) -> Judgement:
    """Fail if interrupted, if a corpus is wholly unreadable, if incomplete, on statuses, or without evaluations.

    Where no candidate came to its end, the machine has failed.
    """
    if record.interrupted:
        return INTERRUPTED
    code, problems = judge_corpora(record.corpora)
    if code:
        return code, problems
    code, problems = judge_completeness(leaderboard)
    evaluated = {evaluation.candidate for evaluation in record.evaluations}
    if record.failed and evaluated <= record.failed:
        return EXIT_ENVIRONMENT, problems
    other_code, others = _judge_statuses(record.verifications, strict=strict)
    if code or other_code:
        return max(code, other_code), (*problems, *others)
    return judge_report(record, leaderboard)


def judge_shard(run: RunRecord, *, strict: bool) -> Judgement:
    """Fail as `judge_run`, given what a shard knows of a run; a shard without work is complete."""
    if run.interrupted:
        return INTERRUPTED
    code, problems = judge_corpora(run.corpora)
    if code:
        return code, problems
    failures = {record.candidate: record.failure for record in (*run.evaluations, *run.perturbed) if record.failure}
    failures |= {timing.candidate: timing.failure for timing in run.latencies if timing.failure}
    failures |= {candidate.candidate: candidate.reason for candidate in run.verifications if candidate.incomplete}
    reasons = [f"{name} is incomplete: {failure}" for name, failure in failures.items()]
    reasons += [f"{corpus.name} is incomplete: {corpus.gap}" for corpus in run.corpora if corpus.gap]
    other_code, others = _judge_statuses(run.verifications, strict=strict)
    return max(EXIT_UNMET if reasons else 0, other_code), (*reasons, *others)


def judge_corpora(corpora: Sequence[CorpusRecord]) -> Judgement:
    """Fail if a corpus is wholly unreadable."""
    unreadable = [corpus for corpus in corpora if corpus.clips and not any(clip.clip_hash for clip in corpus.clips)]
    return (EXIT_REQUEST if unreadable else 0), tuple(map(_why_unreadable, unreadable))


def judge_completeness(leaderboard: Leaderboard) -> Judgement:
    """Fail if something that the run was asked for is missing."""
    if leaderboard.complete:
        return 0, ()
    reasons = [f"{name} is incomplete: {leaderboard.failures[name]}" for name in leaderboard.incomplete]
    reasons += [f"{corpus.name} is incomplete: {corpus.failure}" for corpus in leaderboard.corpora if corpus.failure]
    return EXIT_UNMET, tuple(reasons) or (f"The run is incomplete: {leaderboard.gaps}.",)


def judge_report(record: RunRecord, leaderboard: Leaderboard) -> Judgement:
    """Fail if the run is incomplete, or no candidate was evaluated."""
    if not leaderboard.complete:
        return judge_completeness(leaderboard)
    if record.evaluations:
        return 0, ()
    emotions = [
        len(candidate.emotion_classes) for candidate in record.verifications if candidate.verdict is Verdict.USABLE
    ]
    if not emotions:
        statuses = Counter(candidate.status for candidate in record.verifications)
        counts = ", ".join(f"{number} {status}" for status, number in statuses.items())
        return EXIT_UNMET, (
            f"No candidate was eligible: none is usable ({counts}), and verification.md says why. Name others with "
            "--model or --candidates.",
        )
    return EXIT_UNMET, (
        f"No candidate was eligible: none is usable with at least {record.min_emotions} emotions "
        f"(the most that a usable one distinguishes is {max(emotions)}). Lower --min-emotions or add candidates.",
    )


def _why_unreadable(corpus: CorpusRecord) -> str:
    first = corpus.clips[0]
    reason = (first.failure or "no reason known").rstrip(".")
    return (
        f"Not one of the {len(corpus.clips)} clips of {corpus.name} can be read, such as {first.clip}: {reason}. "
        "Check the paths, and that the files are audio."
    )
