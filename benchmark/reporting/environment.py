"""The machine and the libraries of a result, in one line."""

from benchmark.reporting.escaping import markdown_text
from benchmark.reporting.numbers import counted
from benchmark.results.environment import Environment


def environment_line(environment: Environment) -> str:
    """Write where a result came from, in one line of Markdown.

    Examples:
        >>> environment_line(Environment(platform="Linux 6.1 x86_64", python="3.11.2", processor="Xeon", cores=2,
        ...     memory_gb=8.2, versions={"torch": "2.13.0"}))
        'Xeon, 2 cores, 8.2 GB memory, Linux 6.1 x86_64, Python 3.11.2, torch 2.13.0'
    """
    return ", ".join(
        [
            markdown_text(environment.processor),
            counted(environment.cores, "core"),
            f"{environment.memory_gb:.1f} GB memory",
            markdown_text(environment.platform),
            f"Python {markdown_text(environment.python)}",
            *(f"{markdown_text(name)} {markdown_text(version)}" for name, version in environment.versions.items()),
        ]
    )
