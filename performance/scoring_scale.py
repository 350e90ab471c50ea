"""How long scoring and reporting take, and how much memory, on far more stored predictions than a test would write.

    python performance/scoring_scale.py                                      100,000 clips, 10 candidates
    python performance/scoring_scale.py --clips 20000 --candidates 50        1,000,000 predictions as well
    python performance/scoring_scale.py --unlabelled                         agreement in place of scores

A synthetic run is written into a folder that is deleted at the end; then a fresh process does what `bench report` does:
reads the record and the predictions, scores, and writes every report. Times are of that process from its first line,
imports included; memory is its largest resident set.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmark.results.environment import Environment
from benchmark.results.inference_record import LatencyMeasurement
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.predictions import InferenceSetup, Prediction
from benchmark.results.runs import ClipRecord, CorpusRecord, EvaluationRecord, RunRecord, save_run
from benchmark.results.status import Status
from benchmark.results.verification import Verification

EMOTIONS = ("anger", "boredom", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
FAILING_SHARE = 0.001
SEED = 7

# What the fresh process does, phase by phase. It prints one line of JSON.
MEASURED = """
import json, sys, time
start = time.perf_counter()
marks = {}
def mark(name):
    marks[name] = {"seconds": time.perf_counter() - start, "computing": time.process_time()}
