"""`bench labels`: the labels of models and corpora, and the emotions that they map to."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmark.corpora.spec_syntax import corpus_kinds
from benchmark.corpora.specs import open_corpora
from benchmark.emotions.label_map import LabelMap, map_labels
from benchmark.emotions.merges import chosen_merges, merged
from benchmark.errors import RequestError, UnavailableError
from benchmark.hub.client import Hub
from benchmark.hub.repository_facts import HubFailure, RepoFacts
from benchmark.options.model_commands import LabelsRequest
from benchmark.options.shared import ClipOptions
from benchmark.registry.loading import find_registry, select
from benchmark.registry.locations import resolved_source
from benchmark.registry.schema import Candidate, Registry
from benchmark.registry.writing import UnmappedLabels
from benchmark.reporting.numbers import counted
from benchmark.results.status import Status
from benchmark.settings import expanded
from benchmark.verification.answer_tables import answers_of
from benchmark.verification.inspect import look_at
from benchmark.verification.labels import candidate_labels, label_problem, labels_of
from benchmark.verification.model_config import model_type

_CHECKPOINT_FILE = re.compile(r"config\.json|.*\.safetensors|pytorch_model.*\.bin")


@dataclass(frozen=True)
class LabelSource:
    """The labels of one model or corpus.

    Attributes:
        name: The name in tables.
        source: The id of the candidate or its folder; the source of the corpus.
        label_map: The emotion of each label.
        clips: Number of clips with each label; None for a model.
        unlabelled: Number of clips without a label.
    """

    name: str
    source: str
    label_map: LabelMap
    clips: Mapping[str, int] | None = None
    unlabelled: int = 0

    @property
    def unmapped(self) -> UnmappedLabels:
        """The labels that map to no emotion, with their output or number of clips."""
        return UnmappedLabels(
            source=self.source,
            name=re.sub(r"[^\w.-]+", "-", self.name),
            labels={
                label: f"output {output}" if self.clips is None else counted(self.clips[label], "clip")
                for output, label in enumerate(self.label_map.labels)
                if label in self.label_map.unmapped
            },
        )


def label_sources(options: LabelsRequest) -> list[LabelSource]:
    """Read the labels of models and corpora.

    Raises:
        RequestError: There is no such model or corpus, or it has no labels.
        UnavailableError: The Hub cannot be reached.
    """
    registry = find_registry(options.candidates)
    merges = chosen_merges(options.merge_preset, options.merge)
    if options.columns and not any(_is_corpus(name, registry) for name in options.names):
        raise RequestError("--column is for tables and datasets, and no corpus is named: leave it out.")
    hub = Hub()
    sources: list[LabelSource] = []
    for name in options.names:
        if _is_corpus(name, registry):
            sources.append(_of_corpus(name, registry, merges, options.columns))
        else:
            sources += [_of_candidate(candidate, hub, merges) for candidate in select(registry, [name]).candidates]
    return sources


def _is_corpus(name: str, registry: Registry) -> bool:
    """Recognise a corpus by its name in the registry or its kind; a bare path is one unless it holds a checkpoint.

    A folder of weights without a configuration counts as a model, and is reported as broken.
    """
    kind, colon, _ = name.partition(":")
    if name in registry.corpora or (colon and kind in corpus_kinds()):
        return True
    if any(name in (candidate.name, candidate.id) for candidate in registry.candidates):
        return False
    path = expanded(name)
    if path.is_dir():
        return not any(_CHECKPOINT_FILE.fullmatch(file.name) for file in path.glob("*"))
    return path.is_file()


def _of_corpus(name: str, registry: Registry, merges: Mapping[str, str], columns: Sequence[str]) -> LabelSource:
    (corpus,) = open_corpora([name], registry, ClipOptions(columns=columns))
    clips: Counter[str] = Counter()
    for clip in corpus.clips:
        clips.update({clip.label: 1} if clip.label is not None else dict(clip.votes or {}))
    overrides = {label: emotion for label, emotion in corpus.labels.items() if label in clips}
    entry = registry.corpora.get(name)
    source, folder = (corpus.source, Path.cwd()) if entry is None else (entry.source, registry.folder)
    return LabelSource(
        name=corpus.name,
        source=resolved_source(source, folder),
        label_map=map_labels(sorted(clips), overrides=overrides, merges=corpus.merging(merges).merge),
        clips=dict(clips),
        unlabelled=sum(clip.label is None and not clip.votes for clip in corpus.clips),
    )


def _of_candidate(candidate: Candidate, hub: Hub, merges: Mapping[str, str]) -> LabelSource:
    if candidate.answers_path is not None:
        mapped, path = candidate_labels(candidate, answers_of(candidate).labels), str(candidate.answers_path)
        return LabelSource(candidate.name, path, replace(mapped, emotions=merged(mapped.emotions, merges)))
    facts = look_at(candidate, hub)
    if isinstance(facts, HubFailure):
        kind = UnavailableError if facts.status is Status.UNREACHABLE else RequestError
        raise kind(f"{candidate.name}: {facts.reason}")
    labels = labels_of(candidate, facts.config or {})
    if not labels:
        raise RequestError(f"{candidate.name} has no labels: {_why_none(facts)}.")
    mapped = candidate_labels(candidate, labels)
    source = candidate.id if candidate.local_path is None else str(candidate.local_path)
    return LabelSource(candidate.name, source, replace(mapped, emotions=merged(mapped.emotions, merges)))


def _why_none(facts: RepoFacts) -> str:
    if facts.config_problem is not None:
        return f"its config.json cannot be used ({facts.config_problem})"
    if facts.config is None:
        return "it has no config.json"
    if model_type(facts.config) is None:
        return "its config.json names no model type"
    return label_problem(facts.config) or "its config.json says that it has no outputs"
