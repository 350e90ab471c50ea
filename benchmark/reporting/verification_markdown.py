"""`verification.md`: the candidates of a registry by verdict, with reasons and the next step."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmark.reporting.escaping import markdown_text
from benchmark.reporting.markdown import (
    Column,
    bullets,
    document,
    environment_line,
    first_of,
    mark_repaired,
    markdown_table,
    section,
)
from benchmark.reporting.numbers import counted, duration, moment, parameter_count, quantity
from benchmark.results.status import Status, Verdict
from benchmark.results.verification import Verification, VerificationReport

DEFAULT_FALLBACK_BELOW = 5
"""Usable candidates with fewer emotions have a section of their own, by default."""

_SHORT_REVISION = 10
_MOST_SURPRISES = 5
_INTERRUPTED = "> **Interrupted**: it was stopped before its end. What is `skipped` for that reason was not looked at."


def verification_markdown(report: VerificationReport, *, fallback_below: int = DEFAULT_FALLBACK_BELOW) -> str:
    """Write the verdicts on a registry for people, as a document in Markdown.

    Args:
        report: The verdicts on all candidates.
        fallback_below: Usable candidates with fewer emotions have a section of their own.
    """
    members = {
        verdict: [candidate for candidate in report.candidates if candidate.verdict is verdict] for verdict in Verdict
    }
    # Sorting is stable: candidates with equally many emotions stay in the order of the registry.
    ordered = sorted(members[Verdict.USABLE], key=lambda candidate: -len(candidate.emotion_classes))
    usable = [candidate for candidate in ordered if len(candidate.emotion_classes) >= fallback_below]
    fallback = [candidate for candidate in ordered if len(candidate.emotion_classes) < fallback_below]
    undecided, rejected = members[Verdict.UNDECIDED], members[Verdict.REJECTED]
    total = counted(len(report.candidates), "candidate")
    summary = [
        f"**{len(ordered)} of {total} {'is' if len(ordered) == 1 else 'are'} usable**, {len(usable)} of them with at "
        f"least {fallback_below} emotions; {len(undecided)} undecided, {len(rejected)} rejected.",
        *_repairs_and_surprises(report.candidates),
        _next_step(usable, fallback, undecided, fallback_below),
    ]
    if not report.candidates:
        summary = [
            f"{markdown_text(report.registry)} holds no candidates. Add some, or try the embedded demo: "
            "`bench verify --candidates demo`."
        ]
    return document(
        [
            f"# Verification of {total}",
            _INTERRUPTED if report.interrupted else "",
            _incomplete(report.candidates),
            " ".join(summary),
            *_usable_section("Usable", usable),
            *_usable_section(f"Fallback: usable, with fewer than {fallback_below} emotions", fallback),
            *_reasons_section("Undecided", undecided, report.cache),
            *_reasons_section("Rejected", rejected, report.cache),
            *_counts_section(report.candidates),
            _origin(report),
        ]
    )


def status_counts(candidates: Sequence[Verification]) -> dict[Status, int]:
    """How many candidates have each status, in the order of the verdicts."""
    counts = Counter(candidate.status for candidate in candidates)
    ordered = (status for verdict in Verdict for status in Status if status.verdict is verdict)
    return {status: counts[status] for status in ordered if counts[status]}


def frequent_statuses(candidates: Sequence[Verification]) -> str:
    """List the statuses with their numbers, the most frequent first."""
    counts = Counter(candidate.status.value for candidate in candidates)
    return ", ".join(f"{count} {status}" for status, count in counts.most_common())


def by_verdict(candidates: Sequence[Verification]) -> list[Verification]:
    """Order candidates: the usable ones first, those with most emotions before others."""
    verdicts = list(Verdict)
    return sorted(
        candidates, key=lambda candidate: (verdicts.index(candidate.verdict), -len(candidate.emotion_classes))
    )


def verdict_in_short(candidate: Verification) -> str:
    """The emotions of a usable candidate, or the reason why another one is none; not escaped."""
    if candidate.verdict is Verdict.USABLE:
        return ", ".join(candidate.emotion_classes)
    return candidate.reason


def emotion_count(candidate: Verification) -> str:
    """How many emotions a candidate has names for; empty if its labels are unknown."""
    return str(len(candidate.emotion_classes)) if candidate.labels else ""


def _incomplete(candidates: Sequence[Verification]) -> str:
    names = [markdown_text(candidate.candidate) for candidate in candidates if candidate.incomplete]
    if not names:
        return ""
    return (
        f"> **Incomplete**: this machine failed at {', '.join(names)}, so that there is no verdict, for the reasons "
        "below; the same command tries again."
    )


def _repairs_and_surprises(candidates: Sequence[Verification]) -> list[str]:
    sentences = []
    repaired = sum(candidate.status is Status.REPAIRED for candidate in candidates)
    if repaired:
        sentences.append(f"{repaired} of the usable had to be repaired and {'is' if repaired == 1 else 'are'} marked.")
    surprises = [
        f"{markdown_text(candidate.candidate)} ({candidate.status}, expected {candidate.expect})"
        for candidate in candidates
        if candidate.surprising
    ]
    if surprises:
        listed = ", ".join(first_of(surprises, _MOST_SURPRISES, rest="and {} more"))
        sentences.append(f"**Not as the registry expects**: {listed}.")
    return sentences


def _next_step(
    usable: Sequence[Verification],
    fallback: Sequence[Verification],
    undecided: Sequence[Verification],
    fallback_below: int,
) -> str:
    unreachable = sum(candidate.status is Status.UNREACHABLE for candidate in undecided)
    ranked = usable or fallback
    if ranked:
        which = "it" if len(ranked) == 1 else f"the {len(ranked)}"
        emotions = fallback_below if usable else len(fallback[-1].emotion_classes)
        advice = f"Next, rank {which} on your audio: `bench run --min-emotions {emotions} --corpus <folder or table>`."
        if unreachable:
            advice += f" {counted(unreachable, 'candidate')} could not be reached: verify again later."
        return advice
    if unreachable:
        return (
            "The Hub could not be reached, which says nothing about the models: verify again with a network, or try "
            "the embedded demo with `bench verify --candidates demo`."
        )
    if undecided:
        return "Nothing can be ranked yet: verify the undecided again, with `--depth probe` and without limits."
    return "Nothing can be ranked: the reasons below say what is wrong with each, and what can be mended."


def _usable_section(title: str, candidates: Sequence[Verification]) -> list[str]:
    if not candidates:
        return []
    remarks = []
    for candidate in candidates:
        texts = [_sentence(candidate.reason)] if candidate.status is Status.REPAIRED else []
        if candidate.multi_label:
            texts.append("Its head was trained with several answers at once (multi-label).")
        texts += [*map(_sentence, candidate.notes), *_expectation(candidate)]
        if texts:
            remarks.append(f"**{_name(candidate)}**: {' '.join(texts)}")
    return [
        f"## {title} ({len(candidates)})",
        markdown_table(candidates, _EMOTION_COLUMNS),
        markdown_table(candidates, _MODEL_COLUMNS),
        bullets(remarks),
    ]


def _reasons_section(title: str, candidates: Sequence[Verification], cache: str) -> list[str]:
    blocks = [f"## {title} ({len(candidates)})"] if candidates else []
    for status in Status:
        members = [candidate for candidate in candidates if candidate.status is status]
        if members:
            reasons = bullets(_reason(candidate, cache) for candidate in members)
            blocks += [f"### {status} ({len(members)})", status.meaning, reasons]
    return blocks


def _reason(candidate: Verification, cache: str) -> str:
    texts = [f"**{markdown_text(candidate.candidate)}**: {_sentence(candidate.reason)}", *_expectation(candidate)]
    if candidate.log is not None:
        texts.append(f"Log: {markdown_text((Path(cache) / candidate.log).as_posix())}")
    return " ".join(texts)


def _expectation(candidate: Verification) -> list[str]:
    return [f"*Expected {candidate.expect}.*"] if candidate.surprising else []


def _counts_section(candidates: Sequence[Verification]) -> list[str]:
    counts = status_counts(candidates)
    columns: list[Column[Status]] = [
        Column("verdict", lambda status: str(status.verdict)),
        Column("status", str),
        Column("candidates", lambda status: str(counts[status]), numeric=True),
    ]
    return section("## Counts", markdown_table(list(counts), columns))


def _origin(report: VerificationReport) -> str:
    seconds = duration(sum(candidate.seconds for candidate in report.candidates))
    return (
        f"Verified {moment(report.created)} from {markdown_text(report.registry)}, in {seconds} of work, on "
        f"{environment_line(report.environment)}. Everything that was found, with its evidence: `verification.json`."
    )


def _batches(candidate: Verification) -> str:
    """The clips that may share a call without changing the answers."""
    if candidate.batching is None:
        return ""
    if candidate.batching.pads:
        return "padded"
    return "of one length" if candidate.batching.batches else "no"


def _name(candidate: Verification) -> str:
    return mark_repaired(candidate.candidate, repaired=candidate.status is Status.REPAIRED)


def _sentence(text: str) -> str:
    escaped = markdown_text(text)
    return escaped if not escaped or escaped[-1] in ".!?…:" else f"{escaped}."


VERDICT_COLUMNS: tuple[Column[Verification], ...] = (
    Column("candidate", _name),
    Column("status", lambda candidate: str(candidate.status)),
    Column("emotions", emotion_count, numeric=True),
    Column("why", lambda candidate: markdown_text(verdict_in_short(candidate))),
)
"""One line per candidate, for a short table."""

_EMOTION_COLUMNS: tuple[Column[Verification], ...] = (
    Column("candidate", _name),
    Column("emotions", lambda candidate: str(len(candidate.emotion_classes)), numeric=True),
    Column("which", lambda candidate: ", ".join(map(markdown_text, candidate.emotion_classes))),
    Column("languages", lambda candidate: ", ".join(map(markdown_text, candidate.languages))),
)
_MODEL_COLUMNS: tuple[Column[Verification], ...] = (
    Column("candidate", _name),
    Column("architecture", lambda candidate: markdown_text(candidate.architecture or "")),
    Column("head", lambda candidate: markdown_text(candidate.head or "")),
    Column("weights", lambda candidate: parameter_count(candidate.parameters), numeric=True),
    Column("size MB", lambda candidate: quantity(candidate.size_mb), numeric=True),
    Column("batches", _batches),
    Column("licence", lambda candidate: markdown_text(candidate.license or "")),
    Column("revision", lambda candidate: markdown_text((candidate.revision or "")[:_SHORT_REVISION])),
)
