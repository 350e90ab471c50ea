"""Every command in terminals of 60 to 200 columns: no broken word, no line that is too long, no raw Markdown."""

import os
import re
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from benchmark.api.corpus import DescribeOutcome
from benchmark.api.discover import Discovered, DiscoverOutcome
from benchmark.api.outcomes import Outcome
from benchmark.api.predict import PredictOutcome
from benchmark.api.report import report
from benchmark.api.run import RunOutcome
from benchmark.api.train import TrainOutcome
from benchmark.api.verify import VerifyOutcome
from benchmark.cli.main import app
from benchmark.results.corpus_description import KnownOutputs
from benchmark.results.environment import BackendFact, Diagnosis, Environment, FolderFact, HubFact, Problem
from benchmark.results.status import Status
from benchmark.results.training_record import TrainingScore
from benchmark.results.verification import Verification, VerificationReport
from benchmark.scoring.corpus_description import coverage_of, describe
from benchmark.settings import Settings
from scripts.command_reference import commands
from tests.support.command_line import bench_here
from tests.support.finished_runs import FinishedRun, corpus, verification
from tests.support.timelines import timeline, timelines
from tests.support.trained_folders import demo_answers, training_record

WIDTHS = (60, 80, 100, 110, 120, 160, 200)
WIDE_ENOUGH = 3_000

WHEN = datetime(2026, 3, 1, 9, 5, tzinfo=UTC)
LONG = "organisation/wav2vec2-large-xlsr-53-german-speech-emotion-recognition"
UMLAUTS = "forschungsgruppe-sprache/hubert-large-superb-er-feinabgestimmt-für-gefühle"
CALLS = "telefongespräche-münchen-2024"
REJECTED = Verification(
    candidate="speech-technology-lab/wav2vec2-base-emotion-ctc-without-head",
    id="speech-technology-lab/wav2vec2-base-emotion-ctc-without-head",
    revision="0" * 40,
    status=Status.WRONG_TASK,
    reason="Its architecture Wav2Vec2ForCTC is for speech recognition: it has a head of 32 letters where a classifier "
    "has projector.weight and classifier.weight, none of which is among its 424 tensors.",
    expect="usable",
)

