"""What can be known of a repository without downloading its weights, or why nothing can."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmark.results.status import Status

CONFIG_NAME = "config.json"
PREPROCESSOR_NAME = "preprocessor_config.json"
PROCESSOR_NAME = "processor_config.json"
SPEECHBRAIN_TEXTS = (HYPERPARAMETERS_NAME, LABEL_ENCODER_NAME) = ("hyperparams.yaml", "label_encoder.txt")
SPEECHBRAIN_WEIGHTS = ("wav2vec2.ckpt", "model.ckpt")
"""Encoder and last layer of a classifier of SpeechBrain, which `benchmark.models.native_layouts` rebuilds."""
NO_STATEMENT = "this says nothing about the model"


@dataclass(frozen=True)
class RepoFile:
    """A file of a repository: its path below the root, with forward slashes, and its bytes (None where unknown)."""

    name: str
    size: int | None


@dataclass(frozen=True, kw_only=True)
class RepoFacts:
    """What is known of one revision of a repository, on the Hub or in a local folder.

    All strings come from the repository and are hostile until escaped.

    Attributes:
        id: The Hub id, or the local folder as the registry names it.
        revision: The commit sha, or the content hash of a local folder.
        files: All its files; where `partial`, those of the local copy.
        config: Content of `config.json`; None where there is none, or where `config_problem` says why not.
        preprocessor: What describes the feature extractor: `preprocessor_config.json`, or the part of
            `processor_config.json` that newer versions of transformers write.
        texts: Content of the text files that describe a model of SpeechBrain, by name, where its weights are there.
        license: As declared by the repository, like `languages` and `datasets`, its training data.
        downloads: In the last month.
        folder: The local folder; None for a repository of the Hub.
        renamed: What the Hub calls it now, where that is another name than was asked for.
        partial: Whether `files` may be incomplete, since they come from the library's cache.
        onnx: The ONNX file that is loaded instead of a checkpoint, if the registry names one.
        tokenizer: Whether a load reads a tokenizer, too.
    """

    id: str
    revision: str
    files: tuple[RepoFile, ...]
    config: dict[str, Any] | None = None
    config_problem: str | None = None
    preprocessor: dict[str, Any] | None = None
    preprocessor_problem: str | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    license: str | None = None
    languages: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    downloads: int | None = None
    folder: Path | None = None
    renamed: str | None = None
    partial: bool = False
    onnx: str | None = None
    tokenizer: bool = False

    @property
    def names(self) -> frozenset[str]:
        """The names of its files."""
        return frozenset(file.name for file in self.files)


@dataclass(frozen=True)
class HubFailure:
    """Why nothing is known of a repository, in one sentence; the status is `not-found`, `gated` or `unreachable`."""

    status: Status
    reason: str


def is_of_speechbrain(names: Collection[str]) -> bool:
    """Whether all files of a classifier of SpeechBrain are among these.

    Examples:
        >>> is_of_speechbrain({"hyperparams.yaml", "label_encoder.txt", "wav2vec2.ckpt", "model.ckpt", "README.md"})
        True
    """
    return {*SPEECHBRAIN_TEXTS, *SPEECHBRAIN_WEIGHTS} <= set(names)


def unreachable(reason: str) -> HubFailure:
    """A failure that says nothing about the model.

    Examples:
        >>> unreachable("the Hub did not answer in time").reason
        'the Hub did not answer in time; this says nothing about the model'
    """
    return HubFailure(Status.UNREACHABLE, f"{reason}; {NO_STATEMENT}")


def not_in_cache(what: str) -> HubFailure:
    """The failure of a request that is not made offline."""
    return unreachable(f"HF_HUB_OFFLINE is set and {what} is not in the local cache: unset it and try again")


def storable(text: str) -> str:
    r"""Replace what cannot be written as UTF-8, which both JSON and file names can smuggle in.

    Examples:
        >>> storable("good"), storable("half \ud800")
        ('good', 'half ?')
    """
    return text.encode("utf-8", errors="replace").decode("utf-8")


def texts(value: Any) -> tuple[str, ...]:
    """Read a field of a card that should hold one string or several; anything else is ignored.

    Examples:
        >>> texts("en"), texts(["en", "ko", None, 3]), texts({"a": 1})
        (('en',), ('en', 'ko'), ())
    """
    values = value if isinstance(value, list | tuple) else [value]
    return tuple(storable(item) for item in values if isinstance(item, str))
