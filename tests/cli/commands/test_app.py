import socket
from pathlib import Path

import pytest

from tests.support.command_line import bench_here, failure


def test_without_the_extra_the_app_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmark.app.environment.find_spec", lambda name: None)
    ended = bench_here("app", folder=tmp_path)
    assert 'pip install "ser-bench[app]"' in failure(ended)


def test_a_port_that_is_taken_is_refused_before_anything_is_verified(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        ended = bench_here("app", "--port", port, "-m", "./missing", folder=tmp_path)
    assert f"cannot listen on the port {port}" in failure(ended)
