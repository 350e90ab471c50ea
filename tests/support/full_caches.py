"""A cache with an entry of every kind, made by bench's own code."""

import os
import time
from pathlib import Path

import numpy as np

from benchmark.corpora.datasets import Spool
from benchmark.corpora.streaming import SpooledRow
from benchmark.hub.repository_facts import RepoFacts
from benchmark.registry.schema import Candidate
from benchmark.results.cache_entries import EntryKey
from benchmark.results.checksums import write_manifest
from benchmark.results.environment import installed_version
from benchmark.results.inference_record import converted_model, describe_converted_model
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.predictions import InferenceSetup, Prediction
from benchmark.results.speech_shares import save_speech_shares
from benchmark.verification.options import VerifyOptions
from benchmark.verification.verdict_store import VerdictStore
from tests.support.audio import shared_reader
from tests.support.finished_runs import FinishedRun, verification

OLD, NEW = "a" * 40, "b" * 40
DAY_S = 86_400


def fill(cache: Path) -> None:
    """Store two revisions of `org/model`, a dataset, a run, logs, speech shares, and leftovers."""
    predict(cache, OLD, clips=2)
    age(cache, days=40)
    predict(cache, NEW, clips=3)
    predict(cache, NEW, clips=1, versions={"torch": "1.0"})
    facts = RepoFacts(id="org/model", revision=NEW, files=())
    VerdictStore(cache, VerifyOptions()).write(Candidate(id="org/model"), facts, verification("model", revision=NEW))
    convert(cache, NEW)
    row = SpooledRow(name="one", audio=b"sound", failure=None, values={})
    Spool(cache / "corpora" / "org_set-12345678" / NEW / "default", EntryKey(revision=NEW)).write(
        "audio", [row], shared_reader()
    )
    save_speech_shares(cache, "detector 1", {"c0": 0.5})
    FinishedRun(cache).save()
    (cache / "logs").mkdir()
    (cache / "logs" / "org__model.log").write_text("loaded", encoding="utf-8")
    left = cache / "runs" / ".20260101T000000.000000Z.json.0123456789ab.part"
    left.write_text("half", encoding="utf-8")
    os.utime(left, (0, 0))


def convert(cache: Path, revision: str, versions: dict[str, str] | None = None) -> Path:
    """Create the folder of a converted model, with its sidecar and manifest."""
    setup = setup_of(revision, versions).model_copy(update={"backend": "openvino"})
    describe_converted_model(cache, setup)
    folder = converted_model(cache, setup)
    folder.mkdir()
    (folder / "model.bin").write_bytes(b"\0" * 5000)
    write_manifest(folder)
    return folder


def setup_of(revision: str, versions: dict[str, str] | None = None) -> InferenceSetup:
    """The setup of reference inference with `org/model`."""
    return InferenceSetup(
        candidate="org/model", revision=revision, labels=("sad", "happy"), head="standard", backend="torch",
        device="cpu", dtype="float32", window_s=30.0, versions=versions or {"torch": installed_version("torch") or ""},
    )  # fmt: skip


def predict(cache: Path, revision: str, *, clips: int, versions: dict[str, str] | None = None) -> None:
    """Store predictions of `org/model`."""
    logits = np.zeros(2, dtype=np.float32)
    PredictionStore(cache).add(
        setup_of(revision, versions),
        [Prediction(clip_hash=f"c{n}", logits=logits, windows=1, failure=None, seconds=0.1) for n in range(clips)],
    )


def age(folder: Path, *, days: float) -> None:
    """Backdate everything in a folder."""
    then = time.time() - days * DAY_S
    for path in folder.rglob("*"):
        os.utime(path, (then, then))
