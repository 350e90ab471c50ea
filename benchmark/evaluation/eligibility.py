"""The candidates that are run: usable ones with enough emotions; and why the others are not."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from benchmark.hub.client import Hub
from benchmark.hub.repository_facts import HubFailure
from benchmark.models.backends.plugin_backends import added_backend
from benchmark.models.backends.protocol import LIBRARIES, TORCH, Engine
from benchmark.progress import Progress
from benchmark.registry.schema import Candidate, Registry
from benchmark.results.environment import installed_version
from benchmark.results.predictions import CONVERSION, CONVERSION_VERSION, InferenceSetup
from benchmark.results.status import Status, Verdict
from benchmark.results.verification import Verification

_LIBRARIES_OF_ALL = ("torch", "transformers", "soxr")
_LIBRARIES_OF_PERTURBATIONS = ("numpy", "scipy", "soundfile")


@dataclass(frozen=True)
class Subject:
    """A candidate that is ready to be run: its verdict is `usable`, and its checkpoint is in `folder`."""

    candidate: Candidate
    verification: Verification
    folder: Path

    @property
    def name(self) -> str:
        """The name in tables."""
        return self.candidate.name

    @property
    def preprocessor(self) -> dict[str, JsonValue] | None:
        """The registry's override of the feature extractor, as plain data."""
        override = self.candidate.preprocessor
        return None if override is None else override.model_dump(mode="json")

    @property
    def head(self) -> dict[str, str] | None:
        """How its head is rebuilt, as `LoadOptions.head`; None where it is transformers' own."""
        if self.verification.status is not Status.REPAIRED or self.verification.head is None:
            return None
        return {"kind": self.verification.head, **self.verification.head_parameters}

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
        of_backend = LIBRARIES[backend] if backend in LIBRARIES else added_backend(backend).libraries
        libraries = (*_LIBRARIES_OF_ALL, *of_perturbation, *of_backend)
        versions = {name: version for name in libraries if (version := installed_version(name))}
        if backend != TORCH:
            versions[CONVERSION] = str(CONVERSION_VERSION)
        return InferenceSetup(
            candidate=self.candidate.id,
            revision=verification.revision,
            labels=verification.labels,
            head=verification.head or "standard",
            head_parameters=dict(verification.head_parameters),
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
    registry: Registry, verifications: Sequence[Verification], *, min_emotions: int, hub: Hub, progress: Progress
) -> Selection:
    """Choose the usable candidates with enough emotions, and find their checkpoints, which verification has fetched.

    The verdicts are in the order of the registry. What is not in the cache of the Hub any more is fetched again.
    """
    subjects: list[Subject] = []
    ineligible: dict[str, str] = {}
    final = list(verifications)
    for number, (candidate, verification) in enumerate(zip(registry.candidates, verifications, strict=True)):
        is_usable = verification.verdict is Verdict.USABLE
        reason = verification.too_few_emotions(min_emotions) if is_usable else verification.reason
        if reason is None:
            folder = _checkpoint_folder(candidate, verification, hub, progress)
            if not isinstance(folder, HubFailure):
                subjects.append(Subject(candidate, verification, folder))
                continue
            reason = f"its checkpoint is not in the cache any more, and was not fetched again: {folder.reason}"
            lost = {"status": folder.status, "reason": reason, "incomplete": True}
            final[number] = verification.model_copy(update=lost)
        ineligible[candidate.name] = reason
    return Selection(tuple(subjects), ineligible, tuple(final))


def _checkpoint_folder(
    candidate: Candidate, verification: Verification, hub: Hub, progress: Progress
) -> Path | HubFailure:
    if candidate.local_path is not None:
        return candidate.local_path
    facts = hub.facts(candidate.id, verification.revision)
    return facts if isinstance(facts, HubFailure) else hub.download(facts, progress)
