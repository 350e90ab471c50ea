"""`bench doctor`: what this machine has and lacks for running models."""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from huggingface_hub import constants
from packaging.requirements import Requirement

from benchmark.audio.decoding import ESSENTIAL_FORMATS, decodable_formats
from benchmark.errors import BenchError
from benchmark.hub.retries import REACH_TIMEOUT_S, probe_hub
from benchmark.results.environment import (
    BackendFact,
    Diagnosis,
    Environment,
    FolderFact,
    HubFact,
    Problem,
    ProtectionFact,
    cpuinfo,
    installed_version,
)
from benchmark.results.files import check_writable
from benchmark.settings import Settings
from benchmark.temporary import process_folder
from benchmark.workers.answers import Answer, Returned
from benchmark.workers.worker import Worker

_ACTOR = "benchmark.models.model_types:ToolkitActor"
_IMPORT_TIMEOUT_S = 60.0
_COUNTING_S = 2.0
_SHOWN = (
    *("ser-bench", "torch", "transformers", "huggingface_hub", "datasets", "evaluate", "numpy", "pandas", "pyarrow"),
    *("scikit-learn", "soundfile", "soxr", "silero-vad", "openvino", "onnxruntime", "onnx"),
)
_BACKENDS = ("torch", "openvino", "onnxruntime")
_OPTIONAL = {"openvino": "openvino", "onnxruntime": '"ser-bench[onnx]"'}
_FEATURES = ("amx_bf16", "amx_int8", "avx512_bf16", "avx512_vnni", "avx512f", "avx2", "asimd", "sve", "bf16")
_LITTLE_DISK_GB = 5.0
_BYTES_PER_MB, _BYTES_PER_GB = 1e6, 1e9


def doctor(*, settings: Settings | None = None, hub_timeout_s: float = REACH_TIMEOUT_S) -> Diagnosis:
    """Examine this machine: libraries, devices, folders, the Hub, audio.

    Nothing is changed or downloaded, and no token is read.
    """
    settings = settings or Settings()
    with ThreadPoolExecutor(2, thread_name_prefix="doctor") as pool:
        hub_fact = pool.submit(probe_hub, timeout_s=hub_timeout_s)
        worker_facts = pool.submit(_ask_workers, settings)
        cache, hub_cache = _folder(settings.cache), _folder(Path(constants.HF_HUB_CACHE))
        formats = decodable_formats()
        hub, (protections, (torch, *others)) = hub_fact.result(), worker_facts.result()
    gpus = torch.devices
    if torch.works:
        torch = torch.model_copy(update={"devices": ("cpu", *(f"cuda:{index}" for index in range(len(gpus))))})
    backends = (torch, *others)
    problems = [
        *_missing_libraries(),
        *_broken_backends(backends),
        *_folder_problems(cache, hub_cache),
        *_audio_problems(formats),
        *_hub_problems(hub),
    ]
    return Diagnosis(
        created=datetime.now(UTC),
        **Environment.here().model_dump(exclude={"versions"}),
        executable=sys.executable,
        free_memory_gb=round(psutil.virtual_memory().available / _BYTES_PER_GB, 1),
        processor_features=_processor_features(),
        gpus=gpus,
        versions={name: installed_version(name) for name in _SHOWN},
        backends=backends,
        cache=cache,
        hub_cache=hub_cache,
        hub=hub,
        protections=protections,
        audio_formats=formats,
        problems=tuple(sorted(problems, key=lambda problem: not problem.essential)),
    )


def _ask_workers(settings: Settings) -> tuple[ProtectionFact | None, tuple[BackendFact, ...]]:
    with _scratch_folder(settings) as folder:
        log = folder / "logs" / "doctor.log"
        answer = _ask("protections", log)
        protections = ProtectionFact(**answer.value) if isinstance(answer, Returned) else None
        return protections, tuple(_backend(name, log) for name in _BACKENDS)


@contextmanager
def _scratch_folder(settings: Settings) -> Iterator[Path]:
    """A folder for what workers print, where a later run finds it after a kill: in the cache, if there is one."""
    parent = process_folder(Path(tempfile.gettempdir()))
    if settings.cache.is_dir():
        with suppress(OSError):
            parent = process_folder(settings.temporary)
    with TemporaryDirectory(dir=parent) as name:
        yield Path(name)


def _ask(method: str, log: Path) -> Answer | str:
    """Call a method of `ToolkitActor` in a worker of its own; the reason where there can be none."""
    try:
        with Worker(_ACTOR, log=log) as worker:
            return worker.call(method, timeout_s=_IMPORT_TIMEOUT_S)
    except (BenchError, OSError) as error:
        return str(error)


