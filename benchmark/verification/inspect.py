"""Inspection: independent checks over the facts of a repository, before anything is known of its tensors."""

import fnmatch
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from benchmark.emotions.label_map import LabelMap, is_placeholder
from benchmark.hub.client import Hub
from benchmark.hub.local import local_facts
from benchmark.hub.repository_facts import HubFailure, RepoFacts
from benchmark.hub.weights import absent_weights, weight_files
from benchmark.models.model_types import AUDIO_CLASSIFICATION_TYPES
from benchmark.registry.schema import Candidate
from benchmark.results.status import Status
from benchmark.results.verification import Finding
from benchmark.verification.labels import label_findings, label_problem, named
from benchmark.verification.model_config import CLAP, architectures, model_type, size_problem, task_status
from benchmark.verification.preprocessors import judge_preprocessor

Config = Mapping[str, Any]

# With these, tensors cannot change the verdict.
_DECIDED = frozenset(
    {Status.CUSTOM_CODE, Status.CUSTOM_INTERFACE, Status.INVALID_CONFIG, Status.UNSUPPORTED_ARCHITECTURE}
)
_DIMENSION = re.compile(
    r"(label[ _-]?)?(arousal|valence|dominance|activation|pleasure|evaluation|power|control|intensity"
    r"|aro|val|dom|act|vad|[avd])([ _-]?(score|value|level|mean)| ?\([avd]\))?",
    re.IGNORECASE,
)
_BESIDE_A_MODEL = re.compile(r"readme(\.[a-z]+)?|licen[cs]e(\.[a-z]+)?|\.git[a-z]+", re.IGNORECASE)
_LONGEST_LIST = 12
_OF_PROGRAMS = "; a program of yours can run it instead (`command` in a registry)"
# The files that each toolkit leaves. The first that matches names the toolkit: the more telling files come first.
_TOOLKIT_FILES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("SpeechBrain", ("hyperparams.yaml", "custom_interface.py")),
    ("FunASR", ("configuration.json", "am.mvn")),
    ("NeMo", ("*.nemo",)),
    ("ESPnet", ("meta.yaml", "exp/*")),
    ("PEFT", ("adapter_config.json", "adapter_model.safetensors", "adapter_model.bin")),
    ("sentence-transformers", ("config_sentence_transformers.json",)),
    ("GGUF", ("*.gguf",)),
    ("Keras", ("*.keras", "saved_model.pb", "*.h5", "*.hdf5")),
    ("TensorFlow Lite", ("*.tflite",)),
    ("ONNX", ("*.onnx",)),
    ("scikit-learn", ("*.joblib", "*.pkl", "*.pickle")),
    ("plain PyTorch", ("*.pt", "*.pth", "*.ckpt")),
)


def look_at(candidate: Candidate, hub: Hub) -> RepoFacts | HubFailure:
    """Find out what can be known of a candidate without its weights, on the Hub or in a local folder."""
    if candidate.local_path is not None:
        return local_facts(candidate.id, candidate.local_path, onnx=candidate.onnx, tokenizer=candidate.reads_text)
    facts = hub.facts(candidate.id, candidate.revision)
    if isinstance(facts, HubFailure):
        return facts
    return replace(facts, onnx=candidate.onnx, tokenizer=candidate.reads_text)


def check_repository(candidate: Candidate, facts: RepoFacts, label_map: LabelMap) -> list[Finding]:
    """Run all checks that need no tensors; returns the findings, the deciding one first.

    Args:
        candidate: As the registry names it.
        facts: What is known of its repository.
        label_map: What its labels mean, under the registry's overrides.
    """
    config = facts.config or {}
    findings = [*_custom_code(facts), *_custom_interface(facts), *_invalid_config(facts), *_unsupported(config)]
    findings += dimensional(config, label_map)
    if model_type(config) is not None:
        findings += [*_head_task(config), *label_findings(config, label_map)]
        findings += [*_no_weights(facts), *judge_preprocessor(candidate, facts), *_quantised(config)]
    return sorted(findings, key=lambda finding: finding.status.precedence)


def check_files(facts: RepoFacts) -> list[Finding]:
    """Run the checks that hold for every model that transformers loads, whatever its task."""
    findings = [*_custom_code(facts), *_custom_interface(facts), *_invalid_config(facts)]
    if model_type(facts.config or {}) is not None:
        findings += [*_no_weights(facts), *_quantised(facts.config or {})]
    return findings


def cannot_load(reason: str) -> Finding:
    """The finding of files that a load would refuse; the reason is a part of a sentence."""
    return Finding(status=Status.LOAD_FAILED, reason=f"It cannot be loaded: {reason}.")


def toolkit_of(names: Collection[str]) -> str | None:
    """Name the toolkit that a repository without a usable `config.json` was made for.

    Examples:
        >>> toolkit_of(["hyperparams.yaml", "model.ckpt"]), toolkit_of(["README.md"])
        ('SpeechBrain', None)
    """
    for toolkit, patterns in _TOOLKIT_FILES:
        if any(fnmatch.filter(names, pattern) for pattern in patterns):
            return toolkit
    return None


