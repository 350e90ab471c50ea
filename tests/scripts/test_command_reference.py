from benchmark.cli.main import app
from scripts.command_reference import PAGE, commands, reference


def test_the_page_is_what_the_commands_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), "renew it: python -m scripts.command_reference"


def test_options_are_told_with_their_variable_default_and_choices() -> None:
    text = reference()
    assert "## bench verify\n" in text
    assert "- `--depth inspect|load|probe` (`BENCH_DEPTH`): " in text
    assert "- `--repair-heads` or `--no-repair-heads` (`BENCH_REPAIR_HEADS`): " in text
    assert "- `-m`, `--model ID` (`BENCH_MODEL`): " in text
    assert "Default: `probe`." in text
    assert "- `--repo OWNER/NAME` (`BENCH_PUBLISH_REPO`, required): " in text
    assert all(f"## bench {name}\n" in text for name, _ in commands(app))
