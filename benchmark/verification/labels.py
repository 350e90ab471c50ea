"""What a model's outputs mean: the labels of a raw `config.json`, read without transformers, and their findings."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmark.emotions.label_map import LabelMap, is_placeholder, map_labels
from benchmark.errors import RequestError
from benchmark.registry.schema import Candidate
from benchmark.results.status import Status
from benchmark.results.verification import Finding
from benchmark.verification.model_config import model_type

# A configuration that claims more outputs than this is no classifier of anything that people name.
_MOST_OUTPUTS = 10_000
_DEFAULT_OUTPUTS = 2
_FEWEST_EMOTIONS = 2
_SHOWN_LABELS = 12
_LONGEST_LABEL = 60
_LONGEST_LIST = 12
_FEW = 5
_LONGEST_SHOWN = 40


def config_labels(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the outputs in the order of `id2label`'s indices, as transformers does; `LABEL_i` where one has no name.

    Where `num_labels` contradicts `id2label`, transformers drops all names. Of a configuration that makes no sense to
    it, nothing is named.

    Examples:
        >>> config_labels({"model_type": "hubert", "id2label": {"1": "sad", "0": "angry"}})
        ('angry', 'sad')
        >>> config_labels({"model_type": "hubert", "id2label": {"0": "angry"}, "num_labels": 2})
        ('LABEL_0', 'LABEL_1')
        >>> config_labels({})
        ()
    """
    if model_type(config) is None or label_problem(config) is not None:
        return ()
    names, claimed = _names_by_index(config.get("id2label")), config.get("num_labels")
    if names is None or (claimed is not None and claimed != len(names)):
        return tuple(f"LABEL_{index}" for index in range(_DEFAULT_OUTPUTS if claimed is None else claimed))
    return tuple(names.get(index, f"LABEL_{index}") for index in range(len(names)))


