"""What can be known of a repository without downloading its weights, or why nothing can."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.results.status import Status

CONFIG_NAME = "config.json"


PREPROCESSOR_NAME = "preprocessor_config.json"


PROCESSOR_NAME = "processor_config.json"


NO_STATEMENT = "this says nothing about the model"


@dataclass(frozen=True)
class RepoFile:
    """A file of a repository.

    Attributes:
        name: Its path below the repository's root, with forward slashes.
        size: Bytes; None where nobody says.
    """

    name: str
    size: int | None


@dataclass(frozen=True, kw_only=True)
class RepoFacts:
    """What is known of one revision of a repository, on the Hub or in a local folder.

    All strings come from the repository: data to show, hostile until escaped.

    Attributes:
        id: The Hub id, or the path of the local folder.
        revision: The commit sha, or the content hash of a local folder.
        files: All its files, by name; those that are there, where `partial`.
        config: `config.json`, as it was parsed; None where there is none, or where `config_problem` says why not.
        config_problem: Why `config.json` cannot be used, although it is there.
        preprocessor: What describes the feature extractor: `preprocessor_config.json`, or the part of
            `processor_config.json` that newer versions of transformers write.
        preprocessor_problem: Why that cannot be used, although it is there.
        license: As the repository declares it.
        languages: As the card declares them.
        datasets: What the card declares as training data.
        pipeline_tag: The task that the Hub files it under.
        library: The library that the Hub files it under.
        downloads: In the last month.
        gated: Whether its files need an acceptance.
        folder: Where it lies, for a local folder; None for a repository of the Hub.
        partial: Whether `files` may lack some, since only a local copy could be asked.
    """

    id: str
    revision: str
    files: tuple[RepoFile, ...]
    config: dict[str, Any] | None = None
    config_problem: str | None = None
    preprocessor: dict[str, Any] | None = None
    preprocessor_problem: str | None = None
    license: str | None = None
    languages: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    pipeline_tag: str | None = None
    library: str | None = None
    downloads: int | None = None
    gated: bool = False
    folder: Path | None = None
    partial: bool = False

    @property
    def local(self) -> bool:
        """Whether it is a local folder."""
        return self.folder is not None

    @property
    def names(self) -> frozenset[str]:
        """The names of its files."""
        return frozenset(file.name for file in self.files)

    @property
    def has_config(self) -> bool:
        """Whether there is a `config.json`, usable or not."""
        return self.config is not None or self.config_problem is not None


@dataclass(frozen=True)
class HubFailure:
    """Why a repository cannot be looked at.

    Attributes:
        status: `not-found`, `gated` or `unreachable`.
        reason: One sentence for a person.
    """

    status: Status
    reason: str


def storable(text: str) -> str:
    r"""Replace what cannot be written as UTF-8, which both JSON and file names can smuggle in.

    Examples:
        >>> storable("good"), storable("half \ud800")
        ('good', 'half ?')
    """
    return text.encode("utf-8", errors="replace").decode("utf-8")


def texts(value: Any) -> tuple[str, ...]:
    """Read a field that should hold one string or several, and holds whatever somebody wrote.

    Examples:
        >>> texts("en"), texts(["en", "ko", None, 3]), texts({"a": 1})
        (('en',), ('en', 'ko'), ())
    """
    if isinstance(value, str):
        return (storable(value),)
    if isinstance(value, list | tuple):
        return tuple(storable(item) for item in value if isinstance(item, str))
    return ()


def text(value: Any) -> str | None:
    """Read a field that should hold a string; of several the first, of anything else nothing.

    Examples:
        >>> text("mit"), text(["mit", "other"]), text(7)
        ('mit', 'mit', None)
    """
    return next(iter(texts(value)), None)