from pathlib import Path
from benchmark.reporting.predictions import write_predictions
from benchmark.reporting.predictions import prediction_tables
from benchmark.reporting.writing import write_leaderboard
from benchmark.results.runs import load_run
from benchmark.results.prediction_store import PredictionStore
from benchmark.scoring.leaderboard import score_run
mark("imports")
cache, output = Path(sys.argv[1]), Path(sys.argv[2])
record = load_run(cache)
mark("record")
store = PredictionStore(cache)
leaderboard = score_run(record, store.read)
mark("scores")
write_leaderboard(leaderboard, output)
mark("reports")
write_predictions(prediction_tables(record, store.read), output)
mark("export")
status = Path("/proc/self/status")
peak = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")] if status.exists() else []
marks["peak"] = {"mb": int(peak[0].split()[1]) * 1024 / 1e6 if peak else float("nan")}
print(json.dumps(marks))
"""


def write_run(cache: Path, *, clips: int, candidates: int, speakers: int, labelled: bool) -> None:
    """Write the record of a run, and what its candidates answered, as `bench run` would."""
    generator = np.random.default_rng(SEED)
    corpus = large_corpus(clips=clips, speakers=speakers, labelled=labelled)
    verifications = [verification(place) for place in range(candidates)]
    setups = [_setup(verified) for verified in verifications]
    for place, setup in enumerate(setups):
        PredictionStore(cache).add(setup, _predictions(corpus, generator, skill=1.0 + 0.15 * place))
    record = RunRecord(
        created=datetime.now(UTC),
        environment=Environment.here(),
        registry="synthetic",
        min_emotions=2,
        verifications=tuple(verifications),
        corpora=(corpus,),
        evaluations=tuple(
            EvaluationRecord(candidate=verified.candidate, corpus=corpus.name, setup=setup)
            for verified, setup in zip(verifications, setups, strict=True)
        ),
        latencies=tuple(timing(verified) for verified in verifications),
    )
    save_run(cache, record)


def large_corpus(*, clips: int, speakers: int, labelled: bool) -> CorpusRecord:
    """A corpus of recordings that do not exist."""
    return CorpusRecord(
        name="large",
        source="folder:large",
        clips=tuple(_clip(place, speakers, labelled=labelled) for place in range(clips)),
        available_clips=clips,
    )


def _clip(place: int, speakers: int, *, labelled: bool) -> ClipRecord:
    speaker = place % speakers
    return ClipRecord(
        clip=f"session{speaker:03d}/recording_{place:07d}.wav",
        clip_hash=f"{place:032x}",
        duration_s=2.0 + place % 50 / 10,
        speech_share=0.8,
        label=_truth(place, speakers) if labelled else None,
        speaker=f"speaker{speaker:03d}",
        sex="female" if speaker % 2 else "male",
        language="en",
        text_id=f"text{place % 37}",
        sampling_rate=16_000,
    )


def _truth(place: int, speakers: int) -> str:
    return EMOTIONS[place // speakers % len(EMOTIONS)]


def verification(place: int) -> Verification:
    """The verification of a usable candidate that does not exist."""
    return Verification(
        candidate=f"candidate-{place:03d}",
        id=f"org/candidate-{place:03d}",
        revision=f"{place:040x}",
        status=Status.USABLE,
        reason="It loads.",
        labels=EMOTIONS,
        emotions=EMOTIONS,
        head="standard",
        window_s=30.0,
        sampling_rate=16_000,
        parameters=94_000_000,
        size_bytes=378_000_000,
    )


def _setup(verified: Verification) -> InferenceSetup:
    return InferenceSetup(
        candidate=verified.id,
        revision=verified.revision or "",
        labels=verified.labels,
        head="standard",
        backend="torch",
        device="cpu",
        dtype="float32",
        window_s=30.0,
        versions={"torch": "2.13.0"},
    )


def _predictions(corpus: CorpusRecord, generator: np.random.Generator, *, skill: float) -> list[Prediction]:
    speakers = len({clip.speaker for clip in corpus.clips})
    logits = generator.normal(0.0, 1.0, (len(corpus.clips), len(EMOTIONS))).astype(np.float32)
    truths = [EMOTIONS.index(_truth(place, speakers)) for place in range(len(corpus.clips))]
    logits[np.arange(len(truths)), truths] += skill
    failed = generator.random(len(truths)) < FAILING_SHARE
    return [
        Prediction(
            clip_hash=clip.clip_hash or "",
            logits=None if failed[place] else logits[place],
            windows=1 + (place % 20 == 0),
            failure="the model raised ValueError." if failed[place] else None,
            seconds=0.05,
        )
        for place, clip in enumerate(corpus.clips)
    ]


def timing(verified: Verification) -> LatencyMeasurement:
    """A measured latency of a candidate that does not exist."""
    return LatencyMeasurement(
        candidate=verified.candidate,
        revision=verified.revision or "",
        device="cpu",
        backend="torch",
        dtype="float32",
        threads=2,
        processor="a processor",
        segment_s=3.0,
        calls_ms=tuple(100.0 + call % 7 for call in range(60)),
        warmup_calls=5,
    )


def measure(cache: Path, output: Path) -> dict[str, dict[str, float]]:
    """Score and report in a fresh process; seconds since its start after each phase, and its largest memory in MB.

    `computing` are seconds of all its threads together, which a busy machine does not change as much.
    """
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(cache), str(output)], capture_output=True, text=True, check=True
    )
    marks: dict[str, dict[str, float]] = json.loads(done.stdout)
    return marks


def main() -> None:
    """Write a run of the size that was asked for, and print what reporting it takes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=100_000)
    parser.add_argument("--candidates", type=int, default=10)
    parser.add_argument("--speakers", type=int, default=200)
    parser.add_argument("--unlabelled", action="store_true")
    parser.add_argument("--keep", type=Path, help="write the run into this folder and keep it")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-scale-") as temporary:
        folder = wanted.keep or Path(temporary)
        begun = time.perf_counter()
        if not (folder / "cache").exists():
            write_run(
                folder / "cache",
                clips=wanted.clips,
                candidates=wanted.candidates,
                speakers=wanted.speakers,
                labelled=not wanted.unlabelled,
            )
            print(f"written in {time.perf_counter() - begun:.1f} s (not part of the figures)")
        marks = measure(folder / "cache", folder / "reports")
    before = {"seconds": 0.0, "computing": 0.0}
    for name in ("imports", "record", "scores", "reports", "export"):
        spent = {key: marks[name][key] - before[key] for key in before}
        print(f"{name:<8} {spent['seconds']:7.2f} s, computing {spent['computing']:7.2f} s")
        before = marks[name]
    print(
        f"without export {marks['reports']['seconds']:.2f} s, with it {marks['export']['seconds']:.2f} s, "
        f"{marks['peak']['mb']:.0f} MB"
    )


if __name__ == "__main__":
    main()
