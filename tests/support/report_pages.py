"""HTML pages of finished runs, with recordings, and hostile text wherever input comes from outside."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile

from benchmark.corpora.audio_sources import AudioFile
from benchmark.corpora.clips import Clip, Corpus
from benchmark.reporting.html_page.recordings import Recordings
from benchmark.reporting.writing import write_leaderboard
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.runs import CorpusRecord, RunRecord
from benchmark.results.status import Status
from benchmark.results.verification import Finding, Verification
from benchmark.scoring.leaderboard import score_run
from tests.support.audio import shared_reader
from tests.support.finished_runs import EMOTIONS, FinishedRun, corpus, verification

HOSTILE = (
    "<script>document.title='run'</script>",
    "javascript:document.title='run'",
    '"><img src=x onerror="document.title=\'run\'">',
    "</script><script>document.title='run'</script>",
    "abc\u202etxt.exe",
    "{{ constructor.constructor('document.title=1')() }}",
)
"""Each would run or mislead somewhere."""

RATE = 16_000
LABELS = (*EMOTIONS, "disgust", "fear", "surprise")


def usual_page(folder: Path) -> Path:
    """Write the page of a run of four candidates: two that work, one that always says neutral, one that is rejected."""
    labelled, unlabelled = corpus("demo", speakers=6), corpus("demo-unlabelled", speakers=3, labelled=False)
    run = FinishedRun(folder / "cache", labelled, unlabelled)
    loaded = Finding(status=Status.USABLE, reason="It loads.", evidence={"labels": list(LABELS)})
    german = tuple("Freude" if label == "happiness" else label for label in LABELS)
    run.add(verification("wav2vec2-english", LABELS, findings=(loaded,)), wrong=0.1, ms=20.0)
    run.add(verification("hubert-german", german, emotions=LABELS, findings=(loaded,)), wrong=0.3, ms=10.0, seed=1)
    run.add(verification("hubert-always-neutral", LABELS, findings=(loaded,)), always="neutral", seed=2)
    rejected = Verification(
        candidate="wav2vec2-ctc", id="org/wav2vec2-ctc", status=Status.WRONG_TASK, reason="It recognises speech."
    )
    return write_page(run.record(verifications=(*run.verifications, rejected)), folder, embed=2)


def hostile_page(folder: Path) -> Path:
    """Write the page of a run in which every name, label, reason and file name is an attack."""
    corpora = [_with_hostile_words(corpus(HOSTILE[2], speakers=4)), corpus("unlabelled", speakers=4, labelled=False)]
    run = FinishedRun(folder / "cache", *corpora)
    for index, name in enumerate(HOSTILE):
        words = verification(name, license=name, languages=(name,), notes=(name,), reason=name, architecture=name)
        run.add(words, wrong=0.1 + 0.1 * index, ms=10.0 * (index + 1), seed=index)
    rejected = [
        Verification(
            candidate=f"rejected {name}",
            id=name,
            status=Status.LOAD_FAILED,
            reason=name,
            notes=(name,),
            findings=(Finding(status=Status.LOAD_FAILED, reason=name, evidence={name: [name]}),),
        )
        for name in HOSTILE
    ]
    record = run.record(verifications=(*run.verifications, *rejected), registry=HOSTILE[0])
    return write_page(record, folder, embed=2)


def write_page(record: RunRecord, folder: Path, *, embed: int) -> Path:
    """Write a run's reports beside recordings of all its clips, and return the page."""
    opened = [_opened(recorded, folder / "recordings") for recorded in record.corpora]
    leaderboard = score_run(record, PredictionStore(folder / "cache").read)
    recordings = Recordings(corpora=opened, embed=embed, reader=shared_reader())
    write_leaderboard(leaderboard, folder / "reports", record=record, recordings=recordings)
    return folder / "reports" / "leaderboard.html"


def _with_hostile_words(recorded: CorpusRecord) -> CorpusRecord:
    clips = [
        replace(clip, clip=f"{index}/{HOSTILE[index % len(HOSTILE)]}", speaker=f"{clip.speaker}<b>")
        for index, clip in enumerate(recorded.clips)
    ]
    labels = {HOSTILE[0]: EMOTIONS[0]}
    clips[0] = replace(clips[0], label=HOSTILE[0])
    return recorded.model_copy(update={"clips": tuple(clips), "labels": labels})


def _opened(recorded: CorpusRecord, folder: Path) -> Corpus:
    folder.mkdir(exist_ok=True)
    clips = []
    for index, clip in enumerate(recorded.clips):
        path = folder / f"{index} #1?%20 javascript:.wav"
        tone = 0.2 * np.sin(np.arange(5 * RATE // 4) * (0.05 + index / 1000), dtype=np.float64)
        soundfile.write(path, tone, RATE)
        clips.append(Clip(name=clip.clip, audio=AudioFile(path)))
    return Corpus(name=recorded.name, source=recorded.source, clips=tuple(clips), available_clips=len(clips))
