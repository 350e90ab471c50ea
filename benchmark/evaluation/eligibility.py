"""The candidates that are run: usable ones with enough emotions; and why the others are not."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import JsonValue

from benchmark.evaluation.engines import EngineChoice
from benchmark.hub.client import Hub
from benchmark.hub.repository_facts import HubFailure
from benchmark.models.backends.plugin_backends import added_backend
from benchmark.models.backends.protocol import LIBRARIES, ONNXRUNTIME, TORCH, Engine
from benchmark.models.foreign import TEXT
from benchmark.models.load_reports import STANDARD_HEAD
from benchmark.plugins import Group, plugin_digest
from benchmark.progress import Progress
from benchmark.registry.schema import Candidate, Registry
from benchmark.results.environment import installed_version
from benchmark.results.predictions import CONVERSION, CONVERSION_VERSION, FOREIGN, InferenceSetup
from benchmark.results.status import Status, Verdict
from benchmark.results.verification import Verification

_LIBRARIES_OF_ALL = ("torch", "transformers", "soxr")
_LIBRARIES_OF_PROGRAMS = ("soxr",)
_LIBRARIES_OF_PERTURBATIONS = ("numpy", "scipy", "soundfile")


@dataclass(frozen=True)
class Subject:
    """A candidate that is ready to be run.

    Attributes:
        verification: Its verdict is `usable`, or it `rates`.
        folder: Its checkpoint, or its table, or where its program runs.
    """

    candidate: Candidate
    verification: Verification
    folder: Path

    @property
    def name(self) -> str:
        """The name in tables."""
        return self.candidate.name

    @property
    def is_imported(self) -> bool:
        """Whether its answers are in a table, so that no model is run."""
        return self.candidate.answers_path is not None

    @property
    def is_foreign(self) -> bool:
        """Whether a program of the user's computes its answers."""
        return self.candidate.command is not None

    @property
    def rates(self) -> bool:
        """Whether its answers are ratings of dimensions, and no logits."""
        return self.verification.rates

    @property
    def preprocessor(self) -> dict[str, JsonValue] | None:
        """The registry's override of the feature extractor, as plain data."""
        override = self.candidate.preprocessor
        return None if override is None else override.model_dump(mode="json")

    @property
    def onnx(self) -> dict[str, JsonValue] | None:
        """The ONNX file that is loaded instead of a checkpoint, as `LoadOptions.onnx`."""
        file = self.candidate.onnx
        return None if file is None else {"file": file, "labels": list(self.verification.labels)}

    @property
    def prompts(self) -> dict[str, JsonValue] | None:
        """What a zero-shot model compares audio with, as `LoadOptions.prompts`."""
        return self.candidate.plain_prompts

    def reference(self, device: str) -> Engine:
        """The engine that others are compared with on a device; what is no classifier of transformers has no other."""
        if self.is_foreign:
            return Engine(backend=FOREIGN, dtype="unknown", only=True)
        if self.candidate.onnx is not None:
            return Engine(backend=ONNXRUNTIME, only=True)
        return Engine(device=device, only=self.candidate.reads_text)

    def engines(self, choice: EngineChoice, device: str) -> tuple[Engine, ...]:
        """The engines to try on a device, fastest first; the last one is always the reference."""
        reference = self.reference(device)
        return (reference,) if reference.only else choice.engines(device)

    @property
    def head(self) -> dict[str, str] | None:
        """How its head is rebuilt, as `LoadOptions.head`; None where it is transformers' own."""
        is_rebuilt = self.verification.status is Status.REPAIRED or self.rates
        if not is_rebuilt or self.verification.head in {None, STANDARD_HEAD}:
            return None
        return {"kind": str(self.verification.head), **self.verification.head_parameters}

    def setup(self, engine: Engine, *, perturbation: str | None = None) -> InferenceSetup:
        """Describe everything that decides this candidate's logits.

        Args:
            engine: What computes.
            perturbation: The name of what is done to the audio first, if anything.

        Raises:
            ValueError: The candidate was not loaded when it was verified.
        """
        verification, backend = self.verification, engine.backend
        if verification.revision is None or verification.window_s is None:
            raise ValueError(f"{self.candidate.name} was not loaded when it was verified")
        of_perturbation = () if perturbation is None else _LIBRARIES_OF_PERTURBATIONS
        head_parameters: dict[str, JsonValue] = {**verification.head_parameters}
        if self.is_foreign:
            head_parameters["scores"] = head_parameters.get("answers") != TEXT
            libraries: tuple[str, ...] = (*_LIBRARIES_OF_PROGRAMS, *of_perturbation)
        else:
            of_backend = LIBRARIES[backend] if backend in LIBRARIES else added_backend(backend).libraries
            libraries = (*_LIBRARIES_OF_ALL, *of_perturbation, *of_backend)
        versions = {name: version for name in libraries if (version := installed_version(name))}
        for group, entry in ((Group.HEADS, verification.head), (Group.BACKENDS, backend)):
            if entry is not None and (digest := plugin_digest(group, entry)) is not None:
                versions[f"plugin {entry}"] = digest
        if backend != TORCH and not engine.only:
            versions[CONVERSION] = str(CONVERSION_VERSION)
        return InferenceSetup(
            candidate=self.candidate.id,
            revision=verification.revision,
            labels=verification.labels,
            head=verification.head or "standard",
            head_parameters=head_parameters,
            backend=backend,
            device=engine.device,
            dtype=engine.dtype,
            batch=engine.batch,
            window_s=verification.window_s,
            preprocessor=self.preprocessor,
            versions=versions,
            perturbation=perturbation,
        )


