"""What Gradio and the Hub's client read from the environment when they are imported."""

import os
import socket
from importlib.util import find_spec
from pathlib import Path

from benchmark.errors import RequestError

LOOPBACK = "127.0.0.1"
_NO_PROXY = ("no_proxy", "NO_PROXY")


def require_gradio() -> None:
    """Refuse to start without the extra.

    Raises:
        RequestError: Gradio is not installed.
    """
    if find_spec("gradio") is None:
        raise RequestError('The app needs the extra `app`: `pip install "ser-bench[app]"`.')


def require_free(port: int) -> None:
    """Refuse a port that is taken, before models are verified.

    Raises:
        RequestError: Something listens on it, or it is not for everybody.
    """
    try:
        with socket.create_server((LOOPBACK, port)):
            pass
    except OSError as error:
        raise RequestError(
            f"The app cannot listen on the port {port} ({error.strerror}): choose another one with --port."
        ) from error


def silence_telemetry() -> None:
    """Let nothing report to anybody, and reach this machine without a proxy; call it before the imports."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    for name in _NO_PROXY:  # Gradio asks its own server whether it has started
        os.environ[name] = ",".join(filter(None, (os.environ.get(name), LOOPBACK, "localhost")))


def keep_uploads_in(folder: Path) -> None:
    """Let Gradio write uploads and results below a folder; call it before Gradio is imported."""
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
