"""Where models can run on this machine; a worker is asked, so that no one else imports torch for it."""

import sys
from collections.abc import Sequence
from pathlib import Path

from benchmark.errors import RequestError
from benchmark.settings import Settings
from benchmark.workers.answers import Returned
from benchmark.workers.worker import Worker

DEVICES = ("cpu", "cuda")
_ACTOR = "benchmark.models.devices:DeviceActor"
_TIMEOUT_S = 60.0
# One of these is there wherever a driver is that torch's CUDA builds can use: NVIDIA's own, Windows's for Linux, AMD's.
_DRIVERS = ("/proc/driver/nvidia", "/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg", "/dev/kfd")


def resolve_devices(wanted: Sequence[str], settings: Settings) -> tuple[str, ...]:
    """Check the devices that a user asks for; without any, take the CPU and, where torch sees one, the GPU.

    Raises:
        RequestError: A device is unknown, or is not there.
    """
    if unknown := [device for device in wanted if device not in DEVICES]:
        raise RequestError(f"Unknown device {unknown[0]!r}: choose among {', '.join(DEVICES)}.")
    if wanted and "cuda" not in wanted:
        return tuple(dict.fromkeys(wanted))
    has_cuda = may_have_cuda() and _sees_cuda(settings)
    if wanted and not has_cuda:
        raise RequestError(
            "torch sees no CUDA device here: leave out `--device cuda`, or install a build of torch for your GPU."
        )
    return tuple(dict.fromkeys(wanted)) if wanted else (DEVICES if has_cuda else DEVICES[:1])


def may_have_cuda() -> bool:
    """Whether it is worth while to start a worker with torch to ask, which takes seconds.

    Returns:
        False where there surely is no CUDA device: on macOS, and on Linux without a driver.
    """
    if sys.platform == "darwin":
        return False
    return sys.platform != "linux" or any(Path(driver).exists() for driver in _DRIVERS)


def _sees_cuda(settings: Settings) -> bool:
    with Worker(_ACTOR, log=settings.logs / "devices.log") as worker:
        answer = worker.call("has_cuda", timeout_s=_TIMEOUT_S)
    return isinstance(answer, Returned) and bool(answer.value)