def tensors_can_tell(facts: RepoFacts, findings: list[Finding]) -> bool:
    """Whether looking at the tensors can tell something that is not decided yet."""
    if any(finding.status in _DECIDED for finding in findings):
        return False
    return facts.partial or weight_files(facts.files, facts.config) is not None


def _custom_code(facts: RepoFacts) -> Iterator[Finding]:
    for name, content in (("config.json", facts.config), ("preprocessor_config.json", facts.preprocessor)):
        if content and content.get("auto_map"):
            yield Finding(
                status=Status.CUSTOM_CODE,
                reason=f"Its {name} asks for code from the repository, which bench never runs{_OF_PROGRAMS}.",
                evidence={"auto_map": _plain(content["auto_map"])},
            )


def _custom_interface(facts: RepoFacts) -> Iterator[Finding]:
    if facts.config_problem is not None or (facts.config is not None and model_type(facts.config) is not None):
        return
    what = "It has no config.json" if facts.config is None else "Its config.json names no model type"
    toolkit = toolkit_of(facts.names)
    if toolkit:
        whose = f"it is made for {toolkit}"
    elif all(_BESIDE_A_MODEL.fullmatch(name) for name in facts.names):
        whose = "nothing in it is a model"
    else:
        whose = "no toolkit is known that leaves such files"
    below = sorted(name.rpartition("/")[0] for name in facts.names if name.endswith("/config.json"))
    where = _OF_PROGRAMS if toolkit else ""
    if below:
        where = f"; there is one in {below[0][:80]}, where it is not looked for: name that folder, downloaded"
    if toolkit == "ONNX":
        file = min(name for name in facts.names if name.endswith(".onnx"))
        where = f"; a registry can name the file instead: onnx: {file[:80]}"
    yield Finding(
        status=Status.CUSTOM_INTERFACE,
        reason=f"{what}: {whose}, and transformers cannot load it{where}.",
        evidence={"toolkit": toolkit, "files": sorted(facts.names)[:_LONGEST_LIST]},
    )


def _invalid_config(facts: RepoFacts) -> Iterator[Finding]:
    config = facts.config or {}
    problem = facts.config_problem or label_problem(config)
    if problem is None and model_type(config) in AUDIO_CLASSIFICATION_TYPES:
        problem = size_problem(config)
    if problem is not None:
        yield Finding(status=Status.INVALID_CONFIG, reason=f"Its config.json cannot be used: {problem}.")


def _unsupported(config: Config) -> Iterator[Finding]:
    kind = model_type(config)
    if kind is not None and kind not in AUDIO_CLASSIFICATION_TYPES:
        remedy = "; with `prompts` in a registry it is a zero-shot candidate" if kind == CLAP else _OF_PROGRAMS
        yield Finding(
            status=Status.UNSUPPORTED_ARCHITECTURE,
            reason=f"transformers has no audio classifier for the model type {_plain(kind)!r}{remedy}.",
            evidence={"model_type": _plain(kind), "supported": sorted(AUDIO_CLASSIFICATION_TYPES)},
        )


def dimensional(config: Config, label_map: LabelMap) -> Iterator[Finding]:
    """Find outputs that rate arousal, valence or the like instead of naming an emotion."""
    labels, problem_type = label_map.labels, config.get("problem_type")
    dimensions = all(_DIMENSION.fullmatch(label.strip()) for label in labels)
    single_value = len(labels) == 1 and (dimensions or is_placeholder(labels[0]))
    if problem_type == "regression" or (dimensions and len(labels) > 1) or single_value:
        yield Finding(
            status=Status.DIMENSIONAL,
            reason=f"It rates how much ({named(labels)}) instead of naming an emotion.",
            evidence={"labels": list(labels[:_LONGEST_LIST]), "problem_type": _plain(problem_type)},
        )


def _head_task(config: Config) -> Iterator[Finding]:
    claimed = architectures(config)
    status = task_status(claimed)
    if status is None:
        return
    names = named(claimed)
    reason = f"It was saved as {names}: a pre-trained encoder without a classifier."
    if status is Status.WRONG_TASK:
        reason = f"It was saved as {names}, which is made for another task; its classifier would be random."
    yield Finding(status=status, reason=reason, evidence={"architectures": list(claimed[:_LONGEST_LIST])})


def _no_weights(facts: RepoFacts) -> Iterator[Finding]:
    if not facts.partial and weight_files(facts.files, facts.config) is None:
        problem = absent_weights(facts.files)
        yield Finding(
            status=problem.status or Status.LOAD_FAILED,
            reason=f"It cannot be loaded: {problem.reason}.",
            evidence={"files": sorted(facts.names)[:_LONGEST_LIST]},
        )


def _quantised(config: Config) -> Iterator[Finding]:
    quantisation = config.get("quantization_config")
    if not quantisation:
        return
    method = quantisation.get("quant_method") if isinstance(quantisation, dict) else None
    kind = f" ({_plain(method)})" if method else ""
    yield Finding(
        status=Status.LOAD_FAILED,
        reason=f"Its configuration asks for quantised weights{kind}, which bench does not load; use the repository "
        "that it was made from, with floating-point weights.",
        evidence={"quantization_config": _plain(quantisation)},
    )


def _plain(value: object) -> str | None:
    return None if value is None else str(value)[:200]
