"""`compare`: compare two runs. No model is loaded."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from benchmark.api.outcomes import Outcome
from benchmark.errors import EXIT_UNMET, RequestError
from benchmark.options.declare import keywords
from benchmark.options.report_commands import CompareRequest
from benchmark.reporting.compare import comparison_markdown
from benchmark.reporting.csv_and_json import model_json
from benchmark.reporting.numbers import counted
from benchmark.reporting.predictions import PREDICTIONS_FILE, prediction_tables
from benchmark.results.comparison import GateResult, RunComparison
from benchmark.results.files import write_atomically
from benchmark.results.leaderboard import Leaderboard
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.run_selection import with_rare_classes
from benchmark.results.runs import load_run
from benchmark.scoring.compare import compare_runs
from benchmark.scoring.gates import judge_gate, parse_gate
from benchmark.scoring.leaderboard import score_run
from benchmark.scoring.paired import ComparedRun, answers_by_pairing
from benchmark.settings import Settings, expanded

LEADERBOARD_FILE = "leaderboard.json"
_ANSWER_COLUMNS = ["candidate", "corpus", "clip", "clip_hash", "emotion", "speaker", "predicted"]


@dataclass(frozen=True, kw_only=True)
class CompareOutcome(Outcome):
    """Result of `compare`: the two runs side by side, with the results of the gates."""

    comparison: RunComparison

    def __repr__(self) -> str:
        own = self.comparison
        passed = sum(gate.passed is True for gate in own.gates)
        gates = f", {passed} of {counted(len(own.gates), 'gate')} passed" if own.gates else ""
        return self._in_short(f"from {own.old} to {own.new}: {counted(len(own.rows), 'row')}{gates}")

    def _repr_html_(self) -> str:
        return self._html([comparison_markdown(self.comparison)])

    @property
    def complete(self) -> bool:
        """Whether everything that both runs were asked for came to its end."""
        return self.comparison.complete


def compare_with(options: CompareRequest) -> CompareOutcome:
    """Compare two runs, each a folder of reports, a `leaderboard.json`, or a run of the store.

    The exit code is 1 if a gate fails or its rows are missing, or a run is incomplete; with `strict`, also if noise
    decides on a gate.

    Raises:
        RequestError: There is no such run, a gate is malformed, or the file cannot be written.
        UnavailableError: The disk is full.
    """
    settings = options.settings or Settings()
    gates = [parse_gate(text) for text in options.fail_on]
    comparison = compare_runs(
        *(_open(str(name), settings, options.rare_classes) for name in (options.old, options.new))
    )
    comparison = comparison.model_copy(update={"gates": tuple(judge_gate(gate, comparison.rows) for gate in gates)})
    files: tuple[Path, ...] = ()
    if options.output is not None:
        path = expanded(options.output)
        write = model_json if path.suffix.lower() == ".json" else comparison_markdown
        files = (write_atomically(path, write(comparison), remedy="choose another file with --output"),)
    failed = [gate for gate in comparison.gates if gate.passed is False or (options.strict and gate.passed is None)]
    return CompareOutcome(
        comparison=comparison,
        files=files,
        exit_code=EXIT_UNMET if failed or comparison.gaps else 0,
        problems=(*comparison.gaps, *map(_problem, failed)),
    )


compare = keywords(compare_with, CompareRequest)


def _problem(failed: GateResult) -> str:
    more = f" And {len(failed.findings) - 1} more." if len(failed.findings) > 1 else ""
    verdict = "failed" if failed.passed is False else "cannot be judged"
    return f"The gate {failed.gate} {verdict}: {failed.findings[0]}{more}"


def _open(name: str, settings: Settings, rare_classes: Literal["keep", "drop"] | None) -> ComparedRun:
    path = expanded(name)
    is_report = path.is_dir() or (path.name == LEADERBOARD_FILE and path.is_file())
    if is_report and rare_classes is not None:
        raise RequestError(
            f"{name} is scored already, so that --rare-classes cannot change it: name the run, or write it again with "
            "`bench report --rare-classes`."
        )
    if path.is_dir():
        if not (path / LEADERBOARD_FILE).is_file():
            raise RequestError(
                f"{name} holds no {LEADERBOARD_FILE}: give a folder that `bench run` or `bench report` has written, or "
                "the name of a run."
            )
        return _reports(name, path / LEADERBOARD_FILE)
    if is_report:
        return _reports(name, path)
    record = with_rare_classes(load_run(settings.cache, name), rare_classes)
    read = PredictionStore(settings.cache).read
    tables = [table.select(_ANSWER_COLUMNS) for table in prediction_tables(record, read)]
    answers = answers_by_pairing(pa.concat_tables(tables)) if tables else {}
    return ComparedRun(title=name, leaderboard=score_run(record, read), answers=answers)


def _reports(name: str, path: Path) -> ComparedRun:
    leaderboard = Leaderboard.read(path)
    if leaderboard is None:
        raise RequestError(
            f"{path} is no leaderboard that this version of bench can read: it is cut off, or another version wrote "
            "it; write it again with `bench report`."
        )
    predictions = path.with_name(PREDICTIONS_FILE)
    try:
        table = pq.read_table(predictions, columns=_ANSWER_COLUMNS) if predictions.is_file() else None
    except (pa.ArrowException, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise RequestError(
            f"{predictions} cannot be read ({reason}): write it again with `bench report`, or delete it to compare "
            "without pairs."
        ) from error
    return ComparedRun(title=name, leaderboard=leaderboard, answers={} if table is None else answers_by_pairing(table))
