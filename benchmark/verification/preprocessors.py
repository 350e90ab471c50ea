"""Whether the feature extractor that a repository describes can feed its model, as far as its file tells."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from benchmark.hub.repository_facts import RepoFacts
from benchmark.models.model_types import (
    AUDIO_CLASSIFICATION_TYPES,
    HIGHEST_RATE,
    LOWEST_RATE,
    Reads,
    is_sampling_rate,
    wrong_extractor,
)
from benchmark.registry.schema import Candidate
from benchmark.results.status import Status
from benchmark.results.verification import Finding
from benchmark.verification.model_config import model_type

_STATE_IT = "where you know what the model expects, say so in the registry: preprocessor: {sampling_rate: 16000, \
do_normalize: true}"
_BRING_IT = "its repository needs the preprocessor_config.json of the model that it was fine-tuned from"
_BEYOND_ALL_COUNTS = 2**63
_WHISPER_RATE, _WHISPER_HOP, _FRAMES_PER_POSITION = 16_000, 160, 2


def judge_preprocessor(candidate: Candidate, facts: RepoFacts) -> Iterator[Finding]:
    """Judge the description of the feature extractor, which the registry may replace for models that read samples.

    Yields at most one finding, whose reason names the fix: `invalid-config` where the class is no text, else
    `load-failed`.
    """
    config = facts.config or {}
    kind = model_type(config) or ""
    supported = AUDIO_CLASSIFICATION_TYPES.get(kind)
    reads_samples = supported is None or supported.reads is Reads.SAMPLES
    if reads_samples and candidate.preprocessor is not None:
        return
    described = facts.preprocessor or {}
    if facts.preprocessor is None:
        problem = facts.preprocessor_problem or (None if facts.partial else "there is none")
    else:
        # What the registry says of models that read features changes fields of their own description.
        stated = {} if candidate.preprocessor is None else candidate.preprocessor.model_dump(mode="json")
        described = {**described, **stated}
        extractor = described.get("feature_extractor_type")
        if extractor is not None and not isinstance(extractor, str):
            problem = f"its feature_extractor_type is {json.dumps(extractor)[:40]}, and must be the name of a class"
            yield _unusable(problem, described, reads_samples, Status.INVALID_CONFIG)
            return
        if (wrong := wrong_extractor(kind, extractor)) is not None:
            yield _finding(f"Its preprocessor_config.json is of the wrong kind: {wrong}.", described)
            return
        problem = next(_problems(kind, described, config), None)
    if problem is not None:
        yield _unusable(problem, described, reads_samples)


def _unusable(
    problem: str, described: Mapping[str, Any], reads_samples: bool, status: Status = Status.LOAD_FAILED
) -> Finding:
    fix = _STATE_IT if reads_samples else _BRING_IT
    return _finding(f"Its preprocessor_config.json cannot be used ({problem}); {fix}.", described, status)


def _finding(reason: str, described: Mapping[str, Any], status: Status = Status.LOAD_FAILED) -> Finding:
    kind = described.get("feature_extractor_type")
    evidence = {} if kind is None else {"feature_extractor_type": str(kind)[:200]}
    return Finding(status=status, reason=reason, evidence=evidence)


def _problems(kind: str, own: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[str]:
    """What of a description contradicts itself or the model; what nobody wrote is transformers' default."""
    rate = own.get("sampling_rate", _WHISPER_RATE)
    if not is_sampling_rate(rate):
        yield (
            f"its sampling_rate is {json.dumps(rate)[:40]}, and must be a whole number from {LOWEST_RATE} to "
            f"{HIGHEST_RATE}"
        )
        return
    if kind == "whisper":
        yield from _differ("bands", own, ("feature_size", 80), config, ("num_mel_bins", 80))
        chunk, hop = own.get("chunk_length", 30), own.get("hop_length", _WHISPER_HOP)
        positions = config.get("max_source_positions", 1500)
        if _all_counts(chunk, hop, positions) and chunk * rate // hop != _FRAMES_PER_POSITION * positions:
            yield f"it makes {chunk * rate // hop:g} frames, and the model reads {_FRAMES_PER_POSITION * positions}"
    elif kind == "audio-spectrogram-transformer":
        yield from _differ("bands", own, ("num_mel_bins", 128), config, ("num_mel_bins", 128))
        yield from _differ("frames", own, ("max_length", 1024), config, ("max_length", 1024))
    elif kind == "wav2vec2-bert":
        bands, joined = own.get("num_mel_bins", 80), own.get("stride", 2)
        width = config.get("feature_projection_input_dim", 160)
        if _all_counts(bands, joined, width) and bands * joined != width:
            yield f"it makes {bands * joined} numbers per frame, and the model reads {width}"


def _differ(
    what: str, own: Mapping[str, Any], made: tuple[str, int], config: Mapping[str, Any], read: tuple[str, int]
) -> Iterator[str]:
    makes, reads = own.get(*made), config.get(*read)
    if _all_counts(makes, reads) and makes != reads:
        yield f"it makes {makes} {what}, and the model reads {reads}"


def _all_counts(*values: object) -> bool:
    """Whether all are whole numbers above zero, so that they can be compared; a load tells of others.

    Products of numbers of thousands of digits, which JSON can hold, cannot be written.
    """
    return all(type(value) is int and 0 < value < _BEYOND_ALL_COUNTS for value in values)
