"""The machine that was measured on, in words."""

from importlib import metadata
from pathlib import Path

from benchmark.results.environment import Environment

_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_bf16", "amx_int8")
_LIBRARIES = ("torch", "transformers", "openvino", "onnxruntime", "numpy", "soundfile", "soxr")


def describe_machine() -> list[str]:
    """Name processor, instruction sets that matter, cores, memory, system and libraries."""
    here = Environment.here()
    flags = [flag for flag in _FLAGS if flag in _cpu_flags()]
    return [
        f"Processor: {here.processor}, {here.cores} cores in use; {', '.join(flags) or 'no wide vectors known'}; "
        f"{'no ' if not any(flag.startswith('amx') for flag in flags) else ''}AMX.",
        f"Memory: {here.memory_gb:g} GB. System: {here.platform}. Python {here.python}.",
        f"Libraries: {', '.join(_versions())}.",
    ]


def _versions() -> list[str]:
    found = []
    for name in _LIBRARIES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    return found


def _cpu_flags() -> set[str]:
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.is_file():
        return set()
    for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("flags"):
            return set(line.partition(":")[2].split())
    return set()
