"""A checkpoint that needs no verification, since it was made here."""

import json
from pathlib import Path

from benchmark.emotions.label_map import map_labels
from benchmark.evaluation.eligibility import Subject
from benchmark.hub.local import local_facts
from benchmark.hub.repository_facts import HubFailure
from benchmark.registry.schema import Candidate
from benchmark.results.status import Status
from benchmark.results.verification import Verification


def subject_of(folder: Path) -> Subject:
    """Describe a checkpoint as verification would, without loading it.

    Args:
        folder: A checkpoint of `performance.checkpoints`, or another one with transformers' own head.
    """
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    labels = tuple(config["id2label"][str(place)] for place in range(len(config["id2label"])))
    facts = local_facts(str(folder), folder)
    if isinstance(facts, HubFailure):
        raise RuntimeError(facts.reason)
    extractor = json.loads((folder / "preprocessor_config.json").read_text(encoding="utf-8"))
    verification = Verification(
        candidate=folder.parent.name,
        id=str(folder),
        revision=facts.revision,
        status=Status.USABLE,
        reason="",
        labels=labels,
        emotions=map_labels(labels).emotions,
        head="standard",
        sampling_rate=int(extractor.get("sampling_rate", 16_000)),
        window_s=30.0,
        fixed_window=config["model_type"] in {"whisper", "audio-spectrogram-transformer"},
    )
    return Subject(Candidate(id=str(folder), name=folder.parent.name), verification, folder)