WORD = re.compile(r"[^/_-]*[/_-]+|[^/_-]+")
LONGEST_WHOLE = 24
FRAMES = re.compile("[╭╮╰╯│─▕▏▁▂▃▄▅▆▇█]+")
STYLES = re.compile("\x1b\\[[0-9;]*m")
# The line about columns that are left out stands in no wide terminal.
ONLY_NARROW = frozenset(
    re.findall(r"[^\s.:]+", "Not shown for want of room: The reports have all columns. `bench cache ls --json` has")
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run of candidates with long names on two corpora, and an earlier one."""
    folder = tmp_path_factory.mktemp("b")
    for number, wrong in enumerate((0.4, 0.2)):
        run = FinishedRun(folder / ".bench", corpus(CALLS, speakers=9, repeats=1), corpus("acted", speakers=4))
        run.add(verification(LONG), wrong=wrong, seed=number)
        run.add(verification(UMLAUTS), wrong=0.5, ms=None, seed=2)
        run.add(verification("always-neutral_with_underscores_in_its_name"), always="neutral", seed=3)
        run.verifications.append(REJECTED)
        run.save(created=WHEN + timedelta(days=number), name=f"telefonie-{number}")
    for path in (folder / ".bench").rglob("*"):
        os.utime(path, (WHEN.timestamp(), WHEN.timestamp()))  # so that no age changes while the tests run
    return folder


def shown(folder: Path, width: int, *arguments: object) -> list[str]:
    """The lines that a command writes to a terminal."""
    ended = bench_here(*arguments, folder=folder, columns=width, TERM="xterm")
    assert "Traceback" not in ended.stderr
    assert ended.returncode in {0, 1, 2}, ended.stderr
    return STYLES.sub("", ended.stdout + ended.stderr).splitlines()


def words(lines: list[str]) -> set[str]:
    return {word.strip(":,.") for line in lines for word in FRAMES.sub(" ", line).split()} - {"•"}


def pieces(word: str) -> Iterator[str]:
    """What a long name may be broken into."""
    parts = WORD.findall(word) if len(word) > LONGEST_WHOLE else [word]
    for begin in range(len(parts)):
        for end in range(begin + 1, len(parts) + 1):
            yield "".join(parts[begin:end])


def assert_fits_all_widths(folder: Path, *arguments: object) -> None:
    allowed = {piece.strip(":,.") for word in words(shown(folder, WIDE_ENOUGH, *arguments)) for piece in pieces(word)}
    assert allowed
    for width in WIDTHS:
        lines = shown(folder, width, *arguments)
        assert [line for line in lines if len(line) > width] == []
        assert words(lines) - allowed - ONLY_NARROW == set(), (width, lines)
        assert [mark for mark in ("**", "| ", "`b`", "](") if mark in "\n".join(lines)] == []


@pytest.mark.parametrize(
    ("arguments", "function"),
    [
        (("report",), "benchmark.api.report.report_with"),
        (("recommend",), "benchmark.api.choose.recommend_with"),
        (("ensemble", LONG, UMLAUTS), "benchmark.api.choose.ensemble_with"),
        (("compare", "telefonie-0", "telefonie-1"), "benchmark.api.compare.compare_with"),
        (("plan",), "benchmark.api.plan.plan_with"),
        (("runs",), None),
        (("runs", "show", "telefonie-1"), None),
        (("cache", "ls"), None),
        (("candidates",), None),
        (("candidates", "--candidates", "demo"), None),
        (("labels", "--merge-preset", "sentiment"), None),
        (("train", "--show-recipe", "attention"), None),
        (("report", "--run", "telefonie"), "benchmark.api.report.report_with"),
    ],
)
def test_what_is_stored_is_shown_in_every_terminal(
    folder: Path, arguments: tuple[str, ...], function: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if function is not None:
        compute_once(monkeypatch, function)
    assert_fits_all_widths(folder, *arguments)


def compute_once(monkeypatch: pytest.MonkeyPatch, function: str) -> None:
    """Compute the result of a command at the first width, and only print it again at the others."""
    module, name = function.rsplit(".", 1)
    __import__(module)
    original = getattr(sys.modules[module], name)
    results: list[object] = []

    def once(options: object) -> object:
        if not results:
            results.append(original(options))
        return results[0]

    monkeypatch.setattr(function, once)


def ran(folder: Path) -> Outcome:
    result = report(settings=Settings(cache=folder / ".bench"), output=folder / "ran")
    return RunOutcome(leaderboard=result.leaderboard, record=result.record, files=(Path("reports/leaderboard.html"),))


def verified(_folder: Path) -> Outcome:
    candidates = (verification(LONG, expect="usable"), verification(UMLAUTS), REJECTED)
    found = VerificationReport(created=WHEN, registry="r.yaml", environment=Environment.here(), candidates=candidates)
    return VerifyOutcome(report=found, files=(Path("reports/verification.md"),))


def described(_folder: Path) -> Outcome:
    record = corpus(CALLS)
    notes = ["The column emotion_code is taken for the label."]
    described = describe(record, [None] * len(record.clips), created=WHEN, notes=notes)
    known = KnownOutputs(candidate=LONG, known_from="verification", emotions=("anger", "neutral"))
    return DescribeOutcome(description=described.model_copy(update={"candidates": (coverage_of(known, described),)}))


def discovered(_folder: Path) -> Outcome:
    works = Discovered(verification(LONG), None, ("de", "en"), ("iemocap",), 120_000)
    return DiscoverOutcome(repositories=(works, Discovered(REJECTED, REJECTED.reason, (), None, None)))


def trained(folder: Path) -> Outcome:
    answers = demo_answers()
    scores = tuple(
        TrainingScore(name=name, uar=0.5, uar_low=0.4, uar_high=0.6, macro_f1=0.5, accuracy=0.5, clips=9)
        for name in ("majority", "functionals of the recording alone", LONG)
    )
    record = training_record(answers, name="gefühle-am-telefon", scores=scores)
    return TrainOutcome(folder=folder, record=record, out_of_fold=answers, files=(Path("mine/training.md"),))


def predicted(_folder: Path) -> Outcome:
    answers = timeline([[0.7, 0.2, 0.1], [0.1, 0.2, 0.7]], recording="anrufe/beschwerde-über-rechnung.wav", model=LONG)
    return PredictOutcome(result=timelines(answers))


@pytest.mark.parametrize(
    ("arguments", "function", "outcome"),
    [
        (("run", "--corpus", "demo:"), "benchmark.api.run.run_with", ran),
        (("verify",), "benchmark.api.verify.verify_with", verified),
        (("corpus", "demo:"), "benchmark.api.corpus.describe_corpus_with", described),
        (("discover",), "benchmark.api.discover.discover_with", discovered),
        (("train", "--corpus", "demo:"), "benchmark.api.train.train_with", trained),
        (("predict", LONG, "beschwerde.wav"), "benchmark.api.predict.predict_with", predicted),
    ],
)
def test_what_models_are_needed_for_is_shown_in_every_terminal(
    folder: Path,
    arguments: tuple[str, ...],
    function: str,
    outcome: Callable[[Path], Outcome],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("benchmark.workers.process.start_server", lambda _folder: None)
    result = outcome(folder)
    monkeypatch.setattr(function, lambda _options: result)
    assert_fits_all_widths(folder, *arguments)


def test_the_help_of_every_command_is_shown_in_every_terminal(folder: Path) -> None:
    for name, _ in commands(app):
        assert_fits_all_widths(folder, *name.split(), "--help")


def test_this_machine_is_shown_in_every_terminal(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmark.workers.process.start_server", lambda _folder: None)
    here = Environment.here()
    place = FolderFact(path="/home/müller/.cache/huggingface/hub", size_mb=12_000, free_gb=80, writable=True)
    diagnosis = Diagnosis(
        **here.model_dump(exclude={"versions"}), created=WHEN, executable="/home/müller/venv/bin/python",
        free_memory_gb=3, processor_features=("avx512_bf16",), versions={"torch": "2.13.0", "transformers": None},
        backends=(BackendFact(name="torch", version="2.13.0", works=True, devices=("cpu",)),), cache=place,
        hub_cache=place, hub=HubFact(endpoint="https://huggingface.co", offline=False, token=False),
        audio_formats={"wav": True}, problems=(Problem(what="transformers is missing", fix="pip install it"),),
    )  # fmt: skip
    monkeypatch.setattr("benchmark.api.doctor.doctor", lambda: diagnosis)
    assert_fits_all_widths(folder, "doctor")
