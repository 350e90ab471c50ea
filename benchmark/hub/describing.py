"""How the two JSON files that describe a model and its input are read, wherever they lie."""

import re
from pathlib import Path
from typing import Any

from huggingface_hub.hf_api import ModelInfo

from benchmark.hub.documents import ABSENT, Document, read_document
from benchmark.hub.facts import CONFIG_NAME, PREPROCESSOR_NAME, PROCESSOR_NAME

_COMMIT = re.compile(r"[0-9a-f]{40}")
_NESTED_NAMES = ("feature_extractor", "audio_processor")


def read_config(folder: Path) -> Document:
    """Read `config.json`."""
    return read_document(folder / CONFIG_NAME)


def read_preprocessor(folder: Path) -> Document:
    """Read what describes the feature extractor, from where transformers looks for it.

    Newer versions of transformers nest it in `processor_config.json`; that wins over `preprocessor_config.json`.
    """
    processor = read_document(folder / PROCESSOR_NAME)
    if processor.content is not None:
        for name in _NESTED_NAMES:
            if name in processor.content:
                return nested_document(processor.content[name], name)
    if processor.problem is not None:
        # transformers gives up at this file, whatever the other one holds.
        return Document(problem=f"as to {PROCESSOR_NAME}, {processor.problem}")
    return read_document(folder / PREPROCESSOR_NAME)


def nested_document(value: Any, name: str) -> Document:
    """Read an object within a document.

    Examples:
        >>> nested_document([], "feature_extractor").problem
        'its feature_extractor is no JSON object'
        >>> nested_document(None, "feature_extractor") == ABSENT
        True
    """
    if value is None:
        return ABSENT
    return Document(content=value) if isinstance(value, dict) else Document(problem=f"its {name} is no JSON object")


def checked(info: ModelInfo) -> ModelInfo:
    """Check what a server says of a repository, as far as anything is built on it.

    Raises:
        ValueError: It is not what a Hub says.
    """
    if not _COMMIT.fullmatch(str(info.sha)):
        raise ValueError("it names no commit")
    for file in info.siblings or ():
        if not isinstance(file.rfilename, str) or not (file.size is None or isinstance(file.size, int)):
            raise ValueError("its list of files is none")
    return info
