"""What `bench recommend` writes: the pick, the rest of the front, what speaks against all others, a registry file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from benchmark.emotions.aliases import emotion_of
from benchmark.errors import RequestError
from benchmark.registry.loading import DEMO
from benchmark.registry.locations import local_path
from benchmark.registry.schema import VERSION
from benchmark.reporting.escaping import markdown_text, plain_text
from benchmark.reporting.markdown import Column, bullets, code_span, columns_of, document, markdown_table, section
from benchmark.reporting.numbers import fraction, milliseconds, moment, quantity
from benchmark.results.runs import RunRecord
from benchmark.results.status import Status
from benchmark.results.verification import Verification
from benchmark.scoring.ranking import SPEAKERS_TO_CHOOSE
from benchmark.scoring.recommendation import Choice, OtherLatency, Recommendation
from benchmark.settings import expanded


def recommendation_markdown(recommendation: Recommendation) -> str:
    """Write a recommendation for people, as a document in Markdown that is as readable in a terminal."""
    front = [choice for choice in recommendation.choices if choice.on_front]
    behind = [choice for choice in recommendation.choices if not choice.on_front]
    excluded = [
        f"**{markdown_text(exclusion.candidate)}**: {'; '.join(map(markdown_text, exclusion.reasons))}"
        for exclusion in recommendation.excluded
    ]
    return document(
        [
            "# Recommendation",
            f"**The run is incomplete**: {markdown_text(recommendation.gaps)}." if recommendation.gaps else "",
            _answer(recommendation),
            *section(
                f"## The Pareto front ({len(front)})",
                "No other is at least as good in the lower bound of UAR, latency and size, and better in one of them.",
                _table(front, recommendation.corpora),
            ),
            *section(
                f"## Behind it ({len(behind)})",
                "Some other is nowhere worse and somewhere better.",
                _table(behind, recommendation.corpora),
            ),
            _other_latencies(recommendation.choices),
            *section(f"## Not recommended ({len(excluded)})", bullets(excluded)),
        ]
    )


def registry_file(record: RunRecord, candidates: Sequence[str]) -> str:
    """Write candidates of a run, at the revisions that were verified, as a registry that `load_registry` reads.

    Overrides of labels, head and preprocessing are kept; paths become absolute. A folder has no revision that could be
    requested: its note has the hash of what was verified. Tables of answers are left out.

    Args:
        record: The run.
        candidates: Names of evaluated candidates, in the order of the file.

    Raises:
        RequestError: A local candidate cannot be found from here, or there are only tables of answers.
    """
    verifications = {verification.candidate: verification for verification in record.verifications}
    models = [verifications[name] for name in candidates if not verifications[name].is_imported]
    if not models:
        raise RequestError("Nothing can be written: all candidates are tables of answers, which hear no recordings.")
    entries = [_registry_entry(record, model) for model in models]
    heading = (
        f"# Written by `bench recommend` from the run of {moment(record.created)} on {plain_text(record.registry)}:\n"
        "# verified candidates at the revisions that were measured, the pick first.\n"
    )
    return heading + yaml.safe_dump({"version": VERSION, "candidates": entries}, sort_keys=False, allow_unicode=True)


def _answer(recommendation: Recommendation) -> str:
    pick = next((choice for choice in recommendation.choices if choice.candidate == recommendation.pick), None)
    if pick is None:
        return markdown_text(recommendation.problem or "There is nothing to recommend.")
    facts = [_expected(recommendation, pick, corpus) for corpus in recommendation.corpora]
    if pick.latency_p50_ms is not None:
        source = "" if pick.latency_from is None else f" ({_source(pick.latency_from)})"
        facts.append(f"{milliseconds(pick.latency_p50_ms)} ms on {markdown_text(recommendation.device or '?')}{source}")
    if pick.cost_per_hour is not None:
        price = quantity(recommendation.price_per_hour)
        facts.append(f"{quantity(pick.cost_per_hour)} per hour of audio at {price} per hour of this machine")
    if pick.size_mb is not None:
        facts.append(f"{quantity(pick.size_mb)} MB")
    if pick.license:
        facts.append(f"licence {markdown_text(pick.license)}")
    text = f"{_few_speakers(recommendation)}Take **{markdown_text(pick.candidate)}**: {'; '.join(facts)}."
    if pick.flags:
        text += f" Its flags: {', '.join(map(markdown_text, pick.flags))}."
    return text + _adapted(recommendation, pick) + _ties(recommendation.ties, pick)


def _expected(recommendation: Recommendation, pick: Choice, corpus: str) -> str:
    """What the table shows for the pick, and what to expect of it, which luck has not made higher."""
    uar = recommendation.expected_uar.get(corpus)
    if uar is None:
        return f"UAR {_uar(pick, corpus)} on {markdown_text(corpus)}"
    low, high = recommendation.expected_uar_low[corpus], recommendation.expected_uar_high[corpus]
    return (
        f"UAR {fraction(pick.uar[corpus])} on {markdown_text(corpus)}, expect about {fraction(uar)} on new speakers "
        f"({fraction(low)} to {fraction(high)})"
    )


def _few_speakers(recommendation: Recommendation) -> str:
    if not recommendation.few_speakers:
        return ""
    listed = ", ".join(f"{markdown_text(name)} has {number}" for name, number in recommendation.few_speakers.items())
    return f"**Too few speakers to choose**: {listed}, and {SPEAKERS_TO_CHOOSE} are needed. "


def _adapted(recommendation: Recommendation, pick: Choice) -> str:
    """Say for which recordings an adapted choice is, and name the best of the other kind."""
    adapted, as_is = (recommendation.best(adapted=kind) for kind in (True, False))
    if adapted is None:
        return ""
    if adapted is not pick:
        return f" Adapted to these recording conditions, the best is **{markdown_text(adapted.candidate)}**."
    text = " It is adapted to these recording conditions, and may be worse elsewhere"
    return f"{text}; as it is, the best is **{markdown_text(as_is.candidate)}**." if as_is else f"{text}."


def _ties(ties: Sequence[Choice], pick: Choice) -> str:
    if not ties:
        return ""
    is_single = len(ties) == 1
    names = ", ".join(markdown_text(choice.candidate) for choice in ties)
    text = f" These clips do not tell it apart from {names}, which may be the best as well"
    timed = [(choice.latency_p50_ms, choice) for choice in ties if choice.latency_p50_ms is not None]
    if not timed or pick.latency_p50_ms is None:
        return f"{text}."
    shortest, fastest = min(timed, key=lambda timing: timing[0])
    if shortest >= pick.latency_p50_ms:
        return f"{text}; {'it is not' if is_single else 'none of them is'} faster."
    if is_single:
        return f"{text}, and is faster."
    return f"{text}; the fastest of them is **{markdown_text(fastest.candidate)}**."


def _uar(choice: Choice, corpus: str) -> str:
    return f"{fraction(choice.uar[corpus])} (≥ {fraction(choice.uar_low[corpus])})"


def _table(choices: Sequence[Choice], corpora: Sequence[str]) -> str:
    columns = [
        Column[Choice]("candidate", lambda choice: markdown_text(choice.candidate)),
        *columns_of({corpus: f"UAR (at least) on {markdown_text(corpus)}" for corpus in corpora}, _uar),
        Column[Choice]("may be best", lambda choice: "yes" if choice.may_be_best else ""),
        Column[Choice]("may cost", lambda choice: fraction(choice.regret_high), numeric=True),
        Column[Choice]("quality", lambda choice: fraction(choice.quality), numeric=True),
        Column[Choice]("p50 ms", lambda choice: milliseconds(choice.latency_p50_ms), numeric=True),
        Column[Choice]("cost per hour", lambda choice: quantity(choice.cost_per_hour), numeric=True),
        Column[Choice]("size MB", lambda choice: quantity(choice.size_mb), numeric=True),
        Column[Choice]("licence", lambda choice: markdown_text(choice.license or "")),
        Column[Choice]("flags", lambda choice: ", ".join(map(markdown_text, choice.flags))),
    ]
    return markdown_table(choices, columns)


def _other_latencies(choices: Sequence[Choice]) -> str:
    """Say which latencies are those of other runs, and of when."""
    others: dict[str, list[str]] = {}
    for choice in choices:
        if choice.latency_from is not None:
            others.setdefault(_source(choice.latency_from), []).append(f"**{markdown_text(choice.candidate)}**")
    if not others:
        return ""
    listed = "; ".join(f"{', '.join(names)}, {source}" for source, names in others.items())
    return f"Latencies of other runs on this machine: {listed}."


def _source(latency: OtherLatency) -> str:
    return f"measured {moment(latency.created)} by {code_span(latency.run)}"


def _registry_entry(record: RunRecord, verification: Verification) -> dict[str, Any]:
    folder = local_path(verification.id, _registry_folder(record.registry))
    if folder is not None and not folder.is_dir():
        raise RequestError(
            f"the folder of {verification.candidate} is not {folder}: run this where `bench run` was run, so that "
            "relative paths lead there."
        )
    setup = next(item.setup for item in record.evaluations if item.candidate == verification.candidate)
    overrides = {
        label: emotion
        for label, emotion in zip(verification.labels, verification.emotions, strict=True)
        if emotion is not None and emotion_of(label) != emotion
    }
    head = None
    if verification.status is Status.REPAIRED and verification.head is not None:
        head = {"kind": verification.head, **verification.head_parameters}
    fields = {
        "id": verification.id if folder is None else str(folder),
        "name": verification.candidate,
        "revision": verification.revision if folder is None else None,
        "expect": verification.status.value,
        "languages": list(verification.languages) or None,
        "trained_on": None if verification.trained_on is None else list(verification.trained_on),
        "trained_speakers": None if verification.trained_speakers is None else list(verification.trained_speakers),
        "labels": overrides or None,
        "head": head,
        "preprocessor": setup.preprocessor,
        "note": None if folder is None else f"Verified with the content hash {verification.revision}.",
    }
    return {field: value for field, value in fields.items() if value is not None}


def _registry_folder(registry: str) -> Path:
    if registry == DEMO:
        from benchmark.demo.files import registry_path  # noqa: PLC0415 - only the demo needs the demo

        return registry_path().parent
    path = expanded(registry)
    return path.absolute().parent if path.is_file() else Path.cwd()
