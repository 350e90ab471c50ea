"""The environment variables of workers: those of a COMPUTE worker are an allow-list, without credentials."""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmark.workers.protection import WorkerKind

# A fresh interpreter would take a `multiprocessing.py` of the current folder for Python's own, and run it.
_NO_CODE_OF_THE_FOLDER = {"PYTHONSAFEPATH": "1"}
COMPUTE_ENVIRONMENT: Mapping[str, str] = {
    **_NO_CODE_OF_THE_FOLDER,
    # Threads that wait must sleep: two spinning pools on two cores made a tiny model 160 times slower.
    "OMP_WAIT_POLICY": "PASSIVE",
    "KMP_BLOCKTIME": "0",
    # numpy's products in feature extraction are small, and its threads spin whatever OMP_WAIT_POLICY says.
    "OPENBLAS_NUM_THREADS": "1",
    # A worker that computes reads local files and nothing else.
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "DISABLE_SAFETENSORS_CONVERSION": "1",
    "TOKENIZERS_PARALLELISM": "false",
    # Otherwise asking whether there is a GPU starts the driver in the fork server, and forks of it can't use it.
    "PYTORCH_NVML_BASED_CUDA_CHECK": "1",
}
"""Variables that a COMPUTE worker needs before anything is imported in it, and that its parent must never see."""

_FETCH_ENVIRONMENT = {**_NO_CODE_OF_THE_FOLDER, "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
# What a program of the user's finds without the network, it finds in its caches.
_FOREIGN_ENVIRONMENT = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "UV_OFFLINE": "1", "PIP_NO_INDEX": "1"}
_TEMPORARY = ("TMPDIR", "TEMP", "TMP")

# What decides how libraries are found, how many threads they use, and which device they compute on.
_KEPT = {
    *("PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TZDIR"),
    *("LD_LIBRARY_PATH", "LD_PRELOAD", "GLIBC_TUNABLES", "VIRTUAL_ENV", "CONDA_PREFIX"),
    # Windows starts no process without the first ones.
    *("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "USERPROFILE", "USERNAME", "HOMEDRIVE", "HOMEPATH"),
    *("APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "PROGRAMFILES", "NUMBER_OF_PROCESSORS", "OS"),
}
_KEPT_PREFIXES = (
    *("LC_", "PYTHON", "DYLD_", "MALLOC_", "PROCESSOR_"),
    *("OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_", "BLIS_", "VECLIB_", "NUMEXPR_", "NUMBA_", "TBB_"),
    *("ONEDNN_", "DNNL_", "ATEN_", "TORCH", "PYTORCH_", "TRANSFORMERS_", "OV_", "OPENVINO_", "ORT_"),
    *("CUDA_", "CUBLAS_", "CUDNN_", "NVIDIA_", "HIP_", "HSA_", "ROCR_", "ROCM_"),
)
_SECRET = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|(^|_)(API_?)?KEY(_|$)|(^|_)AUTH(_|$)")


def worker_environment(kind: WorkerKind, *, threads: int, temporary: Path | None = None) -> dict[str, str]:
    """All environment variables of a worker.

    Args:
        kind: COMPUTE gets what libraries need to be found and to compute; the others the user's environment.
        threads: Threads of one computation.
        temporary: The worker's temporary folder; None for the system's.
    """
    folders = {} if temporary is None else dict.fromkeys(_TEMPORARY, str(temporary))
    if kind is WorkerKind.FETCH:
        return {**os.environ, **_FETCH_ENVIRONMENT, **folders}
    if kind.is_foreign:
        offline = _FOREIGN_ENVIRONMENT if kind is WorkerKind.FOREIGN else {}
        own = {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "PASSIVE", "PYTHONUNBUFFERED": "1"}
        return {**os.environ, **_FETCH_ENVIRONMENT, **own, **offline, **folders}
    kept = {name: value for name, value in os.environ.items() if _is_kept(name.upper())}
    if temporary is not None:
        folders["XDG_CACHE_HOME"] = str(temporary)  # libraries that keep something write there, and nowhere else
    return {**kept, **COMPUTE_ENVIRONMENT, **folders, "OMP_NUM_THREADS": str(threads)}


def is_clean() -> bool:
    """Whether this process has no variables but those of a COMPUTE worker."""
    own = {*COMPUTE_ENVIRONMENT, *_TEMPORARY, "XDG_CACHE_HOME", "OMP_NUM_THREADS"}
    return all(name in own or _is_kept(name.upper()) for name in os.environ)


def _is_kept(name: str) -> bool:
    return name in _KEPT or (name.startswith(_KEPT_PREFIXES) and _SECRET.search(name) is None)


@contextmanager
def started_with(variables: Mapping[str, str]) -> Iterator[None]:
    """Let a process that starts within the block find these variables, and on POSIX no others.

    There `os.environ` stays as it is: what other threads read meanwhile must not lack the user's token.
    """
    if sys.platform == "win32":
        with added_variables(variables):
            yield
        return
    try:
        for name in os.environ.keys() - variables.keys():
            os.unsetenv(name)
        for name, value in variables.items():
            os.putenv(name, value)
        yield
    finally:
        for name in variables.keys() - os.environ.keys():
            os.unsetenv(name)
        for name, value in os.environ.items():
            os.putenv(name, value)


@contextmanager
def added_variables(variables: Mapping[str, str]) -> Iterator[None]:
    """Add variables to the environment of this process until the end of the block."""
    before = {name: os.environ.get(name) for name in variables}
    try:
        os.environ.update(variables)
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
