"""What a raw `config.json` says of a model, read without transformers and without believing it."""

from collections.abc import Mapping
from typing import Any

# A configuration that claims more outputs than this is no classifier of anything that people name.
_MOST_OUTPUTS = 10_000
_DEFAULT_OUTPUTS = 2


def model_type(config: Mapping[str, Any]) -> str | None:
    """Give the model type; None where there is none.

    Examples:
        >>> model_type({"model_type": "wav2vec2"}), model_type({"model_type": 3})
        ('wav2vec2', None)
    """
    value = config.get("model_type")
    return value if isinstance(value, str) and value else None


def architectures(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Give the classes that the checkpoint was saved from, as it claims.

    Examples:
        >>> architectures({"architectures": ["Wav2Vec2ForCTC"]}), architectures({"architectures": None})
        (('Wav2Vec2ForCTC',), ())
    """
    value = config.get("architectures")
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def config_labels(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the outputs of a model of transformers; a configuration that it cannot make sense of has none.

    Examples:
        >>> config_labels({"model_type": "hubert", "id2label": {"0": "ang", "1": "hap"}}), config_labels({})
        (('ang', 'hap'), ())
    """
    return output_names(config) if model_type(config) and label_problem(config) is None else ()


def output_names(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the outputs in the order of `id2label`'s indices, as transformers does.

    Where `num_labels` contradicts `id2label`, transformers gives all names up; so does this.

    Returns:
        One label per output; `LABEL_i` where the configuration has no name for one.

    Examples:
        >>> output_names({"id2label": {"1": "sad", "0": "angry"}})
        ('angry', 'sad')
        >>> output_names({"id2label": {"0": "angry"}, "num_labels": 2})
        ('LABEL_0', 'LABEL_1')
        >>> output_names({})
        ('LABEL_0', 'LABEL_1')
    """
    names = _names_by_index(config.get("id2label"))
    claimed = config.get("num_labels")
    outputs = claimed if isinstance(claimed, int) and 0 <= claimed <= _MOST_OUTPUTS else None
    if names is None or (outputs is not None and outputs != len(names)):
        return tuple(f"LABEL_{index}" for index in range(_DEFAULT_OUTPUTS if outputs is None else outputs))
    return tuple(names.get(index, f"LABEL_{index}") for index in range(len(names)))


def label_problem(config: Mapping[str, Any]) -> str | None:
    """Tell why transformers cannot make sense of the names of the outputs; None where it can.

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
    """Tell which outputs have no name, and which names are of outputs that a model does not have.

    Where the one is so, the other is: transformers makes as many outputs as there are names.

    Examples:
        >>> misplaced_names({"id2label": {"1": "angry", "2": "sad"}})
        ((0,), (2,))
        >>> misplaced_names({"id2label": {"1": "angry", "0": "sad"}})
        ((), ())
    """
    names = _names_by_index(config.get("id2label")) or {}
    if config.get("num_labels", len(names)) != len(names):
        return (), ()
    unnamed = tuple(output for output in range(len(names)) if output not in names)
    return unnamed, tuple(sorted(output for output in names if not 0 <= output < len(names)))


def label_notes(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Tell what is odd about the names of the outputs and loads all the same.

    Examples:
        >>> label_notes({"id2label": {"0": "sad", "1": "angry"}, "num_labels": 3})
        ('num_labels is 3 and id2label names 2 outputs, so transformers drops the names',)
    """
    names, outputs = _names_by_index(config.get("id2label")), config.get("num_labels")
    if names is not None and isinstance(outputs, int) and outputs != len(names):
        return (f"num_labels is {outputs} and id2label names {len(names)} outputs, so transformers drops the names",)
    return ()


def _names_by_index(id2label: object) -> dict[int, str] | None:
    if not isinstance(id2label, dict) or len(id2label) > _MOST_OUTPUTS:
        return None
    try:
        return {int(index): str(label) for index, label in id2label.items() if _can_name(label)}
    except (ValueError, TypeError):
        return None


def _can_name(label: object) -> bool:
    """Let names through, and numbers for want of names.

    Raises:
        TypeError: It is neither.
    """
    if label is None or isinstance(label, list | dict):
        raise TypeError("no name")
    return True
