"""The machine and the libraries that a result came from."""

import functools
import os
import platform
from importlib import metadata
from pathlib import Path

import psutil

from benchmark.results.schema import Stored

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
