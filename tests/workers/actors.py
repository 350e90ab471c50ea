"""Actors that misbehave in every way the tests can think of. They run in workers only."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
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
