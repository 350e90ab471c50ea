"""Actors that misbehave in every way the tests can think of. They run in workers only."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


class UnpicklableError(Exception):
    """Like transformers' validation errors: it cannot be rebuilt from its arguments, and holds a lock."""

    def __init__(self, field: str, cause: object) -> None:
        super().__init__(f"{field}: {cause}")
        self.lock = threading.Lock()


class UnprintableError(Exception):
    """Its message cannot be read."""

    def __str__(self) -> str:
        raise RuntimeError("no")


class Actor:
    """Returns, and fails to return."""

    def __init__(self) -> None:
        self.calls = 0

    def echo(self, value: Any) -> Any:
        self.calls += 1
        return value

    def count(self) -> int:
        return self.calls

    def pid(self) -> int:
        return os.getpid()

    def facts(self) -> dict[str, Any]:
        import __main__  # noqa: PLC0415 - as it is in the worker, at the time of the call

        return {
            "environment": dict(os.environ),
            "session": os.getsid(0),
            "group": os.getpgid(0),
            "interrupt_ignored": signal.getsignal(signal.SIGINT) is signal.SIG_IGN,
            "stdin": sys.stdin.read(),
            "torch": "torch" in sys.modules,
            "transformers": "transformers" in sys.modules,
            "main": getattr(__main__, "__file__", None),
            "core": __import__("resource").getrlimit(__import__("resource").RLIMIT_CORE)[0],
        }

    def double(self, array: NDArray[Any]) -> NDArray[Any]:
        array *= 2
        return array

    def a_set(self) -> Any:
        return {"inner": [1, {2}]}

    def number_keys(self) -> Any:
        return {1: "one"}

    def nested(self) -> Any:
        value: list[Any] = []
        value.append(value)
        return value

    def huge_integer(self) -> int:
        return 10**10_000

    def objects(self) -> Any:
        return np.array([object()])

    def fail(self, message: str) -> None:
        raise ValueError(message)

    def fail_inside(self) -> None:
        try:
            try:
                raise KeyError("weight")
            except KeyError as error:
                raise OSError("could not read the file") from error
        except OSError:
            raise RuntimeError("loading failed")  # noqa: B904 - the implicit context is what is tested

    def fail_hiding_the_cause(self) -> None:
        try:
            raise KeyError("weight")
        except KeyError:
            raise ValueError("a better message") from None

    def fail_unpicklably(self) -> None:
        raise UnpicklableError("hidden_size", "is not a number")

    def fail_unprintably(self) -> None:
        raise UnprintableError

    def leave(self, code: int) -> None:
        sys.exit(code)

    def interrupt(self) -> None:
        raise KeyboardInterrupt

    def exit_hard(self, code: int) -> None:
        os._exit(code)

    def kill(self, number: int) -> None:
        os.kill(os.getpid(), number)

    def segfault(self) -> None:
        ctypes.string_at(0)

    def close_everything(self) -> None:
        os.closerange(3, 256)
        time.sleep(60)

    def talk_nonsense(self) -> None:
        for descriptor in range(3, 64):
            try:
                os.write(descriptor, b"\0\0\0\x05hello" * 100)
            except OSError:
                continue
        time.sleep(60)

    def send_too_much(self, array: bool) -> Any:
        return np.zeros(600_000_000, np.uint8) if array else "a" * 40_000_000

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def stop(self) -> None:
        os.kill(os.getpid(), signal.SIGSTOP)

    def hang_beside_a_child(self, pid_file: str) -> None:
        child = subprocess.Popen(["sleep", "600"])
        Path(pid_file).write_text(str(child.pid), encoding="ascii")
        time.sleep(600)

    def say(self, text: str, times: int) -> None:
        for _ in range(times):
            print(text)  # noqa: T201 - printing is what is tested
        os.write(2, b"from C\n")

    def allocate_numpy(self, number_of_bytes: int) -> None:
        np.ones(number_of_bytes, np.uint8)

    def allocate_torch(self, number_of_bytes: int) -> int:
        import torch  # noqa: PLC0415 - the other actors' methods never need it

        return int(torch.ones(number_of_bytes, dtype=torch.uint8)[-1])

    def torch_threads(self) -> int:
        import torch  # noqa: PLC0415 - the other actors' methods never need it

        return int(torch.get_num_threads())


class BrokenConstructor:
    def __init__(self) -> None:
        raise ValueError("no such checkpoint")

    def echo(self, value: Any) -> Any:
        return value


class HostileActor:
    """Tries what code in a checkpoint would, and tells what became of it: the name of the error, else `done`."""

    def attempt(self, port: int, outside: str, parent: int) -> dict[str, str]:
        def connect() -> None:
            socket.create_connection(("127.0.0.1", port), timeout=5)

        def send() -> None:
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"secret", ("127.0.0.1", port))

        def make_ring() -> None:
            parameters = ctypes.create_string_buffer(120)
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.syscall(425, 4, parameters) < 0:
                raise OSError(ctypes.get_errno(), "io_uring_setup")

        file = Path(outside)
        attempts: dict[str, Callable[[], object]] = {
            "connect by TCP": connect,
            "send by UDP": send,
            "reach the fork server": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
            "open sockets by io_uring": make_ring,
            "write a file": lambda: file.with_name("new").write_text("x", encoding="ascii"),
            "change a file": lambda: os.truncate(file, 0),
            "delete a file": file.unlink,
            "make a folder": file.with_name("folder").mkdir,
            "make a link": lambda: file.with_name("link").symlink_to(file),
            "signal the parent": lambda: os.kill(parent, signal.SIGURG),
            "change the parent": lambda: Path(f"/proc/{parent}/mem").open("r+b"),  # noqa: SIM115
        }
        return {name: _outcome(attempt) for name, attempt in attempts.items()}

    def search(self, secret: str) -> list[str]:
        """Where a secret of the user's environment is found: in its own variables, or those of bench's helpers."""
        helpers = [
            path for path in Path("/proc").glob("[0-9]*") if b"from multiprocessing" in _content(path / "cmdline")
        ]
        places = {str(path): path / "environ" for path in (Path("/proc/self"), *helpers)}
        found = [name for name, path in places.items() if secret.encode() in _content(path)]
        return found + [name for name, value in os.environ.items() if secret in value]

    def descriptors(self) -> list[str]:
        """What its open files are, but the one by which they are listed."""
        return [str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.exists()]

    def privileges(self) -> str:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(line for line in lines if line.startswith("NoNewPrivs"))

    def run(self, program: str) -> str:
        return subprocess.run([program, "-u"], capture_output=True, text=True, check=True).stdout.strip()

    def write(self, folder: str) -> str:
        return _outcome(lambda: (Path(folder) / "written").write_text("x", encoding="ascii"))

    def temporary(self) -> str:
        return tempfile.mkdtemp()


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # the process has ended
        return b""


def _outcome(attempt: Callable[[], object]) -> str:
    try:
        result = attempt()
    except OSError as error:
        return type(error).__name__
    return result if isinstance(result, str) else "done"
