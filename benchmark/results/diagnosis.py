"""What a machine has and lacks for running models."""

from datetime import datetime
from typing import ClassVar

from benchmark.results.schema import Stored, StoredFile


class Problem(Stored):
    """Something that is missing or broken.

    Attributes:
        what: One sentence for a person.
        fix: How to get it, such as a command; empty where nobody can tell.
        essential: Whether bench cannot do its work without it.
    """

    what: str
    fix: str = ""
    essential: bool = False


class BackendFact(Stored):
    """An engine that can compute a model's answers.

    Attributes:
        name: As `--backend` names it.
        version: What is installed; None where nothing is.
        works: Whether it could be imported; None where nobody tried.
        devices: What it can compute on.
        problem: Why it cannot be used.
    """

    name: str
    version: str | None = None
    works: bool | None = None
    devices: tuple[str, ...] = ()
    problem: str | None = None


class FolderFact(Stored):
    """A folder in which things are kept.

    Attributes:
        path: Where it is.
        size_mb: Megabytes (10⁶ bytes) in it; None where it does not exist.
        at_least: Whether counting was stopped before its end, so that it may be more.
        free_gb: Gigabytes (10⁹ bytes) free on its disk.
        writable: Whether files can be made there.
    """

    path: str
    size_mb: float | None
    at_least: bool = False
    free_gb: float | None = None
    writable: bool


class HubFact(Stored):
    """The Hub, as this machine reaches it.

    Attributes:
        endpoint: The server.
        offline: Whether the user switched the network off (`HF_HUB_OFFLINE`).
        token: Whether there is a token, which is never shown.
        reached: Whether the server answered; None where nobody asked.
        seconds: What that took.
        problem: Why it did not answer.
    """

    endpoint: str
    offline: bool
    token: bool
    reached: bool | None = None
    seconds: float | None = None
    problem: str | None = None


class Diagnosis(StoredFile):
    """What a machine has and lacks for running models.

    Attributes:
        created: When it was looked at, in UTC.
        platform: Operating system and architecture.
        python: Python's version.
        executable: The interpreter.
        processor: The processor's name.
        cores: Cores that this process may use.
        memory_gb: Memory of the machine in GB (10⁹ bytes).
        free_memory_gb: What of it is available now.
        processor_features: Instructions that make models faster, such as `avx512_bf16` or `amx_bf16`.
        gpus: CUDA devices that torch sees.
        versions: Version by distribution; None where it is not installed.
        backends: The engines.
        cache: What bench has stored.
        hub_cache: What has been downloaded from the Hub.
        hub: The Hub.
        audio_formats: Formats, and whether they can be decoded.
        problems: What is missing or broken, the essential first.
    """

    SCHEMA_VERSION: ClassVar[int] = 1

    schema_version: int = SCHEMA_VERSION
    created: datetime
    platform: str
    python: str
    executable: str
    processor: str
    cores: int
    memory_gb: float
    free_memory_gb: float
    processor_features: tuple[str, ...]
    gpus: tuple[str, ...] = ()
    versions: dict[str, str | None]
    backends: tuple[BackendFact, ...]
    cache: FolderFact
    hub_cache: FolderFact
    hub: HubFact
    audio_formats: dict[str, bool]
    problems: tuple[Problem, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether nothing essential is missing."""
        return not any(problem.essential for problem in self.problems)
