"""Where models can run on this machine; a worker is asked, so that no one else imports torch for it."""

from collections.abc import Sequence

from benchmark.errors import RequestError
from benchmark.settings import Settings
from benchmark.workers.answers import Returned
from benchmark.workers.worker import Worker

DEVICES = ("cpu", "cuda")
_ACTOR = "benchmark.models.devices:DeviceActor"
_TIMEOUT_S = 60.0


def resolve_devices(wanted: Sequence[str], settings: Settings) -> tuple[str, ...]:
    """Check the devices that a user asks for; without any, take the CPU and, where torch sees one, the GPU.

    Raises:
        RequestError: A device is unknown, or is not there.
    """
    if unknown := [device for device in wanted if device not in DEVICES]:
        raise RequestError(f"Unknown device {unknown[0]!r}: choose among {', '.join(DEVICES)}.")
    if wanted and "cuda" not in wanted:
        return tuple(dict.fromkeys(wanted))
    with Worker(_ACTOR, log=settings.logs / "devices.log") as worker:
        answer = worker.call("has_cuda", timeout_s=_TIMEOUT_S)
    has_cuda = isinstance(answer, Returned) and bool(answer.value)
    if wanted and not has_cuda:
        raise RequestError(
            "torch sees no CUDA device here: leave out `--device cuda`, or install a build of torch for your GPU."
        )
    return tuple(dict.fromkeys(wanted)) if wanted else (DEVICES if has_cuda else DEVICES[:1])
