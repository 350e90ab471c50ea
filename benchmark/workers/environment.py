"""The environment that workers need before anything is imported in them, and that their parent must never see."""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

WORKER_ENVIRONMENT: Mapping[str, str] = {
    # Threads that wait must sleep: two spinning pools on two cores made a tiny model 160 times slower.
    "OMP_WAIT_POLICY": "PASSIVE",
    "KMP_BLOCKTIME": "0",
    # numpy's products in feature extraction are small, and its threads spin whatever OMP_WAIT_POLICY says.
    "OPENBLAS_NUM_THREADS": "1",
    # A worker reads local files and nothing else.
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "DISABLE_SAFETENSORS_CONVERSION": "1",
    "TOKENIZERS_PARALLELISM": "false",
    # Otherwise asking whether there is a GPU starts the driver in the fork server, and forks of it can't use it.
    "PYTORCH_NVML_BASED_CUDA_CHECK": "1",
}

_CHANGING = threading.RLock()


def worker_environment(threads: int, own: Mapping[str, str]) -> dict[str, str]:
    """All environment variables of a worker.

    Args:
        threads: Threads that one computation may use.
        own: What this worker needs in addition; it wins over the rest.

    Returns:
        This process's environment with the worker's variables over it.
    """
    return {**os.environ, **WORKER_ENVIRONMENT, "OMP_NUM_THREADS": str(threads), **own}


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for a process that starts within the block, and put back what was there.

    Only one thread at a time is inside.
    """
    with _CHANGING:
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
