"""Writes down what transformers says of the configurations of its audio classifiers, for inspection without it.

Run it after transformers was updated: `python scripts/write_skeleton_fields.py`. A test holds the file to the
installed version, and the rules of `benchmark/models/skeleton_shapes.py` to the models that are really built.
"""

import dataclasses
import json
import re
from typing import Any

import transformers
from transformers import CONFIG_MAPPING

from benchmark.models.skeleton import build_skeleton
from benchmark.models.skeleton_fields import FIELDS_FILE
from benchmark.models.supported import AUDIO_CLASSIFICATION_TYPES

# Fields that have a meaning of their own to the reader of this file.
_LABELS = ("id2label", "label2id")
_ALTERNATIVES = ("float", "int", "bool", "str", "None", "list[int]", "list[str]")


def described() -> dict[str, Any]:
    """Give all that the file holds."""
    types = {model_type: _described(model_type) for model_type in sorted(AUDIO_CLASSIFICATION_TYPES)}
    return {"transformers": transformers.__version__, "types": types}


def _described(model_type: str) -> dict[str, Any]:
    kind = CONFIG_MAPPING[model_type]
    skeleton = build_skeleton({"model_type": model_type})
    fields = [field for field in dataclasses.fields(kind) if field.name not in _LABELS]
    return {
        "architecture": skeleton.architecture,
        "encoder": skeleton.encoder,
        "base": skeleton.base,
        "fields": {field.name: {"default": field.default, "kinds": _kinds(field.type)} for field in fields},
        "aliases": dict(kind.attribute_map),
        "renamings": [dataclasses.asdict(renaming) for renaming in skeleton.renamings],
    }


def _kinds(annotation: Any) -> list[str]:
    """Name the alternatives of an annotation; those that a `config.json` never holds are left out."""
    text = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    if optional := re.fullmatch(r"typing\.Optional\[(.*)\]", text):
        text = f"{optional[1]} | None"
    if re.match(r"(typing\.)?Literal\[", text):
        text = re.sub(r"(typing\.)?Literal\[.*?\]", "str", text)
    return [each for each in text.split(" | ") if each in _ALTERNATIVES]


if __name__ == "__main__":
    FIELDS_FILE.write_text(json.dumps(described(), indent=1, default=list) + "\n", encoding="utf-8")
