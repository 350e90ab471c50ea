"""A process that runs hostile commands, and a folder for each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.attacks import Arena, AttackServer


@pytest.fixture(scope="module")
def attack_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AttackServer]:
    """Give the process that runs the commands of a module."""
    server = AttackServer(tmp_path_factory.mktemp("server"))
    yield server
    server.close()


@pytest.fixture
def arena(tmp_path: Path, attack_server: AttackServer) -> Arena:
    """Give a folder to attack in."""
    return Arena(tmp_path, attack_server)