def labels_of(candidate: Candidate, config: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the outputs of a candidate before it is loaded: as the registry does, else as its `config.json` does."""
    return candidate.outputs or config_labels(config)


def candidate_labels(candidate: Candidate, labels: Sequence[str]) -> LabelMap:
    """Map a candidate's labels under the registry's overrides.

    Raises:
        RequestError: An override names a label that the model does not have.
    """
    if not labels:
        return map_labels(())
    try:
        return map_labels(labels, overrides=candidate.labels)
    except RequestError as error:
        raise RequestError(f"labels of {candidate.name} in the registry: {error}") from error


def label_findings(config: Mapping[str, Any], label_map: LabelMap) -> Iterator[Finding]:
    """Find labels that are only numbered (`unnamed-labels`), or too few of which are emotions (`not-emotion`)."""
    yield from _unnamed(config, label_map)
    yield from _not_emotion(config, label_map)


def label_problem(config: Mapping[str, Any]) -> str | None:
    """Say why transformers cannot make sense of the names of the outputs; None where it can.

    Examples:
        >>> label_problem({"id2label": ["sad", "angry"]})
        'its id2label does not lead from numbers to names'
        >>> label_problem({"id2label": {"0": "sad"}}) is None
        True
    """
    id2label, outputs = config.get("id2label"), config.get("num_labels")
    if id2label is not None and _names_by_index(id2label) is None:
        return "its id2label does not lead from numbers to names"
    if outputs is not None and not (type(outputs) is int and 0 <= outputs <= _MOST_OUTPUTS):
        return "its num_labels is no number of outputs"
    return None


def misplaced_names(config: Mapping[str, Any]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """List the outputs without a name, and the names of outputs that the model does not have.

    transformers makes as many outputs as there are names, so that there are both or neither.

    Examples:
        >>> misplaced_names({"id2label": {"1": "angry", "2": "sad"}})
        ((0,), (2,))
        >>> misplaced_names({"id2label": {"1": "angry", "0": "sad"}})
        ((), ())
    """
    names = _names_by_index(config.get("id2label")) or {}
    if label_problem(config) is not None or config.get("num_labels", len(names)) != len(names):
        return (), ()
    unnamed = tuple(output for output in range(len(names)) if output not in names)
    return unnamed, tuple(sorted(output for output in names if not 0 <= output < len(names)))


def label_notes(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Say what is odd about the names of the outputs and loads all the same.

    Examples:
        >>> label_notes({"id2label": {"0": "sad", "1": "angry"}, "num_labels": 3})
        ('num_labels is 3 and id2label names 2 outputs, so transformers drops the names',)
    """
    names, outputs = _names_by_index(config.get("id2label")), config.get("num_labels")
    if names is not None and isinstance(outputs, int) and outputs != len(names):
        return (f"num_labels is {outputs} and id2label names {len(names)} outputs, so transformers drops the names",)
    return ()


def named(labels: Sequence[str], *, most: int = _SHOWN_LABELS) -> str:
    """Join the first of many labels, each cut to what a person reads.

    Examples:
        >>> named(["sad", "x" * 70, "happy"], most=2) == "sad, " + "x" * 60 + "…, …"
        True
    """
    shown = [label if len(label) <= _LONGEST_LABEL else f"{label[:_LONGEST_LABEL]}…" for label in labels[:most]]
    return ", ".join(shown + ["…"] * (len(labels) > most))


def _unnamed(config: Mapping[str, Any], label_map: LabelMap) -> Iterator[Finding]:
    if _only_numbered(label_map):
        why = "".join(f": {note}" for note in label_notes(config))
        yield Finding(
            status=Status.UNNAMED_LABELS,
            reason=f"Its {len(label_map.labels)} outputs are only numbered{why}; where you know what they mean, say so "
            "in the registry: labels: {LABEL_0: neutral, …}",
            evidence={"labels": list(label_map.labels[:_LONGEST_LIST])},
        )
        return
    unnamed, beyond = misplaced_names(config)
    unnamed = tuple(output for output in unnamed if label_map.emotions[output] is None)
    if unnamed and beyond:
        yield Finding(
            status=Status.UNNAMED_LABELS,
            reason=f"Its id2label names output {beyond[0]}, which it does not have, and not output {unnamed[0]}, so "
            "which name is whose would be a guess; where you know, say so in the registry: "
            f"labels: {{LABEL_{unnamed[0]}: neutral, …}}",
            evidence={
                "unnamed": list(unnamed[:_LONGEST_LIST]),
                "beyond": [str(output)[:40] for output in beyond[:_FEW]],
            },
        )


def _not_emotion(config: Mapping[str, Any], label_map: LabelMap) -> Iterator[Finding]:
    labels = label_map.labels
    if label_problem(config) is not None or _only_numbered(label_map):
        return
    emotions = label_map.scorable
    mapped = sum(emotion is not None for emotion in label_map.emotions)
    if len(emotions) < _FEWEST_EMOTIONS or mapped < len(labels) / 2:
        yield Finding(
            status=Status.NOT_EMOTION,
            reason=_too_few(label_map, mapped, len(emotions)),
            evidence={"labels": list(labels[:_LONGEST_LIST]), "emotions": list(emotions)},
        )


def _only_numbered(label_map: LabelMap) -> bool:
    labels = label_map.labels
    return (
        bool(labels) and not label_map.classes and all(is_placeholder(label) or label.isdecimal() for label in labels)
    )


def _too_few(label_map: LabelMap, mapped: int, emotions: int) -> str:
    labels = label_map.labels
    if not labels:
        return "Its configuration says that it has no outputs."
    single = len(labels) == 1
    return (
        f"Of its {'one label' if single else f'{len(labels)} labels'} ({named(labels, most=_FEW)}) {mapped} "
        f"{'means' if mapped == 1 else 'mean'} something that bench knows, and {emotions} "
        f"{'is an emotion' if emotions == 1 else 'are emotions'}: too few for a classifier of emotions"
        f"{_how_to_name(label_map)}."
    )


def _how_to_name(label_map: LabelMap) -> str:
    """The fix for labels that mean an emotion in words that bench does not know; of many labels, few would."""
    if not label_map.unmapped or not 1 < len(label_map.labels) <= _LONGEST_LIST:
        return ""
    first = json.dumps(label_map.unmapped[0], ensure_ascii=False)
    if len(first) > _LONGEST_SHOWN:
        return ""
    return f"; where some of them do mean one, say so in the registry: labels: {{{first}: neutral, …}}"


def _names_by_index(id2label: object) -> dict[int, str] | None:
    if not isinstance(id2label, dict) or len(id2label) > _MOST_OUTPUTS:
        return None
    if any(label is None or isinstance(label, list | dict) for label in id2label.values()):
        return None
    try:
        return {int(index): str(label) for index, label in id2label.items()}
    except (ValueError, TypeError):
        return None