@dataclass(frozen=True)
class Selection:
    """The candidates of a run.

    Attributes:
        subjects: Those that are run, in the registry's order.
        ineligible: Why the others are not, by name.
        verifications: The verdicts; a candidate whose checkpoint could not be fetched again has none any more.
    """

    subjects: tuple[Subject, ...]
    ineligible: dict[str, str]
    verifications: tuple[Verification, ...]


def select_subjects(
    registry: Registry,
    verifications: Sequence[Verification],
    *,
    min_emotions: int,
    hub: Hub,
    progress: Progress,
    tables: bool = False,
    dimensions: bool = False,
) -> Selection:
    """Choose the usable candidates with enough emotions, or those that rate dimensions, and find their checkpoints.

    Verification has fetched these. The verdicts are in the order of the registry. What is not in the cache of the Hub
    any more is fetched again.

    Args:
        tables: Take tables of answers, too, which answer no recordings but their own.
        dimensions: Choose those that rate dimensions instead.
    """
    subjects: list[Subject] = []
    ineligible: dict[str, str] = {}
    final = list(verifications)
    for number, (candidate, verification) in enumerate(zip(registry.candidates, verifications, strict=True)):
        if dimensions:
            reason = None if verification.rates else verification.reason
        else:
            is_usable = verification.verdict is Verdict.USABLE
            reason = verification.too_few_emotions(min_emotions) if is_usable else verification.reason
        if reason is None and candidate.answers_path is not None and not tables:
            reason = "It is a table of answers, which answers no other recordings."
        if reason is None:
            folder = find_checkpoint(candidate, verification, hub, progress)
            if not isinstance(folder, HubFailure):
                subjects.append(Subject(candidate, verification, folder))
                continue
            reason = f"its checkpoint is not in the cache any more, and was not fetched again: {folder.reason}"
            lost = {"status": folder.status, "reason": reason, "incomplete": True}
            final[number] = verification.model_copy(update=lost)
        ineligible[candidate.name] = reason
    return Selection(tuple(subjects), ineligible, tuple(final))


def find_checkpoint(
    candidate: Candidate, verification: Verification, hub: Hub, progress: Progress
) -> Path | HubFailure:
    """Find the checkpoint of a candidate at its revision, which is fetched where it is not in the cache of the Hub."""
    if own := candidate.local_path or candidate.answers_path or candidate.command_folder:
        return own
    facts = hub.facts(candidate.id, verification.revision)
    if isinstance(facts, HubFailure):
        return facts
    return hub.download(replace(facts, onnx=candidate.onnx, tokenizer=candidate.reads_text), progress)