def _backend(name: str, log: Path) -> BackendFact:
    """Import an engine in a worker, so that one that crashes does not take bench with it."""
    version = installed_version(name)
    if version is None:
        return BackendFact(name=name)
    answer = _ask(name, log)
    if not isinstance(answer, Returned):
        problem = answer if isinstance(answer, str) else answer.reason
        return BackendFact(name=name, version=version, works=False, problem=problem)
    return BackendFact(name=name, version=version, works=True, devices=tuple(answer.value["devices"]))


def _folder(path: Path) -> FolderFact:
    existing = next((folder for folder in (path, *path.absolute().parents) if folder.exists()), Path.cwd())
    size, is_complete = _size(path)
    return FolderFact(
        path=str(path.absolute()),
        size_mb=None if not path.exists() else round(size / _BYTES_PER_MB, 1),
        at_least=not is_complete,
        free_gb=round(shutil.disk_usage(existing).free / _BYTES_PER_GB, 1),
        writable=_is_writable(path) if path.exists() else existing.is_dir() and os.access(existing, os.W_OK),
    )


def _size(path: Path) -> tuple[int, bool]:
    """Count bytes without following links, for two seconds at most; also return whether that was enough."""
    end = time.monotonic() + _COUNTING_S
    size = 0
    for folder, _, files in os.walk(path):
        for name in files:
            with suppress(OSError):
                size += Path(folder, name).lstat().st_size
        if time.monotonic() > end:
            return size, False
    return size, True


def _is_writable(path: Path) -> bool:
    try:
        check_writable(path)
    except BenchError:
        return False
    return True


def _processor_features() -> tuple[str, ...]:
    features = cpuinfo("flags", "Features").split()
    return tuple(name for name in _FEATURES if name in features)


def _missing_libraries() -> Iterator[Problem]:
    try:
        lines = metadata.requires("ser-bench") or []
    except metadata.PackageNotFoundError:
        yield Problem(what="ser-bench itself is not installed, only found.", fix="python -m pip install -e .")
        return
    for required in map(Requirement, lines):
        name, specifier, marker = required.name, required.specifier, required.marker
        if name in _OPTIONAL or (marker is not None and not marker.evaluate({"extra": ""})):
            continue
        version = installed_version(name)
        fix = f'python -m pip install "{name}{specifier}"'
        if version is None:
            yield Problem(what=f"{name} is not installed.", fix=fix, essential=True)
        elif not specifier.contains(version, prereleases=True):
            yield Problem(what=f"{name} is {version}; bench needs {specifier}.", fix=fix, essential=True)


def _broken_backends(backends: tuple[BackendFact, ...]) -> Iterator[Problem]:
    for backend in backends:
        essential = backend.name == "torch"
        packages = _OPTIONAL.get(backend.name, backend.name)
        if backend.works is False:
            fix = f"python -m pip install --force-reinstall {packages}"
            yield Problem(what=f"{backend.name} cannot be used: {backend.problem}.", fix=fix, essential=essential)
        elif backend.version is None and not essential:
            what = f"{backend.name} is not installed: models run without it, on a CPU perhaps slower."
            yield Problem(what=what, fix=f"python -m pip install {packages}")


def _folder_problems(cache: FolderFact, hub_cache: FolderFact) -> Iterator[Problem]:
    for folder, variable in ((cache, "BENCH_CACHE"), (hub_cache, "HF_HOME")):
        if not folder.writable:
            what = f"{folder.path} cannot be written."
            yield Problem(what=what, fix=f"choose another folder with {variable}", essential=True)
        elif folder.free_gb is not None and folder.free_gb < _LITTLE_DISK_GB:
            what = f"Only {folder.free_gb:g} GB are free where {folder.path} is; a large model alone takes 1.3 GB."
            yield Problem(what=what, fix=f"make room, or choose another folder with {variable}")


def _audio_problems(formats: dict[str, bool]) -> Iterator[Problem]:
    lacking = [name for name, decodable in formats.items() if not decodable]
    for name in lacking:
        if name in ESSENTIAL_FORMATS:
            fix = "python -m pip install --force-reinstall soundfile"
            yield Problem(what=f"{name} cannot be decoded.", fix=fix, essential=True)
    if others := [name for name in lacking if name not in ESSENTIAL_FORMATS]:
        what = f"{', '.join(others)} cannot be decoded."
        yield Problem(what=what, fix=f"convert such recordings: ffmpeg -i call.{others[0]} call.flac")


def _hub_problems(hub: HubFact) -> Iterator[Problem]:
    if hub.offline:
        yield Problem(what="The Hub is switched off by HF_HUB_OFFLINE.", fix="unset HF_HUB_OFFLINE")
    elif hub.reached is False:
        fix = "check the network and HF_ENDPOINT; without the Hub: bench run --candidates demo"
        yield Problem(what=f"The Hub does not answer: {hub.problem}", fix=fix)
