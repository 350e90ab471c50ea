"""For the fork server of workers: OpenVINO imported, without its telemetry, and nothing done with it."""

import contextlib

from benchmark.models.backends.openvino_backend import openvino
from benchmark.models.backends.protocol import BackendError

with contextlib.suppress(BackendError):  # where it is not installed, nobody will ask for it
    openvino()
