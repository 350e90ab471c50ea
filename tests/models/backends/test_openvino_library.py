"""OpenVINO as a library: nothing that its binding does once may be done by two threads at the same time."""

import subprocess
import sys

import pytest

pytest.importorskip("openvino", reason="OpenVINO has no wheels here")

# Forks of one process that has the library, so that each of them asks for the first time.
_ASK_FROM_MANY_THREADS = """
import os, signal, sys, threading
from benchmark.models.backends.openvino_library import openvino
library = openvino()
sys.setswitchinterval(1e-7)

def ask(together):
    together.wait()
    library.Type.f32.to_dtype()

for _ in range(6):
    if os.fork() == 0:
        signal.alarm(20)
        together = threading.Barrier(8)
        threads = [threading.Thread(target=ask, args=(together,), daemon=True) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        os._exit(0)
print(sorted(os.wait()[1] for _ in range(6)))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has forks that survive")
def test_threads_that_ask_at_once_do_not_wait_for_each_other_for_ever() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _ASK_FROM_MANY_THREADS], capture_output=True, text=True, timeout=120, check=False
    )
    assert (ended.stdout, ended.returncode) == (f"{[0] * 6}\n", 0), ended.stderr
