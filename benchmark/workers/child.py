"""The side of a worker that runs in a process of its own: one actor, asked one thing at a time."""

import faulthandler
import importlib
import logging
import multiprocessing
import os
import signal
import sys
import threading
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from multiprocessing.connection import Connection, wait
from typing import Any

from benchmark.workers.answers import OutOfMemory
from benchmark.workers.failures import describe
from benchmark.workers.limits import Limits, hold_this_process_to
from benchmark.workers.messages import Message, encode, receive, send

_STDIN, _STDOUT, _STDERR = 0, 1, 2


def serve(pipe: "Connection[Any, Any]", actor: str, log: str, limits: Limits, environment: Mapping[str, str]) -> None:
    """Answer calls until the other end of the pipe is closed; the entry point of a worker's process.

    Args:
        pipe: Where calls come from and answers go to.
        actor: The class to make, as `package.module:Class`.
        log: Where all output goes.
        limits: What this process may take of the machine.
        environment: All environment variables of this process.
    """
    _become_independent()
    _redirect_output(log)
    os.environ.clear()
    os.environ.update(environment)
    _end_with_parent()
    logging.getLogger(__name__).info("worker %d for %s, %s", os.getpid(), actor, datetime.now(UTC).isoformat())
    hold_this_process_to(limits)
    instance: Any = None
    while True:
        try:
            method, arguments = receive(pipe)
        except (EOFError, OSError):
            return
        try:
            if instance is None:
                instance = _make(actor)
            message = encode({"returned": getattr(instance, method)(*arguments)})
        except BaseException as error:  # the edge of a worker: whatever happens in an actor is an answer
            message = _failure(error, method, limits)
        try:
            send(pipe, message)
        except OSError:
            return


def _make(actor: str) -> Any:
    module, _, name = actor.partition(":")
    return getattr(importlib.import_module(module), name)()


def _failure(error: BaseException, method: str, limits: Limits) -> Message:
    answer = describe(error, memory_limit=limits.memory_bytes)
    try:
        sys.stderr.write(f"{method} raised:\n")
        traceback.print_exception(error)
    except BaseException:  # an exception may refuse to be printed; the answer must get through all the same
        sys.stderr.write("(its traceback could not be written)\n")
    if isinstance(answer, OutOfMemory):
        return encode({"out_of_memory": [answer.requested_bytes, answer.limit_bytes, answer.message]})
    return encode({"raised": [answer.kind, answer.message, answer.outer]})


def _become_independent() -> None:
    """Have a session and process group of its own: out of reach of the terminal's Ctrl-C, and killed as a whole."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "setsid"):
        os.setsid()


def _redirect_output(log: str) -> None:
    """Send everything printed, by Python or by libraries in C, to the log, and read nothing from the terminal."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(nothing, _STDIN)
    for descriptor in (_STDOUT, _STDERR):
        os.dup2(output, descriptor)
    os.close(nothing)
    os.close(output)
    options: dict[str, Any] = {"encoding": "utf-8", "errors": "backslashreplace", "buffering": 1, "closefd": False}
    sys.stdout = open(_STDOUT, "w", **options)  # noqa: SIM115 - a descriptor, kept to the end
    sys.stderr = open(_STDERR, "w", **options)  # noqa: SIM115 - a descriptor, kept to the end
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(name)s: %(message)s", force=True)
    faulthandler.enable(file=_STDERR)


def _end_with_parent() -> None:
    """End this process when its parent is gone, even in the middle of a call that would take forever."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        if hasattr(os, "killpg"):
            os.killpg(0, signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=watch, name="parent watch", daemon=True).start()
