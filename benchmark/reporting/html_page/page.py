"""`leaderboard.html`, put together: sentences and data in one file that needs nothing else."""

import base64
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from benchmark.reporting.agreement import agreement_section
from benchmark.reporting.html_page.clip_recordings import recording_data
from benchmark.reporting.html_page.page_data import page_data
from benchmark.reporting.html_page.plain_data import script_json
from benchmark.reporting.html_page.prose import block_html, inline_html
from benchmark.reporting.html_page.recordings import Recordings
from benchmark.reporting.inference import inference_sections
from benchmark.reporting.leaderboard_corpus import corpus_description
from benchmark.reporting.leaderboard_failed_clips import failed_clips_list
from benchmark.reporting.leaderboard_legend import legend
from benchmark.reporting.leaderboard_markdown import answers, failures_section, further_sections, origin, warnings
from benchmark.reporting.leaderboard_tables import evaluated_rows
from benchmark.reporting.meanings import INTERVAL_NAMES
from benchmark.reporting.numbers import counted
from benchmark.results.leaderboard import CorpusSummary, Leaderboard
from benchmark.results.runs import RunRecord

_ASSETS = resources.files("benchmark.reporting.html_page") / "assets"
_LIBRARY = "vendor/vega-embed.js"
# In the order in which they use each other.
_SCRIPTS = (
    *("dom", "data", "numbers", "hints", "intervals", "tables", "tabs", "rows", "filters", "point_labels"),
    *("charts", "clips", "candidate", "main"),
)
_STYLES = ("base", "tables", "candidate", "print")


@dataclass(frozen=True, kw_only=True)
class _Inline:
    """A style or a script as it stands in the page, and as the page's policy names it."""

    content: Markup

    @property
    def source(self) -> str:
        digest = hashlib.sha256(self.content.encode()).digest()
        return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def leaderboard_html(
    leaderboard: Leaderboard,
    folder: Path,
    *,
    record: RunRecord | None = None,
    recordings: Recordings | None = None,
) -> str:
    """Write a run as a page to look at, sort, filter and listen to.

    Args:
        leaderboard: The scored run.
        folder: Where the page will lie, for the links to recordings.
        record: The run, which holds the evidence of the verdicts; without it the page shows what the rows tell.
        recordings: Where audio comes from, and how much of it is embedded; by default nowhere, and none.

    Returns:
        An HTML document that needs no other file but the recordings it links to.
    """
    scripts = [_asset(_LIBRARY), *(_asset(f"scripts/{name}.js") for name in _SCRIPTS)]
    styles = [_asset(f"styles/{name}.css") for name in _STYLES]
    found = recording_data(leaderboard, recordings or Recordings(), folder)
    return _template().render(
        scripts=scripts,
        styles=styles,
        policy=_policy(scripts, styles),
        data=script_json(page_data(leaderboard, record)),
        # Addresses are ASCII; what `script_json` does to texts would take long for megabytes of audio.
        recordings=Markup(json.dumps(found).replace("<", "\\u003c")),  # noqa: S704 - no `<` is left
        licences=_asset("vendor/LICENCES.txt").content,
        **_sentences(leaderboard, found),
    )


def _sentences(leaderboard: Leaderboard, found: list[dict[str, Any]]) -> dict[str, Any]:
    rows = evaluated_rows(leaderboard)
    return {
        "registry": leaderboard.registry,
        "candidates": counted(len({row.candidate for row in leaderboard.rows}), "candidate"),
        "corpora": counted(len(leaderboard.corpora), "corpus", "corpora"),
        "answers": [inline_html(answer) for answer in answers(leaderboard)],
        "warnings": [inline_html(warning.removeprefix("> ")) for warning in warnings(leaderboard)],
        "origin": inline_html(origin(leaderboard)),
        "about": [_about(corpus, leaderboard) for corpus in leaderboard.corpora],
        "further": [
            block_html(section, deeper=0)
            for section in (*further_sections(leaderboard), inference_sections(leaderboard))
            if section
        ],
        "failures": block_html(failures_section(leaderboard), deeper=0),
        "legend": block_html(legend(rows)[1:]),
        "intervals": [name for kind, name in INTERVAL_NAMES.items() if any(row.interval == kind for row in rows)],
        "embedded": sum(audio[1] for corpus in found for audio in corpus["recordings"]),
    }


def _about(corpus: CorpusSummary, leaderboard: Leaderboard) -> dict[str, Any]:
    rows = [row for row in leaderboard.rows if row.corpus == corpus.name]
    agreement = [
        block for each in leaderboard.agreements if each.corpus == corpus.name for block in agreement_section(each)
    ]
    return {
        "name": corpus.name,
        "description": block_html(
            [*corpus_description(corpus, rows), *failed_clips_list(leaderboard, corpus.name)],
            caption="Clips that failed",
        ),
        "agreement": block_html(agreement, caption="How far the candidates agree"),
    }


def _policy(scripts: list[_Inline], styles: list[_Inline]) -> str:
    """Run these scripts and no others, fetch nothing, and play nothing but what the page holds or files beside it."""
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {' '.join(script.source for script in scripts)}",
            f"style-src {' '.join(style.source for style in styles)}",
            "img-src data:",
            "media-src 'self' data: file:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


@cache
def _asset(name: str) -> _Inline:
    # The files are ours, and hold no end of a script or style element; a test holds that.
    return _Inline(content=Markup(_ASSETS.joinpath(name).read_text(encoding="utf-8")))  # noqa: S704


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    return environment.from_string(_ASSETS.joinpath("page.html.j2").read_text(encoding="utf-8"))
