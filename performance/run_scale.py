"""What a run costs beside its models: many candidates on many clips, answered by stubs that do not compute.

    python -m performance.run_scale                                          200 candidates, 100,000 clips
    python -m performance.run_scale --clips 5000 --candidates 20

One process does what `bench run` does from a decoded corpus on: plans each candidate, requests every window, puts
answers together, and writes the store. Windows come from a stub in place of decoders, and answers from a stub in place
of workers. A fresh process then scores and reports, as `scoring_scale.py` measures it. Everything is written into a
folder that is deleted at the end.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterable, Iterator
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from benchmark.corpora.audio_reader import AudioReader, ClipWindow
from benchmark.corpora.audio_sources import AudioFile, AudioSource
from benchmark.evaluation import runner
from benchmark.evaluation.candidate_runs import LocalRuns
from benchmark.evaluation.context import RunContext, RunOptions
from benchmark.evaluation.decoding import ClipSet, DecodedCorpus
from benchmark.evaluation.eligibility import Subject
from benchmark.evaluation.out_of_fold import SubjectCorpora
from benchmark.evaluation.sessions import AnsweredWindow, Implementation
from benchmark.models.load_reports import LoadReport
from benchmark.progress import Silent
from benchmark.registry.schema import Candidate
from benchmark.results.environment import Environment
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.runs import RunRecord, save_run
from benchmark.settings import Settings
from benchmark.workers.answers import Returned
from performance.memory import peak_mb
from performance.scoring_scale import EMOTIONS, SEED, large_corpus, measure, timing, verification

RATE = 16_000
WINDOW_S = 30.0
_DRAWN = 10_007
WINDOW = np.zeros(RATE // 10, dtype=np.float32)


class StubReader(AudioReader):
    """Gives the same window for every clip."""

    def windows(self, audio: Iterable[tuple[str, AudioSource]], **_: Any) -> Generator[ClipWindow]:
        """A window of each clip, and its end."""
        for clip_hash, _source in audio:
            yield ClipWindow(clip_hash, WINDOW)
            yield ClipWindow(clip_hash, None)


class StubSession:
    """Answers at random, better or worse by the number of its candidate."""

    is_reusable = False

    def __init__(self, subject: Subject, implementation: Implementation, **_: Any) -> None:
        number = int(subject.name.rsplit("-", 1)[1])
        # Drawn before, so that the stub costs next to nothing.
        drawn = np.random.default_rng([SEED, number]).normal(0.0, 1.0, (_DRAWN, len(EMOTIONS)))
        self._drawn = cycle(drawn.astype(np.float32))
        self._skill = 1.0 + 0.005 * number
        del implementation

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def close(self) -> None:
        """Nothing runs."""

    def load(self) -> LoadReport:
        """What the load of a usable checkpoint says."""
        return LoadReport(
            architecture="", model_type="", labels=EMOTIONS, multi_label=False, parameters=1, dtype="float32",
            device="cpu", attention=None, sampling_rate=RATE, window_s=WINDOW_S, fixed_window=False, seconds=0.0,
        )  # fmt: skip

    def answers(self, windows: Iterable[ClipWindow]) -> Iterator[AnsweredWindow]:
        """Answer at once."""
        for window in windows:
            answer = None if window.samples is None else Returned({"logits": self._logits(window), "seconds": 0.0})
            yield AnsweredWindow(window, answer)

    def _logits(self, window: ClipWindow) -> NDArray[np.float32]:
        logits = np.array(next(self._drawn), dtype=np.float32)
        logits[TRUTHS[window.clip_hash]] += self._skill
        return logits


TRUTHS: dict[str, int] = {}


def run(cache: Path, *, clips: int, candidates: int, speakers: int) -> None:
    """Run stubs, and print what that took."""
    corpus = large_corpus(clips=clips, speakers=speakers, labelled=True)
    TRUTHS.update({clip.clip_hash or "": EMOTIONS.index(clip.label or "") for clip in corpus.clips})
    audio: dict[str, AudioSource] = {clip.clip_hash or "": AudioFile(clip.clip) for clip in corpus.clips}
    decoded = DecodedCorpus(corpus, audio)
    all_clips, settings = ClipSet.of([decoded]), Settings(cache=cache, jobs=1)
    subjects = [
        Subject(
            Candidate(id=f"org/candidate-{number:03d}", name=f"candidate-{number:03d}"), verification(number), cache
        )
        for number in range(candidates)
    ]
    store = PredictionStore(cache)
    vars(runner)["ModelSession"] = StubSession
    with StubReader(settings, max_clip_mb=100.0) as reader:
        context = RunContext(
            clips=all_clips, reader=reader, options=RunOptions(), store=store, settings=settings, threads=1
        )
        shares = {subject.name: SubjectCorpora(inferred=[decoded], clips=all_clips) for subject in subjects}
        runs, before, begun = LocalRuns("cpu", shares, Silent()), peak_mb(), time.perf_counter()
        computing = time.process_time()
        runs.compute(subjects, context)
    seconds, computed = time.perf_counter() - begun, time.process_time() - computing
    answers = clips * candidates
    records = [record for outcome in runs.outcomes for record in outcome.records]
    if len(records) < candidates or any(record.failure for record in records):
        raise SystemExit("Some candidates have no answers.")
    save_run(
        cache,
        RunRecord(
            created=datetime.now(UTC),
            environment=Environment.here(),
            registry="synthetic",
            min_emotions=2,
            verifications=tuple(subject.verification for subject in subjects),
            corpora=(corpus,),
            evaluations=tuple(records),
            latencies=tuple(timing(subject.verification) for subject in subjects),
        ),
    )
    written = sum(path.stat().st_size for path in cache.rglob("*") if path.is_file())
    print(
        f"run: {seconds:.0f} s for {answers:,} answers, {1e6 * seconds / answers:.1f} µs each (computing "
        f"{1e6 * computed / answers:.1f} µs); {peak_mb():.0f} MB at most, of which {before:.0f} MB before it; store "
        f"{written / 1e6:.0f} MB, {written / answers:.1f} bytes an answer"
    )


def main() -> None:
    """Run stubs in one process, report in another, and print what both took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=100_000)
    parser.add_argument("--candidates", type=int, default=200)
    parser.add_argument("--speakers", type=int, default=200)
    parser.add_argument("--cache", type=Path, help=argparse.SUPPRESS)  # of the process that runs
    wanted = parser.parse_args()
    if wanted.cache is not None:
        run(wanted.cache, clips=wanted.clips, candidates=wanted.candidates, speakers=wanted.speakers)
        return
    with tempfile.TemporaryDirectory(prefix="bench-scale-") as folder:
        cache, reports = Path(folder) / "cache", Path(folder) / "reports"
        subprocess.run(
            [sys.executable, "-m", "performance.run_scale", *sys.argv[1:], "--cache", str(cache)], check=True
        )
        marks = measure(cache, reports)
        size = sum(path.stat().st_size for path in reports.rglob("*") if path.is_file())
        print(
            f"report: {marks['reports']['seconds']:.0f} s from start to end (computing "
            f"{marks['reports']['computing']:.0f} s), {size / 1e6:.0f} MB of files, "
            f"{marks['peak']['mb']:.0f} MB at most; with predictions.parquet {marks['export']['seconds']:.0f} s"
        )


if __name__ == "__main__":
    main()
