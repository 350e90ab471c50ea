"""What `bench recommend` says: the pick, what else is on the front, and what speaks against all others."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from benchmark.emotions.aliases import emotion_of
from benchmark.errors import RequestError
from benchmark.registry.loading import DEMO
from benchmark.registry.locations import local_path
from benchmark.registry.schema import VERSION
from benchmark.reporting.escaping import json_text, markdown_text, plain_text
from benchmark.reporting.markdown import Column, bullets, document, markdown_table
from benchmark.reporting.numbers import fraction, milliseconds, moment, quantity, with_low
from benchmark.results.runs import RunRecord
from benchmark.results.status import Status
from benchmark.results.verification import Verification
from benchmark.scoring.recommendation import Choice, Recommendation
from benchmark.settings import expanded


def recommendation_markdown(recommendation: Recommendation) -> str:
    """Write a recommendation for people.

    Args:
        recommendation: The choices and the exclusions.

    Returns:
        A document in Markdown that is as readable in a terminal.
    """
    front = [choice for choice in recommendation.choices if choice.on_front]
    behind = [choice for choice in recommendation.choices if not choice.on_front]
    return document(
        [
            "# Recommendation",
            _answer(recommendation),
            *_table(
                f"## The Pareto front ({len(front)})",
                "No other is at least as good in the lower bound of UAR, latency and size, and better in one of them.",
                front,
                recommendation,
            ),
            *_table(
                f"## Behind it ({len(behind)})",
                "Some other is nowhere worse and somewhere better.",
                behind,
                recommendation,
            ),
            *_excluded(recommendation),
        ]
    )


def recommendation_json(recommendation: Recommendation) -> str:
    """Write a recommendation for programs: a JSON document that ends in a line end."""
    return json_text(recommendation.model_dump_json(indent=2) + "\n")


def _answer(recommendation: Recommendation) -> str:
    pick = next((choice for choice in recommendation.choices if choice.candidate == recommendation.pick), None)
    if pick is None:
        return markdown_text(recommendation.problem or "There is nothing to recommend.")
    scores = "; ".join(_score(pick, corpus) for corpus in recommendation.corpora)
    costs = [
        f"{milliseconds(pick.latency_p50_ms)} ms on {markdown_text(recommendation.device or '?')}"
        if pick.latency_p50_ms is not None
        else "",
        f"{quantity(pick.size_mb)} MB" if pick.size_mb is not None else "",
        f"licence {markdown_text(pick.license)}" if pick.license else "",
    ]
    text = f"Take **{markdown_text(pick.candidate)}**: {'; '.join([scores, *filter(None, costs)])}."
    if pick.flags:
        text += f" Its flags: {', '.join(map(markdown_text, pick.flags))}."
    return text + _ties(recommendation)


def _ties(recommendation: Recommendation) -> str:
    ties = recommendation.ties
    if not ties:
        return ""
    names = ", ".join(markdown_text(choice.candidate) for choice in ties)
    alone = len(ties) == 1
    text = f" These clips do not tell it apart from {names}, which {'shares' if alone else 'share'} its rank"
    timed = [choice for choice in ties if choice.latency_p50_ms is not None]
    pick = next(choice for choice in recommendation.choices if choice.candidate == recommendation.pick)
    fastest = min(timed, key=lambda choice: choice.latency_p50_ms or 0.0, default=None)
    if fastest is None or pick.latency_p50_ms is None or fastest.latency_p50_ms is None:
        return f"{text}."
    if fastest.latency_p50_ms >= pick.latency_p50_ms:
        return f"{text}; {'it is not' if alone else 'none of them is'} faster."
    if alone:
        return f"{text} and is faster."
    return f"{text}; the fastest of them is **{markdown_text(fastest.candidate)}**."


def _score(choice: Choice, corpus: str) -> str:
    return f"UAR {with_low(choice.uar.get(corpus), choice.uar_low.get(corpus))} on {markdown_text(corpus)}"


def _table(title: str, sentence: str, choices: Sequence[Choice], recommendation: Recommendation) -> list[str]:
    if not choices:
        return []
    columns = [
        Column[Choice]("candidate", lambda choice: markdown_text(choice.candidate)),
        *(_uar_column(corpus) for corpus in recommendation.corpora),
        Column[Choice]("quality", lambda choice: fraction(choice.quality), numeric=True),
        Column[Choice]("p50 ms", lambda choice: milliseconds(choice.latency_p50_ms), numeric=True),
        Column[Choice]("size MB", lambda choice: quantity(choice.size_mb), numeric=True),
        Column[Choice]("licence", lambda choice: markdown_text(choice.license or "")),
        Column[Choice]("flags", lambda choice: ", ".join(map(markdown_text, choice.flags))),
    ]
    return [title, sentence, markdown_table(choices, columns)]


def _uar_column(corpus: str) -> Column[Choice]:
    return Column(
        f"UAR (at least) on {markdown_text(corpus)}",
        lambda choice: with_low(choice.uar.get(corpus), choice.uar_low.get(corpus)),
    )


def _excluded(recommendation: Recommendation) -> list[str]:
    if not recommendation.excluded:
        return []
    return [
        f"## Not recommended ({len(recommendation.excluded)})",
        bullets(
            f"**{markdown_text(each.candidate)}**: {'; '.join(map(markdown_text, each.reasons))}"
            for each in recommendation.excluded
        ),
    ]


def registry_file(record: RunRecord, candidates: Sequence[str]) -> str:
    """Write candidates of a run so that `load_registry` reads them.

    Overrides of labels, head and preprocessing are taken along; paths become absolute. A folder has no revision that
    could be asked for: the hash of what was verified stands in its note.

    Args:
        record: The run.
        candidates: What tables call those to write, in this order; all of them were evaluated.

    Returns:
        A YAML document.

    Raises:
        RequestError: A local candidate cannot be found from here.
    """
    verifications = {each.candidate: each for each in record.verifications}
    entries = [_entry(record, verifications[name]) for name in candidates]
    heading = (
        f"# Written by `bench recommend` from the run of {moment(record.created)} on {plain_text(record.registry)}:\n"
        "# verified candidates at the revisions that were measured, the pick first.\n"
    )
    return heading + yaml.safe_dump({"version": VERSION, "candidates": entries}, sort_keys=False, allow_unicode=True)


def _entry(record: RunRecord, verification: Verification) -> dict[str, Any]:
    folder = local_path(verification.id, _registry_folder(record.registry))
    if folder is not None and not folder.is_dir():
        raise RequestError(
            f"the folder of {verification.candidate} is not {folder}: run this where `bench run` was run, so that "
            "relative paths lead there."
        )
    local = {"note": f"Verified with the content hash {verification.revision}."} if folder is not None else {}
    preprocessor = next(
        (each.setup.preprocessor for each in record.evaluations if each.candidate == verification.candidate), None
    )
    found = {
        "id": verification.id if folder is None else str(folder),
        "name": verification.candidate,
        "revision": verification.revision if folder is None else None,
        "expect": verification.status.value,
        "languages": list(verification.languages) or None,
        "trained_on": None if verification.trained_on is None else list(verification.trained_on),
        "labels": _overrides(verification) or None,
        "head": _head(verification),
        "preprocessor": preprocessor,
        **local,
    }
    return {field: value for field, value in found.items() if value is not None}


def _registry_folder(registry: str) -> Path:
    if registry == DEMO:
        from benchmark.demo.files import registry_path  # noqa: PLC0415 - only the demo needs the demo

        return registry_path().parent
    path = expanded(registry)
    return path.absolute().parent if path.is_file() else Path.cwd()


def _overrides(verification: Verification) -> dict[str, str]:
    return {
        label: emotion
        for label, emotion in zip(verification.labels, verification.emotions, strict=True)
        if emotion is not None and emotion_of(label) != emotion
    }


def _head(verification: Verification) -> dict[str, str] | None:
    if verification.status is not Status.REPAIRED or verification.head is None:
        return None
    return {"kind": verification.head, **verification.head_parameters}
