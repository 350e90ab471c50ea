from benchmark.cli.main import app
from scripts.command_reference import PAGE, commands, reference


def test_the_page_is_up_to_date_and_names_variables_defaults_and_choices() -> None:
    text = reference()
    assert PAGE.read_text(encoding="utf-8") == text, "renew it: python -m scripts.command_reference"
    assert "## bench verify\n" in text
    assert "- `--depth inspect|load|probe` (`BENCH_DEPTH`): " in text
    assert "- `--repair-heads` or `--no-repair-heads` (`BENCH_REPAIR_HEADS`): " in text
    assert "- `-m`, `--model ID` (`BENCH_MODEL`): " in text
    assert "Default: `probe`." in text
    assert "- `--repo OWNER/NAME` (`BENCH_PUBLISH_REPO`, required): " in text
    assert all(f"## bench {name}\n" in text for name, _ in commands(app))
