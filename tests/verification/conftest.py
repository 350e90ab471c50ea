from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from benchmark.hub.repository_facts import RepoFacts, RepoFile
from benchmark.registry.schema import Candidate, Registry
from benchmark.settings import Settings

PREPROCESSOR = {"feature_extractor_type": "Wav2Vec2FeatureExtractor", "sampling_rate": 16000}
GOOD_CONFIG: Mapping[str, Any] = {
    "model_type": "wav2vec2",
    "architectures": ["Wav2Vec2ForSequenceClassification"],
    "id2label": {"0": "angry", "1": "happy", "2": "sad"},
}


def facts_with(
    config: Mapping[str, Any] | None = None, *, files: tuple[str, ...] = ("model.safetensors",), **fields: Any
) -> RepoFacts:
    """Give the facts of a repository that is good but for what is said."""
    merged = {name: value for name, value in {**GOOD_CONFIG, **(config or {})}.items() if value is not None}
    described = {"config": merged, "preprocessor": PREPROCESSOR, **fields}
    return RepoFacts(id="org/model", revision="r1", files=tuple(RepoFile(name, 1) for name in files), **described)


def registry_of(*candidates: Candidate) -> Registry:
    return Registry(title="test", candidates=candidates)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(cache=tmp_path / "bench", hub_timeout_s=1.0, load_timeout_s=60.0)
