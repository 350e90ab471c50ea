"""`verification.md`: the candidates of a registry in the order in which a person decides what to do with them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.reporting.escaping import markdown_text
from benchmark.reporting.markdown import Column, bullets, document, environment_line, mark_repaired, markdown_table
from benchmark.reporting.numbers import counted, duration, moment, parameter_count, quantity
from benchmark.results.status import Status, Verdict
from benchmark.results.verification import Verification, VerificationReport

DEFAULT_FALLBACK_BELOW = 5
"""Usable candidates with fewer emotions than this stand apart, unless the caller says otherwise."""

_SHORT_REVISION = 10
_NAMED_SURPRISES = 5
_INTERRUPTED = "> **Interrupted**: it was stopped before its end. What is `skipped` for that reason was not looked at."


@dataclass(frozen=True)
class _Groups:
    """All candidates of a report, each in exactly one group."""

    usable: tuple[Verification, ...]
    fallback: tuple[Verification, ...]
    undecided: tuple[Verification, ...]
    rejected: tuple[Verification, ...]


def verification_markdown(report: VerificationReport, *, fallback_below: int = DEFAULT_FALLBACK_BELOW) -> str:
    """Write a report on a registry for people.

    Args:
        report: The verdicts on all candidates.
        fallback_below: Usable candidates with fewer emotions stand in a section of their own.

    Returns:
        A document in Markdown.
    """
    groups = _group([_with_whole_path(candidate, report.cache) for candidate in report.candidates], fallback_below)
    return document(
        [
            f"# Verification of {counted(len(report.candidates), 'candidate')}",
            *([_INTERRUPTED] if report.interrupted else []),
            _summary(report, groups, fallback_below),
            *_usable_section("Usable", groups.usable),
            *_usable_section(f"Fallback: usable, with fewer than {fallback_below} emotions", groups.fallback),
            *_reasons_section("Undecided", groups.undecided),
            *_reasons_section("Rejected", groups.rejected),
            *_counts_section(report.candidates),
            _origin(report),
        ]
    )


def _with_whole_path(candidate: Verification, cache: str) -> Verification:
    """Let a person find the log from where the report lies."""
    if candidate.log is None:
        return candidate
    return candidate.model_copy(update={"log": (Path(cache) / candidate.log).as_posix()})


def _group(candidates: Sequence[Verification], fallback_below: int) -> _Groups:
    # Sorting is stable: among equals the registry's order stays.
    usable = sorted(
        (candidate for candidate in candidates if candidate.verdict is Verdict.USABLE),
        key=lambda candidate: -len(candidate.emotion_classes),
    )
    return _Groups(
        usable=tuple(candidate for candidate in usable if len(candidate.emotion_classes) >= fallback_below),
        fallback=tuple(candidate for candidate in usable if len(candidate.emotion_classes) < fallback_below),
        undecided=tuple(candidate for candidate in candidates if candidate.verdict is Verdict.UNDECIDED),
        rejected=tuple(candidate for candidate in candidates if candidate.verdict is Verdict.REJECTED),
    )


def _summary(report: VerificationReport, groups: _Groups, fallback_below: int) -> str:
    total = len(report.candidates)
    if not total:
        return (
            f"{markdown_text(report.registry)} holds no candidates. Add some, or try the embedded demo: "
            "`bench verify --candidates demo`."
        )
    usable = len(groups.usable) + len(groups.fallback)
    sentences = [
        f"**{usable} of {counted(total, 'candidate')} {'is' if usable == 1 else 'are'} usable**, "
        f"{len(groups.usable)} of them with at least {fallback_below} emotions; {len(groups.undecided)} undecided, "
        f"{len(groups.rejected)} rejected."
    ]
    repaired = sum(candidate.status is Status.REPAIRED for candidate in report.candidates)
    if repaired:
        sentences.append(f"{repaired} of the usable had to be repaired and {'is' if repaired == 1 else 'are'} marked.")
    return " ".join([*sentences, *_surprises(report.candidates), _next_step(groups, fallback_below)])


def _surprises(candidates: Sequence[Verification]) -> list[str]:
    found = [candidate for candidate in candidates if candidate.surprising]
    named = [
        f"{markdown_text(candidate.candidate)} ({candidate.status}, expected {candidate.expect})"
        for candidate in found[:_NAMED_SURPRISES]
    ]
    more = [f"and {len(found) - len(named)} more"] if len(found) > len(named) else []
    return [f"**Not as the registry expects**: {', '.join(named + more)}."] if found else []


def _next_step(groups: _Groups, fallback_below: int) -> str:
    unreachable = sum(candidate.status is Status.UNREACHABLE for candidate in groups.undecided)
    if groups.usable:
        advice = (
            f"Next, rank {_these(groups.usable)} on your audio: "
            f"`bench run --min-emotions {fallback_below} --corpus <folder or table>`."
        )
    elif groups.fallback:
        advice = (
            f"Next, rank {_these(groups.fallback)} on your audio: "
            f"`bench run --min-emotions {len(groups.fallback[-1].emotion_classes)} --corpus <folder or table>`."
        )
    elif unreachable:
        return (
            "The Hub could not be reached, which says nothing about the models: verify again with a network, or try "
            "the embedded demo with `bench verify --candidates demo`."
        )
    elif groups.undecided:
        return "Nothing can be ranked yet: verify the undecided again, with `--depth probe` and without limits."
    else:
        return "Nothing can be ranked: the reasons below say what is wrong with each, and what can be mended."
    if unreachable:
        advice += f" {counted(unreachable, 'candidate')} could not be reached: verify again later."
    return advice


def _these(candidates: Sequence[Verification]) -> str:
    return "it" if len(candidates) == 1 else f"the {len(candidates)}"


def _usable_section(title: str, candidates: Sequence[Verification]) -> list[str]:
    if not candidates:
        return []
    expressive: list[Column[Verification]] = [
        Column("candidate", _name),
        Column("emotions", lambda candidate: str(len(candidate.emotion_classes)), numeric=True),
        Column("which", lambda candidate: ", ".join(map(markdown_text, candidate.emotion_classes))),
        Column("languages", lambda candidate: ", ".join(map(markdown_text, candidate.languages))),
    ]
    technical: list[Column[Verification]] = [
        Column("candidate", _name),
        Column("architecture", lambda candidate: markdown_text(candidate.architecture or "")),
        Column("head", lambda candidate: markdown_text(candidate.head or "")),
        Column("weights", lambda candidate: parameter_count(candidate.parameters), numeric=True),
        Column("size MB", lambda candidate: quantity(candidate.size_mb), numeric=True),
        Column("batches", _batches),
        Column("licence", lambda candidate: markdown_text(candidate.license or "")),
        Column("revision", lambda candidate: markdown_text((candidate.revision or "")[:_SHORT_REVISION])),
    ]
    remarks = [
        f"**{_name(candidate)}**: {' '.join(texts)}" for candidate in candidates if (texts := _remarks(candidate))
    ]
    return [
        f"## {title} ({len(candidates)})",
        markdown_table(candidates, expressive),
        markdown_table(candidates, technical),
        bullets(remarks),
    ]


def _reasons_section(title: str, candidates: Sequence[Verification]) -> list[str]:
    blocks = [f"## {title} ({len(candidates)})"] if candidates else []
    for status in Status:
        found = [candidate for candidate in candidates if candidate.status is status]
        if found:
            blocks += [f"### {status} ({len(found)})", status.meaning, bullets(map(_reason, found))]
    return blocks


def _reason(candidate: Verification) -> str:
    return " ".join([f"**{markdown_text(candidate.candidate)}**: {_sentence(candidate.reason)}", *_extras(candidate)])


def _remarks(candidate: Verification) -> list[str]:
    reason = [_sentence(candidate.reason)] if candidate.status is Status.REPAIRED else []
    several = ["Its head was trained with several answers at once (multi-label)."] if candidate.multi_label else []
    return reason + several + [_sentence(note) for note in candidate.notes] + _extras(candidate)


def _extras(candidate: Verification) -> list[str]:
    expected = [f"*Expected {candidate.expect}.*"] if candidate.surprising else []
    # The log of a candidate with which nothing is wrong has nothing to say.
    is_wanted = candidate.log is not None and candidate.verdict is not Verdict.USABLE
    return expected + ([f"Log: {markdown_text(candidate.log or '')}"] if is_wanted else [])


def _counts_section(candidates: Sequence[Verification]) -> list[str]:
    counts = Counter(candidate.status for candidate in candidates)
    occurring = [status for verdict in Verdict for status in Status if status.verdict is verdict and counts[status]]
    columns: list[Column[Status]] = [
        Column("verdict", lambda status: str(status.verdict)),
        Column("status", str),
        Column("candidates", lambda status: str(counts[status]), numeric=True),
    ]
    return ["## Counts", markdown_table(occurring, columns)] if occurring else []


def _origin(report: VerificationReport) -> str:
    seconds = duration(sum(candidate.seconds for candidate in report.candidates))
    return (
        f"Verified {moment(report.created)} from {markdown_text(report.registry)}, in {seconds} of work, on "
        f"{environment_line(report.environment)}. Everything that was found, with its evidence: `verification.json`."
    )


def _batches(candidate: Verification) -> str:
    """Which clips may go into one call without changing its answers."""
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
