"""The machine and the libraries: what a result came from, and what `bench doctor` reports."""

import functools
import math
import os
import platform
from datetime import datetime
from importlib import metadata
from pathlib import Path

import psutil

from benchmark.results.schema import Stored, StoredFile

_LIBRARIES = (
    *("ser-bench", "torch", "transformers", "huggingface_hub", "numpy", "scikit-learn", "soundfile", "soxr"),
    *("openvino", "onnxruntime"),
)
# A kernel keeps a little of the memory for itself, each version another amount.
_SAME_MEMORY = 0.05


class Environment(Stored):
    """The machine and the libraries.

    Attributes:
        cores: Cores that this process may use.
        memory_gb: Of the machine, in GB (10⁹ bytes).
        versions: By distribution; those that are not installed are left out.
    """

    platform: str
    python: str
    processor: str
    cores: int
    memory_gb: float
    versions: dict[str, str]

    def is_same_machine(self, other: "Environment") -> bool:
        """Whether both describe one machine, as far as they tell; libraries and the kernel may have changed."""
        own, others = (
            (*_system(environment.platform), environment.processor, environment.cores) for environment in (self, other)
        )
        return own == others and math.isclose(self.memory_gb, other.memory_gb, rel_tol=_SAME_MEMORY)

    @classmethod
    def here(cls) -> "Environment":
        """Describe this machine, without importing any of the libraries."""
        return cls(
            platform=f"{platform.system()} {platform.release()} {platform.machine()}",
            python=platform.python_version(),
            processor=cpuinfo("model name") or platform.processor() or platform.machine(),
            cores=available_cores(),
            memory_gb=round(psutil.virtual_memory().total / 1e9, 1),
            versions={name: version for name in _LIBRARIES if (version := installed_version(name)) is not None},
        )


def _system(description: str) -> tuple[str, str]:
    """The name of the system and of the processor's kind, as in `Linux 6.1 x86_64`."""
    words = description.split()
    return words[0], words[-1]


def available_cores() -> int:
    """Cores that this process may use; a container or `taskset` can leave fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@functools.cache
def installed_version(distribution: str) -> str | None:
    """The version of a distribution; None if it is not installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def cpuinfo(*fields: str) -> str:
    """The first value of any of these fields in Linux's /proc/cpuinfo; empty if there is none."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(fields)), "")


class Problem(Stored):
    """Something that is missing or broken, in a sentence, with the remedy if there is one.

    Attributes:
        essential: Whether bench cannot work without it.
    """

    what: str
    fix: str = ""
    essential: bool = False


class BackendFact(Stored):
    """A backend that `--backend` names.

    Attributes:
        version: None if it is not installed.
        works: Whether it could be imported; None if that was not tried.
    """

    name: str
    version: str | None = None
    works: bool | None = None
    devices: tuple[str, ...] = ()
    problem: str | None = None


class FolderFact(Stored):
    """A cache folder.

    Attributes:
        size_mb: In MB (10⁶ bytes); None if the folder does not exist.
        at_least: Whether counting was stopped before its end.
        free_gb: Free on its disk, in GB (10⁹ bytes).
    """

    path: str
    size_mb: float | None
    at_least: bool = False
    free_gb: float | None = None
    writable: bool


class ProtectionFact(Stored):
    """What keeps a worker that opens checkpoints from the rest of this machine (docs/security.md).

    Attributes:
        clean_environment: It has only variables that it needs, and no credentials.
        no_new_privileges: No program that it starts gains privileges.
        landlock: Version of Landlock's interface, which limits where it writes; 0 without.
        no_sockets: It opens no socket.
    """

    clean_environment: bool
    no_new_privileges: bool
    landlock: int
    no_sockets: bool


class HubFact(Stored):
    """Access to the Hub.

    Attributes:
        offline: Whether the user has switched the network off (`HF_HUB_OFFLINE`).
        token: Whether there is a token, which is never shown.
        reached: Whether the server answered; None if that was not tried.
    """

    endpoint: str
    offline: bool
    token: bool
    reached: bool | None = None
    seconds: float | None = None
    problem: str | None = None


class Diagnosis(StoredFile):
    """What a machine has and lacks for running models; fields as in `Environment`.

    Attributes:
        processor_features: Instructions that make models faster, such as `avx512_bf16` or `amx_bf16`.
        gpus: CUDA devices that torch sees.
        versions: By distribution; None if it is not installed.
        protections: None where no worker could be asked.
        audio_formats: Whether each format can be decoded.
        problems: The essential first.
    """

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
    protections: ProtectionFact | None = None
    audio_formats: dict[str, bool]
    problems: tuple[Problem, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether nothing essential is missing."""
        return not any(problem.essential for problem in self.problems)
