"""The candidates that are run: usable ones with enough emotions; and why the others are not."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from benchmark.hub.client import Hub
from benchmark.hub.facts import HubFailure
from benchmark.models.backends.added import added_backend
from benchmark.models.backends.protocol import BACKENDS, ONNXRUNTIME, OPENVINO, TORCH, Engine
from benchmark.progress import Progress
from benchmark.registry.schema import Candidate, Registry
from benchmark.results.environment import installed_version
from benchmark.results.predictions import CONVERSION, CONVERSION_VERSION, InferenceSetup
from benchmark.results.status import Status, Verdict
from benchmark.results.storage import candidate_slug
from benchmark.results.verification import Verification

_LIBRARIES = ("torch", "transformers", "soxr")
_LIBRARIES_OF_PERTURBATIONS = ("numpy", "scipy", "soundfile")
_LIBRARIES_OF_BACKENDS = {OPENVINO: ("openvino",), ONNXRUNTIME: ("onnxruntime", "onnx")}


@dataclass(frozen=True)
class Subject:
    """A candidate that is ready to be run.

    Attributes:
        candidate: As the registry names it.
        verification: Its verdict, which is `usable`.
        folder: Its checkpoint.
    """

    candidate: Candidate
    verification: Verification
    folder: Path

    @property
    def name(self) -> str:
        """The name in tables."""
        return self.candidate.name

    @property
    def slug(self) -> str:
        """A unique file name."""
        return candidate_slug(self.candidate.id)

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

    def setup(self, *, device: str, perturbation: str | None = None, engine: Engine | None = None) -> InferenceSetup:
        """Describe everything that decides this candidate's logits.

        Args:
            device: Where it computes.
            perturbation: The name of what is done to the audio first, if anything.
            engine: What computes; None for reference inference.

        Raises:
            ValueError: The candidate was not loaded when it was verified.
        """
        verification = self.verification
        if verification.revision is None or verification.window_s is None:
            raise ValueError(f"{self.candidate.name} was not loaded when it was verified")
        engine = engine or Engine(device=device)
        libraries = (
            *_LIBRARIES,
            *(() if perturbation is None else _LIBRARIES_OF_PERTURBATIONS),
            *_libraries_of(engine.backend),
        )
        versions = {name: version for name in libraries if (version := installed_version(name))}
        if engine.backend != TORCH:
            versions[CONVERSION] = str(CONVERSION_VERSION)
        return InferenceSetup(
            candidate=self.candidate.id,
            revision=verification.revision,
            labels=verification.labels,
            head=verification.head or "standard",
            head_parameters=dict(verification.head_parameters),
            backend=engine.backend,
            device=device,
            dtype=engine.dtype,
            batch=engine.batch,
            window_s=verification.window_s,
            preprocessor=self.preprocessor,
            versions=versions,
            perturbation=perturbation,
        )


def _libraries_of(backend: str) -> tuple[str, ...]:
    return _LIBRARIES_OF_BACKENDS.get(backend, ()) if backend in BACKENDS else added_backend(backend).libraries


@dataclass(frozen=True)
class Selection:
    """The candidates of a run.

    Attributes:
        subjects: Those that are run, in the registry's order.
        ineligible: Why the others are not, by name.
    """

    subjects: tuple[Subject, ...]
    ineligible: dict[str, str]


def select_subjects(
    registry: Registry, verifications: Sequence[Verification], *, min_emotions: int, hub: Hub, progress: Progress
) -> Selection:
    """Choose the usable candidates with enough emotions, and find their checkpoints, which verification has fetched.

    Args:
        registry: The candidates.
        verifications: Their verdicts, in the same order.
        min_emotions: How many classes a candidate must distinguish.
        hub: Finds the checkpoints; what is not in its cache any more is fetched again.
        progress: Gets a stage for a download.
    """
    subjects: list[Subject] = []
    ineligible: dict[str, str] = {}
    for candidate, verification in zip(registry.candidates, verifications, strict=True):
        reason = ineligibility(verification, min_emotions=min_emotions)
        found = None if reason else _checkpoint_folder(candidate, verification, hub, progress)
        if isinstance(found, Path):
            subjects.append(Subject(candidate, verification, found))
        else:
            ineligible[candidate.name] = reason or (found.reason if found else "")
    return Selection(tuple(subjects), ineligible)


def _checkpoint_folder(
    candidate: Candidate, verification: Verification, hub: Hub, progress: Progress
) -> Path | HubFailure:
    if candidate.local_path is not None:
        return candidate.local_path
    facts = hub.facts(candidate.id, verification.revision)
    return facts if isinstance(facts, HubFailure) else hub.download(facts, progress)


def ineligibility(verification: Verification, *, min_emotions: int) -> str | None:
    """Say why a candidate is not run; None where it is.

    Examples:
        >>> from benchmark.results.status import Status
        >>> two = Verification(candidate="a", id="a", status=Status.USABLE, reason="",
        ...     labels=("sad", "angry"), emotions=("sadness", "anger"))
        >>> ineligibility(two, min_emotions=5)
        'It distinguishes 2 emotions; at least 5 were asked for.'
        >>> ineligibility(two, min_emotions=2) is None
        True
    """
    if verification.verdict is not Verdict.USABLE:
        return verification.reason
    emotions = len(verification.emotion_classes)
    if emotions < min_emotions:
        return f"It distinguishes {emotions} emotions; at least {min_emotions} were asked for."
    return None
