"""Flags, variables and keywords that users rely on: none is lost or renamed, whatever else is added."""

import inspect
from pathlib import Path

import pytest

import benchmark
from benchmark.cli.main import app
from scripts.command_reference import commands

HERE = Path(__file__).parent
FUNCTIONS = (
    "compare",
    "describe_corpus",
    "ensemble",
    "plan",
    "predict",
    "publish",
    "recommend",
    "report",
    "run",
    "verify",
)


def test_every_flag_and_variable_is_still_there() -> None:
    offered = {
        " ".join([name, *flags, *(argument.parameter.env_var or ["-"])])
        for name, command in commands(app)
        for argument in command.assemble_argument_collection()
        if (flags := [flag for flag in argument.names if flag.startswith("-")])
    }
    promised = set((HERE / "options.txt").read_text().splitlines())
    assert promised - offered == set()
    assert {line.partition(" --")[2].split()[0] for line in offered - promised} == {"config"}


def test_what_sends_or_deletes_has_no_variable() -> None:
    lines = (HERE / "options.txt").read_text().splitlines()
    flags = {"publish --push -", "cache prune --all -", "cache prune --yes -", "run --allow-code -"}
    assert flags <= set(lines)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_python_functions_keep_their_keywords(name: str) -> None:
    signature = inspect.signature(getattr(benchmark, name))
    shown = {f"{name} -> {signature.return_annotation}"}
    for parameter in signature.parameters.values():
        default = "required" if parameter.default is parameter.empty else repr(parameter.default)
        if callable(parameter.default) and not isinstance(parameter.default, type):
            default = parameter.default.__name__
        shown.add(f"{name} {parameter.name} {parameter.kind.name} {default} {parameter.annotation}")
    promised = {line for line in (HERE / "signatures.txt").read_text().splitlines() if line.split()[0] == name}
    assert shown == promised
