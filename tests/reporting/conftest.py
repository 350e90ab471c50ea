"""Builders of stored results, as realistic as a table of them has to be to be judged."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from benchmark.results.environment import Environment
from benchmark.results.leaderboard import CorpusSummary, Leaderboard, LeaderboardRow, NotEvaluated
from benchmark.results.left_out import left_out
from benchmark.results.runs import ClipRecord
from benchmark.results.status import Status
from benchmark.results.verification import Finding, Verification, VerificationReport

HERE = Environment(
    platform="Linux 6.12 x86_64",
    python="3.11.2",
    processor="Intel(R) Xeon(R) Processor @ 2.10GHz",
    cores=2,
    memory_gb=8.2,
    versions={"ser-bench": "0.1.0", "torch": "2.13.0", "transformers": "5.23.0"},
)
WHEN = datetime(2026, 3, 1, 9, 5, tzinfo=UTC)

# Each would do something else than be read, somewhere.
HOSTILE = (
    "a|b",
    "`code` ``` fence",
    "<script>alert(1)</script>",
    "[click](javascript:alert(1))",
    "![x](http://127.0.0.1/pixel.png)",
    '"><img src=x onerror=alert(1)>',
    "<javascript:alert(1)>",
    "&lt;script&gt;",
    "# heading\n\n- list",
    "line\r\nend\u2028and\x85more",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-1",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1",
    '"quoted", and; separated',
    "\x1b[31mred\x1b[0m \x1b]8;;http://x\x07link\x1b]8;;\x07 \x9b2J",
    "\u202egnp.exe\u202c zero\u200bwidth \ufeffbom \u2066isolate\u2069",
    "\x00null\x07bell",
    "\U000e0041tag",
    "*bold* _it_ __x__ ~~no~~ $m$ \\",
    "불안 | 기쁨",
)


# For whole reports, which have to escape these wherever they show them.
ATTACKS = (
    "a|b `code` ``` fence <script>alert(1)</script> [click](javascript:alert(1)) ![x](http://127.0.0.1/p)\n\n# h",
    "=cmd|' /C calc'!A0",
    "\x1b[31mred\x1b[0m \u202egnp.exe\u202c zero\u200bwidth\x00 \r\n*bold*\u2028and\x85more",
)


def verified(candidate: str = "org/model", status: Status = Status.USABLE, **changes: Any) -> Verification:
    """Build a verification of a working six-emotion model; `changes` replace fields."""
    emotions = ("anger", "disgust", "fear", "happiness", "neutral", "sadness")
    usable = {
        "revision": "0123456789abcdef0123456789abcdef01234567", "loads": True,
        "labels": tuple(emotion[:3].upper() for emotion in emotions), "emotions": emotions,
        "architecture": "Wav2Vec2ForSequenceClassification", "head": "standard", "parameters": 94_568_710,
        "size_bytes": 378_302_360, "license": "apache-2.0", "seconds": 3.25, "languages": ("en",),
    }  # fmt: skip
    fields = usable if status in {Status.USABLE, Status.REPAIRED} else {}
    base = {"candidate": candidate, "id": candidate, "status": status, "reason": f"The reason of {status}."}
    return Verification.model_validate(base | fields | changes)


def reported(*candidates: Verification) -> VerificationReport:
    """Build a report on candidates."""
    return VerificationReport(created=WHEN, registry="candidates.yaml", environment=HERE, candidates=candidates)


def scored(candidate: str = "org/model", **changes: Any) -> LeaderboardRow:
    """Build the row of an evaluated candidate; `changes` replace fields."""
    base = {
        "rank": 1, "candidate": candidate, "revision": "0123456789abcdef0123456789abcdef01234567", "head": "standard",
        "corpus": "ravdess", "clips": 1440, "failed_clips": 0, "unscored_clips": 0, "emotions": 6,
        "coverage": 0.7333333333333333, "accuracy": 0.4611111, "accuracy_low": 0.42, "accuracy_high": 0.5,
        "uar": 0.4412345678901234, "uar_low": 0.39, "uar_high": 0.49, "interval": "speakers", "macro_f1": 0.41,
        "common_uar": 0.58, "shared_uar": 0.59, "majority_accuracy": 0.1333333, "ece": 0.21, "entropy": 1.6,
        "effective_emotions": 4.95, "confident_emotions": 3.1, "top_emotion": "sadness", "top_share": 0.31,
        "collapsed": False, "seen": "unknown", "device": "cpu", "backend": "torch", "dtype": "float32",
        "latency_p50_ms": 204.3, "latency_p90_ms": 231.9, "latency_p99_ms": None, "rtfx": 14.7, "load_s": 1.62,
        "peak_memory_mb": 1043.5, "parameters": 94_568_710, "size_mb": 378.3,
    }  # fmt: skip
    return LeaderboardRow.model_validate(base | changes)


def described(name: str = "ravdess", **changes: Any) -> CorpusSummary:
    """Build the summary of a corpus of acted speech; `changes` replace fields."""
    emotions = ("anger", "calm", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
    base = {
        "name": name, "source": "table:corpora/ravdess/metadata.csv", "synthetic": False, "clips": 1440,
        "available_clips": 1440, "unreadable": (), "unscored_labels": {},
        "emotion_clips": {emotion: 96 if emotion == "neutral" else 192 for emotion in emotions},
        "label_emotions": {"angry": "anger", "neutral": "neutral", "surprised": "surprise"}, "speakers": 24,
        "hours": 1.48, "merge": {},
    }  # fmt: skip
    return CorpusSummary.model_validate(base | changes)


def absent(candidate: str, status: Status, *, emotions: int = 0, fallback: bool = False) -> NotEvaluated:
    """Build a candidate that was not evaluated."""
    return NotEvaluated(
        candidate=candidate, status=status, reason=f"The reason of {status}.", emotions=emotions, fallback=fallback
    )


def board(*rows: LeaderboardRow, **changes: Any) -> Leaderboard:
    """Build a leaderboard of rows on one corpus; `changes` replace fields."""
    base = {
        "created": WHEN, "environment": HERE, "registry": "candidates.yaml", "min_emotions": 5, "limit": None,
        "interrupted": False, "segment_s": 3.0, "threads": 2, "corpora": (described(),), "rows": rows,
        "not_evaluated": (), "failures": {},
    }  # fmt: skip
    return Leaderboard.model_validate(base | changes)


def section(markdown: str, title: str) -> str:
    """The text below a heading that begins with the title, up to the next heading."""
    match = re.search(rf"^#+ {re.escape(title)}[^\n]*\n(.*?)(?=^#+ |\Z)", markdown, flags=re.MULTILINE | re.DOTALL)
    assert match is not None, f"no section {title!r} in:\n{markdown}"
    return match[1]


def table(text: str) -> list[dict[str, str]]:
    """The cells of the table in a text of Markdown, by their headings."""
    lines = [line.strip("| ") for line in text.splitlines() if line.startswith("|")]
    titles, _, *rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)] for line in lines]
    return [dict(zip(titles, row, strict=True)) for row in rows]


@pytest.fixture(scope="session")
def every_status() -> VerificationReport:
    """One candidate of every status, some with all that can be said of one."""
    special: dict[Status, dict[str, Any]] = {
        Status.REPAIRED: {"head": "dense-out", "reason": "Its head was rebuilt, assuming tanh.", "expect": "repaired"},
        Status.RANDOM_HEAD: {"expect": "usable", "log": ".bench/logs/org__random-head.log", "loads": True},
        Status.LOAD_FAILED: {"log": ".bench/logs/org__load-failed.log", "loads": False},
        Status.NOT_EMOTION: {"findings": (Finding(status=Status.NOT_EMOTION, reason="2 of 527.", evidence={"n": 2}),)},
    }
    candidates = [verified(f"org/{status}", status, **special.get(status, {})) for status in Status]
    small = verified("org/four", labels=("a", "h", "n", "s"), emotions=("anger", "happiness", "neutral", "sadness"))
    rich = verified(
        "org/seven",
        labels=("ang", "dis", "fea", "hap", "neu", "sad", "sur", "???"),
        emotions=("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise", None),
        notes=("The label ??? maps to nothing.",),
    )
    return reported(small, *candidates, rich)


@pytest.fixture(scope="session")
def realistic_board() -> Leaderboard:
    """A run with everything that a report can have to say."""
    rows = (
        scored("Dpngtm/wav2vec2-emotion-recognition", uar=0.61, uar_low=0.56, uar_high=0.66, emotions=8, coverage=1.0),
        scored("jihedjabnoun/wavlm-base-emotion", uar=0.59, uar_low=0.53, uar_high=0.64, latency_p50_ms=99.94),
        scored("firdhokk/whisper", rank=3, uar=0.44, flags=("fixed-window",), latency_p50_ms=1843.2, rtfx=1.63),
        scored("harshit345/xlsr", rank=4, uar=0.20, uar_low=0.12, uar_high=0.3, head="dense-out", flags=("repaired",)),
        scored("superb/always-neutral", rank=4, uar=0.125, uar_low=0.12, uar_high=0.13, collapsed=True, top_share=0.997,
               effective_emotions=1.02, top_emotion="neutral", flags=("collapsed",)),
        scored("ehcalabres/seen", rank=None, uar=0.99, seen="yes", flags=("seen",)),
        LeaderboardRow(candidate="superb/four", emotions=4, flags=("usable", "fallback")),
        LeaderboardRow(candidate="org/unreachable", flags=("unreachable",)),
        LeaderboardRow(candidate="org/random-head", flags=("random-head",)),
    )  # fmt: skip
    return board(
        *rows,
        limit=100,
        corpora=(
            described(
                unreadable=(ClipRecord(clip="bad|clip.wav", clip_hash=None, duration_s=None, failure="is empty"),),
                unscored_labels={"xxx": 8},
                left_out=(
                    left_out("unreadable", 1, ["bad|clip.wav (is empty)"], "of 1,441 clips cannot be read", "left out"),
                    left_out("no-emotion", 8, (), "of 1,440 clips mean no emotion", "not scored", about="xxx 8"),
                ),
            ),
        ),
        not_evaluated=(
            absent("superb/four", Status.USABLE, emotions=4, fallback=True),
            absent("org/unreachable", Status.UNREACHABLE),
            absent("org/random-head", Status.RANDOM_HEAD),
        ),
        failures={"firdhokk/whisper": "The worker was killed by SIGKILL while being timed."},
    )


@pytest.fixture(params=HOSTILE, ids=[ascii(text)[:30] for text in HOSTILE])
def hostile(request: pytest.FixtureRequest) -> str:
    """A string from outside that means harm."""
    return str(request.param)


@pytest.fixture(params=ATTACKS, ids=["markup", "formula", "hidden"])
def attack(request: pytest.FixtureRequest) -> str:
    return str(request.param)
