"""The machine and the libraries: what a result came from, and what `bench doctor` reports."""

import functools
import os
import platform
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import ClassVar

import psutil

from benchmark.results.schema import Stored, StoredFile

_LIBRARIES = (
    "ser-bench",
    "torch",
    "transformers",
    "huggingface_hub",
    "numpy",
    "scikit-learn",
    "soundfile",
    "soxr",
    "openvino",
    "onnxruntime",
)


class Environment(Stored):
    """The machine and the libraries.

    Attributes:
        platform: Operating system and architecture.
        python: Python's version.
        processor: The processor's name.
        cores: Cores that this process may use.
        memory_gb: Memory of the machine in GB (10⁹ bytes).
        versions: Version by distribution; those that are not installed are left out.
    """

    platform: str
    python: str
    processor: str
    cores: int
    memory_gb: float
    versions: dict[str, str]

    @classmethod
    def here(cls) -> "Environment":
        """Describe this machine, without importing any of the libraries."""
        return cls(
            platform=f"{platform.system()} {platform.release()} {platform.machine()}",
            python=platform.python_version(),
            processor=_processor(),
            cores=available_cores(),
            memory_gb=round(psutil.virtual_memory().total / 1e9, 1),
            versions={name: version for name in _LIBRARIES if (version := installed_version(name)) is not None},
        )


def available_cores() -> int:
    """Count the cores that this process may use, which a container or `taskset` can make fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@functools.cache
def installed_version(distribution: str) -> str | None:
    """Look up the version of an installed distribution; None where it is not installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


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
