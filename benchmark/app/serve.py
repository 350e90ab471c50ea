"""Serving the page on this machine until it is interrupted."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmark.app.answers import Answerer
from benchmark.app.candidates import find_candidates
from benchmark.app.drawing import STYLES
from benchmark.app.environment import LOOPBACK, keep_uploads_in
from benchmark.app.models import OpenModels
from benchmark.errors import RequestError
from benchmark.options.model_commands import AppRequest
from benchmark.progress import Progress
from benchmark.results.storage import prepare_cache
from benchmark.results.timelines import RefusedModel
from benchmark.settings import Settings
from benchmark.temporary import private_folder

_FONTS = ("system-ui", "sans-serif")
_MONO_FONTS = ("ui-monospace", "monospace")
# Gradio's page has scripts and styles of its own in it; it shall load nothing from elsewhere, and send nothing there.
_POLICY = (
    "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"
)


@dataclass(frozen=True)
class RunningApp:
    """What is being served.

    Attributes:
        address: Of the page.
        candidates: Names of those that can be asked; the first is asked where none is named.
        pick: The pick of the run, if it is among them.
        refused: Those that cannot.
    """

    address: str
    candidates: tuple[str, ...]
    pick: str | None
    refused: tuple[RefusedModel, ...]


def serve(options: AppRequest, progress: Progress, announce: Callable[[RunningApp], None]) -> None:
    """Serve the page until Ctrl-C, which ends all workers.

    Raises:
        RequestError: The port is taken, or there is nothing to ask.
        UnavailableError: No model could be reached, or the cache can't be written.
    """
    settings = options.settings or Settings()
    candidates = find_candidates(options, settings, progress)
    prepare_cache(settings)
    uploads = private_folder(settings.temporary)
    keep_uploads_in(uploads.path)
    from benchmark.app.page import build_page  # noqa: PLC0415 - Gradio reads its variables when it is imported

    models = OpenModels(options.idle_seconds)
    page = build_page(Answerer(candidates, models, options, settings), uploads.path)
    try:
        _launch(page, options)
        subjects = tuple(candidates.subjects)
        announce(RunningApp(str(page.local_url), subjects, candidates.pick, candidates.refused))
        threading.Event().wait()
    except KeyboardInterrupt:
        pass  # how a server is ended
    finally:
        models.close()
        page.close(verbose=False)
        uploads.remove()


def _launch(page: Any, options: AppRequest) -> None:
    """Start the server in threads of its own."""
    from gradio.themes import Base  # noqa: PLC0415 - see above
    from starlette.middleware import Middleware  # noqa: PLC0415 - comes with Gradio
    from starlette.middleware.trustedhost import TrustedHostMiddleware  # noqa: PLC0415

    try:
        page.launch(
            server_name=LOOPBACK,
            server_port=options.port,
            share=False,
            prevent_thread_lock=True,
            quiet=True,
            show_error=True,
            ssr_mode=False,
            pwa=False,
            mcp_server=False,
            enable_monitoring=False,
            run_history=False,
            footer_links=["api"],
            max_file_size=f"{options.max_clip_mb * 1e6:.0f}b",
            theme=Base(font=_FONTS, font_mono=_MONO_FONTS),
            css=STYLES,
            app_kwargs={
                "middleware": [
                    Middleware(TrustedHostMiddleware, allowed_hosts=[LOOPBACK, "localhost"]),
                    Middleware(_PolicyMiddleware),
                ]
            },
        )
    except OSError as error:  # no port is free, or the one that was has been taken meanwhile
        raise RequestError("The app finds no port to listen on: choose another one with --port.") from error


class _PolicyMiddleware:
    """Sends the policy with every answer."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def send_with_policy(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"content-security-policy", _POLICY.encode())]
            await send(message)

        await self._app(scope, receive, send_with_policy)
