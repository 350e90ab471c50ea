"""How long `leaderboard.html` of 200 candidates on 5 corpora takes to open and to sort, in headless Chromium.

    python -m performance.leaderboard_page

Opening ends when the table can be seen; the plot comes after it. Exits 1 where opening and sorting take more than 2 s
together, or the page is larger than 3 MB.
"""

import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmark.reporting.html_page.page import leaderboard_html
from benchmark.results.analyses import (
    AnsweredClip,
    AnswerProfile,
    ClassScores,
    ClipAnswers,
    EmotionScore,
    HardClip,
    HardClips,
    ReliabilityBin,
)
from benchmark.results.environment import Environment
from benchmark.results.leaderboard import CorpusSummary, Leaderboard, LeaderboardRow
from benchmark.scoring.hard_clips import MOST_ANSWERS
from scripts.chromium import find_chromium, open_chromium

EMOTIONS = ("anger", "calm", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
_LONGEST_S = 2.0
_LARGEST = 3_000_000
_REPEATS = 5
_CLIPS = 30


def large_leaderboard(candidates: int = 200, corpora: int = 5) -> Leaderboard:
    """Build a leaderboard as large as a whole year of models, with everything that a page can show."""
    generator = np.random.default_rng(7)
    names = [f"organisation-{place % 23}/speech-emotion-recognition-{place}" for place in range(candidates)]
    heard = [f"corpus-{place}" for place in range(corpora)]
    rows = [_row(name, corpus, place, generator) for corpus in heard for place, name in enumerate(names)]
    return Leaderboard(
        created=datetime(2026, 3, 1, tzinfo=UTC), environment=Environment.here(), registry="candidates.yaml",
        min_emotions=2, limit=None, interrupted=False, segment_s=3.0, threads=2,
        corpora=tuple(_corpus(name) for name in heard), rows=tuple(rows), not_evaluated=(), failures={},
        classes=tuple(_classes(name, corpus, generator) for corpus in heard for name in names),
        profiles=tuple(_profile(name, corpus, generator) for corpus in heard for name in names),
        hard_clips=tuple(_hard_clips(corpus, names, generator) for corpus in heard),
        clip_answers=tuple(
            _answers(corpus, names, MOST_ANSWERS // (corpora * candidates), generator) for corpus in heard
        ),
    )  # fmt: skip


def _row(name: str, corpus: str, place: int, generator: np.random.Generator) -> LeaderboardRow:
    score = float(generator.uniform(0.1, 0.8))
    return LeaderboardRow(
        rank=1 + place // 3, candidate=name, revision=f"{place:040x}", head="standard", corpus=corpus, clips=1440,
        failed_clips=0, unscored_clips=0, emotions=8, coverage=1.0, accuracy=score, accuracy_low=score - 0.05,
        accuracy_high=score + 0.05, uar=score, uar_low=score - 0.05, uar_high=score + 0.05, interval="speakers",
        macro_f1=score, common_uar=score, shared_uar=score, majority_accuracy=0.13, ece=0.2, entropy=1.6,
        effective_emotions=4.9, confident_emotions=float(generator.uniform(1, 8)), top_emotion="sadness",
        top_share=0.3, collapsed=False, seen="unknown", device="cpu", backend="torch", dtype="float32",
        latency_p50_ms=float(generator.lognormal(5, 1)), latency_p90_ms=300.0, rtfx=14.7, load_s=1.6,
        peak_memory_mb=1043.5, parameters=94_568_710, size_mb=float(generator.uniform(50, 2000)),
        flags=("at-chance", "few-clips") if place % 4 == 0 else ("fixed-window",) if place % 4 == 1 else (),
    )  # fmt: skip


def _corpus(name: str) -> CorpusSummary:
    return CorpusSummary(
        name=name, source=f"folder:{name}", synthetic=False, clips=1440, available_clips=1440, unreadable=(),
        unscored_labels={}, emotion_clips=dict.fromkeys(EMOTIONS, 180), label_emotions={}, speakers=24, hours=1.5,
        merge={},
    )  # fmt: skip


def _classes(name: str, corpus: str, generator: np.random.Generator) -> ClassScores:
    return ClassScores(
        candidate=name,
        corpus=corpus,
        emotions=tuple(
            EmotionScore(emotion=each, clips=180, answered=150, precision=0.612, recall=0.512, f1=0.557)
            for each in EMOTIONS
        ),
        confusion=tuple(tuple(row) for row in generator.integers(0, 60, (len(EMOTIONS), len(EMOTIONS) + 1)).tolist()),
    )


def _profile(name: str, corpus: str, generator: np.random.Generator) -> AnswerProfile:
    return AnswerProfile(
        candidate=name,
        corpus=corpus,
        answers={each: int(generator.integers(50, 300)) for each in EMOTIONS},
        truth=dict.fromkeys(EMOTIONS, 180),
        reliability=tuple(
            ReliabilityBin(clips=96, confidence=float(sure), accuracy=float(generator.uniform()))
            for sure in np.linspace(0.2, 0.99, 15)
        ),
    )


def _hard_clips(corpus: str, names: list[str], generator: np.random.Generator) -> HardClips:
    clips = tuple(
        HardClip(
            clip=f"actor-{place}/clip-{place}.wav", label="angry", emotion="anger", speaker=str(place), duration_s=3.2,
            able=len(names), wrong=len(names) - place, disagreement=1.5,
            answers={name: str(generator.choice(EMOTIONS)) for name in names},
        )
        for place in range(_CLIPS)
    )  # fmt: skip
    return HardClips(corpus=corpus, candidates=len(names), most_wrong=clips, most_disputed=clips)


def _answers(corpus: str, names: list[str], clips: int, generator: np.random.Generator) -> ClipAnswers:
    listed = [f"actor-{place % 24}/clip-{place}.wav" for place in range(clips)]
    return ClipAnswers(
        corpus=corpus, total=1440, classes=EMOTIONS,
        clips=tuple(
            AnsweredClip(clip=name, label="angry", emotion="anger", speaker=str(place % 24), duration_s=3.2)
            for place, name in enumerate(listed)
        ),
        answers={name: tuple(generator.integers(-1, len(EMOTIONS), clips).tolist()) for name in names},
    )  # fmt: skip


def main() -> int:
    """Measure, print, and tell whether the limits hold."""
    chromium = find_chromium()
    if chromium is None:
        print("There is no Chromium here.")
        return 1
    with tempfile.TemporaryDirectory() as folder, open_chromium(chromium) as browser:
        path = Path(folder) / "leaderboard.html"
        began = time.perf_counter()
        path.write_text(leaderboard_html(large_leaderboard(), Path(folder)), encoding="utf-8")
        size = path.stat().st_size
        print(f"written in {time.perf_counter() - began:.2f} s, {size / 1e6:.2f} MB")
        page = browser.new_page()
        opened, sorted_ = [], []
        for _ in range(_REPEATS):
            began = time.perf_counter()
            page.goto(path.as_uri(), wait_until="domcontentloaded")
            page.locator("#board tbody tr").nth(199).wait_for()
            opened.append(time.perf_counter() - began)
            page.wait_for_timeout(2000)  # the plot is drawn, and is another matter
            began = time.perf_counter()
            page.get_by_role("button", name="p50 ms").click()
            page.locator("#board th[aria-sort=ascending]").wait_for()
            page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
            sorted_.append(time.perf_counter() - began)
    print(f"opened in {statistics.median(opened):.2f} s, sorted in {statistics.median(sorted_):.2f} s (medians)")
    both = statistics.median(opened) + statistics.median(sorted_)
    return int(both > _LONGEST_S or size > _LARGEST)


if __name__ == "__main__":
    sys.exit(main())
