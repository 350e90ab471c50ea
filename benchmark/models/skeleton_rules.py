"""Skeletons by rule: the same as `build_skeleton` makes with torch and transformers, in a thousandth of the time.

Importing those takes longer than all else that inspection does. So plain configurations are read by rules that tests
hold to the models that are really built; whatever is out of the ordinary is left to those.
"""

import math
from collections.abc import Mapping
from typing import Any

from benchmark.models.expected_tensors import Renaming, Skeleton
from benchmark.models.skeleton_fields import plain_fields, written_types
from benchmark.models.skeleton_layers import UnruledError
from benchmark.models.skeleton_shapes import shapes_of
from benchmark.models.supported import OutputLabels, output_labels

_DEFAULT_LABELS = 2
_MOST_LABELS = 10_000
_MOST_PARAMETERS = 20_000_000_000
# Counted as tensors, and not as weights: what a normalisation has seen of its batches.
_BUFFERS = ("running_mean", "running_var", "num_batches_tracked")


def skeleton_by_rule(config: Mapping[str, Any]) -> Skeleton | None:
    """Tell all weights of the model that a configuration describes, without building it.

    Args:
        config: The content of a `config.json`, as it was parsed.

    Returns:
        What `build_skeleton` would give; None where only transformers itself can tell what it makes of the
        configuration, a refusal included.

    Examples:
        >>> skeleton_by_rule({"model_type": "hubert"}).parameters
        94569090
        >>> skeleton_by_rule({"model_type": "hubert", "conv_dim": [512]}) is None
        True
    """
    fields = plain_fields(config)
    names = _labels(config)
    if fields is None or names is None:
        return None
    if fields["problem_type"] == "single_label_classification" and len(names.labels) == 1:
        return None
    try:
        shapes = shapes_of(config["model_type"], fields, len(names.labels))
    except UnruledError:
        return None
    parameters = sum(math.prod(shape) for name, shape in shapes.items() if not name.endswith(_BUFFERS))
    if parameters > _MOST_PARAMETERS:
        return None
    written = written_types()[config["model_type"]]
    return Skeleton(
        architecture=written["architecture"],
        model_type=config["model_type"],
        labels=names.labels,
        label_problems=names.problems,
        multi_label=fields["problem_type"] == "multi_label_classification",
        parameters=parameters,
        shapes=shapes,
        encoder=written["encoder"],
        base=written["base"],
        renamings=tuple(Renaming(**renaming) for renaming in written["renamings"]),
    )


def _labels(config: Mapping[str, Any]) -> OutputLabels | None:
    """Name the outputs; None where the names are out of the ordinary."""
    id2label, label2id = config.get("id2label"), config.get("label2id")
    if id2label is None:
        count = config.get("num_labels", _DEFAULT_LABELS)
        if label2id is not None or type(count) is not int or not 0 < count <= _MOST_LABELS:
            return None
        return output_labels({index: f"LABEL_{index}" for index in range(count)}, count)
    if not _leads_to_names(id2label) or config.get("num_labels", len(id2label)) != len(id2label):
        return None
    if label2id is not None and not _leads_to_numbers(label2id):
        return None
    return output_labels({int(key): name for key, name in id2label.items()}, len(id2label), label2id)


def _leads_to_names(id2label: object) -> bool:
    return isinstance(id2label, dict) and all(_is_number(key) and type(id2label[key]) is str for key in id2label)


def _is_number(text: object) -> bool:
    """Whether a text is a number as `json` writes it, so that no two of them are the same one."""
    return isinstance(text, str) and text.isascii() and text.isdigit() and str(int(text)) == text


def _leads_to_numbers(label2id: object) -> bool:
    return isinstance(label2id, dict) and all(type(index) is int for index in label2id.values())
