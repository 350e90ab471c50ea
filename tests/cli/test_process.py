import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SPEAKER = """
import sys
from benchmark.cli.process import prepare_streams
prepare_streams()
"""


def speak(script: str, **environment: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-c", SPEAKER + script],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        check=False,
    )


def test_nohup_is_respected() -> None:
    ended = speak(
        "import os, signal; from benchmark.cli.process import end_as_on_ctrl_c; "
        "signal.signal(signal.SIGHUP, signal.SIG_IGN); end_as_on_ctrl_c(); "
        "os.kill(os.getpid(), signal.SIGHUP); print('goes on')"
    )
    assert (ended.returncode, ended.stdout) == (0, b"goes on\n"), ended.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_data_are_the_same_in_every_encoding(encoding: str) -> None:
    text = "분노 – \\U0001f600 \\udcff"
    script = f'import json; print(json.dumps(["{text}"], ensure_ascii=False)); print("– 분", file=sys.stderr)'
    ended = speak(script, PYTHONIOENCODING=encoding)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout.decode(encoding)) == ["분노 – \U0001f600 \udcff"]
    expected = {"ascii": "- ?\n", "latin-1": "- ?\n", "utf-8": "– 분\n"}
    assert ended.stderr.decode(encoding) == expected[encoding]


@pytest.mark.parametrize("how", ["print('x' * 10)", "print('x' * 1_000_000)", "print('x'); sys.stdout.flush()"])
def test_a_reader_that_has_gone_ends_it_quietly_with_what_a_shell_expects(how: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [sys.executable, "-c", f"{SPEAKER}{how}\nsys.stdout.flush()"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (141, b"")


def test_closed_streams_are_written_to_in_vain() -> None:
    script = f"{SPEAKER}print('x'); print('y', file=sys.stderr); assert not sys.stdout.isatty()"
    closed = ["sh", "-c", 'exec "$@" >&- 2>&-', "sh", sys.executable, "-c", script]
    assert subprocess.run(closed, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False).returncode == 0
