"""Features of a frozen encoder: computed once in a worker, kept in the cache, and read by row during training."""

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.errors import RequestError, UnavailableError
from benchmark.progress import Progress, Stage
from benchmark.results.encoder_features import EncodedClip, FeatureSetup, FeatureStore, StateView
from benchmark.results.environment import installed_version
from benchmark.results.files import explain_write_failure
from benchmark.results.storage import candidate_slug
from benchmark.settings import Settings
from benchmark.training.clips_file import ClipsFile
from benchmark.training.jobs import FitJob
from benchmark.training.recipe import ProbeRecipe
from benchmark.workers.answers import Answer, Raised, Returned
from benchmark.workers.process import Limits
from benchmark.workers.worker import Worker

_ACTOR = "benchmark.training.encoder:EncoderActor"
_LIBRARIES = ("torch", "transformers")
_STORE_EVERY_S = 20.0
_SEED_DIGITS = 12
# Their messages are sentences for a person.
_SENTENCES = frozenset({"CheckpointError", "MissingPreprocessorError", "UnusablePreprocessorError"})
_BLOCK_ROWS = 256
"""Rows of which all states are in memory at once."""


@dataclass(frozen=True, kw_only=True)
class EncoderSource:
    """The encoder that is trained on.

    Attributes:
        id: The Hub id or local path.
        revision: The commit sha, or the content hash of a local folder.
        folder: Where it lies on this machine.
        trained_on: Corpora that it was trained on, as far as the registry or its own record says; None if unknown.
    """

    id: str
    revision: str
    folder: Path
    trained_on: tuple[str, ...] | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class FeatureTable:
    """The features of all clips and their copies, in a file; a row per window.

    Attributes:
        clips: Index of the clip of each row, shape (rows,).
        copies: 0 for a clip itself, else the number of its changed copy, shape (rows,).
        samples: Length of each window.
        usable: Whether a state can be trained on, shape (states,).
        shape: Of `states`.
        parameters: Weights of the encoder.
        means: Subtracted from the rows of a speaker, shape (speakers, states, width), with `speakers`, the speaker of
            each clip; None to subtract nothing.
    """

    path: Path
    shape: tuple[int, int, int]
    clips: NDArray[np.int64]
    copies: NDArray[np.int64]
    samples: NDArray[np.int64]
    usable: NDArray[np.bool_]
    parameters: int
    means: NDArray[np.float64] | None = None
    speakers: NDArray[np.int64] | None = None

    @classmethod
    def open(cls, folder: Path, recipe: ProbeRecipe) -> "FeatureTable":
        """Open what `encoder_features` wrote into a folder for a recipe."""
        path = _location(folder, recipe)
        with np.load(path.with_suffix(".npz")) as index:
            columns = {name: np.array(index[name]) for name in ("clips", "copies", "samples", "usable")}
            states, width = map(int, index["shape"])
            shape = (columns["clips"].size, states, width)
            return cls(path=path, shape=shape, parameters=int(index["parameters"]), **columns)

    def centred(self, job: FitJob) -> "FeatureTable":
        """The same table without the mean of each speaker's enrolled clips; rows of other corpora cannot be read."""
        if not job.enrolled.size:
            return self
        plain = np.flatnonzero(self.copies == 0)
        means = job.speaker_means(self.states[plain], self.clips[plain])
        return replace(self, means=means, speakers=job.speakers)

    @cached_property
    def states(self) -> NDArray[np.float32]:
        """All states, shape (rows, states, width); they lie in the file until they are used."""
        return np.memmap(self.path, np.float32, mode="r", shape=self.shape)

    def rows(self, clips: NDArray[np.int64], *, with_copies: bool = False) -> NDArray[np.int64]:
        """The rows of clips, in the order of the file."""
        return np.flatnonzero(np.isin(self.clips, clips) & (with_copies | (self.copies == 0)))

    def shares(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """The share that each row has in its clip: rows of one clip and all of its copies sum to 1."""
        _, clip = np.unique(self.clips[rows], return_inverse=True)
        shares: NDArray[np.float64] = self.samples[rows] / np.bincount(clip, self.samples[rows])[clip]
        return shares

    def summed(self, rows: NDArray[np.int64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum the states of rows with weights, shape (rows, width)."""
        used = np.flatnonzero(weights)
        return np.concatenate([np.tensordot(block, weights[used], (1, 0)) for block in self._blocks(rows, used)])

    def projected(self, rows: NDArray[np.int64], coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
        """Multiply each state with coefficients of shape (classes, width); shape (rows, states, classes)."""
        return np.concatenate([block @ coefficients.T for block in self._blocks(rows)])

    def scales(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """The spread of each state: the root of the mean variance of its components over rows, shape (states,)."""
        total, squares = 0.0, 0.0
        for block in self._blocks(rows):
            total = total + block.sum(axis=0)
            squares = squares + np.square(block).sum(axis=0)
        variance = squares / len(rows) - np.square(total / len(rows))
        return np.asarray(np.sqrt(np.maximum(np.asarray(variance).mean(axis=1), 1e-20)), np.float64)

    def _blocks(
        self, rows: NDArray[np.int64], states: NDArray[np.int64] | None = None
    ) -> Iterator[NDArray[np.float64]]:
        chosen = np.arange(self.shape[1]) if states is None else states
        for begin in range(0, len(rows), _BLOCK_ROWS):
            taken = rows[begin : begin + _BLOCK_ROWS]
            block = self.states[np.ix_(taken, chosen)].astype(np.float64)
            if self.means is not None and self.speakers is not None:
                block -= self.means[np.ix_(self.speakers[self.clips[taken]], chosen)]
            yield block


def state_view(recipe: ProbeRecipe) -> StateView:
    """Which states a recipe is fitted on."""
    return "hidden" if recipe.layers == "weighted" else "cut"


@dataclass(frozen=True, eq=False, kw_only=True)
class FeatureWriter:
    """Writes the features of all clips for a recipe.

    Attributes:
        clip_hashes: Of each clip of `clips`, in their order.
        threads: That the encoder computes with.
    """

    encoder: EncoderSource
    clips: ClipsFile
    clip_hashes: Sequence[str]
    settings: Settings
    progress: Progress
    threads: int = 1

    def write(self, recipe: ProbeRecipe, folder: Path) -> dict[str, str]:
        """Write features into a folder, where `FeatureTable.open` finds them.

        What is not in the cache is computed, and stored meanwhile: after an interruption nothing is computed twice.

        Returns:
            The reasons, by clip hash, for the clips that the encoder can make nothing of; they have no rows.

        Raises:
            RequestError: The encoder is none that can be used, or the cache cannot be written.
            UnavailableError: The encoder's worker failed, or the disk is full.
        """
        log = self.settings.logs / f"{candidate_slug(self.encoder.id)}.log"
        with Worker(_ACTOR, log=log, limits=Limits(threads=self.threads)) as worker:
            opened = (str(self.encoder.folder), state_view(recipe), self.clips.plain())
            facts = self._value(worker.call("open", *opened, timeout_s=self.settings.load_timeout_s))
            store = FeatureStore(self.settings.cache, shape=(facts["states"], facts["width"]))
            setups = [self._setup(recipe, copy) for copy in range(recipe.copies + 1)]
            encoded = [self._complete(worker, store, setup) for setup in setups]
        samples = [[clips[clip_hash].samples for clip_hash in self.clip_hashes] for clips in encoded]
        path = _location(folder, recipe)
        try:
            self._fill(path, store, setups, samples, facts)
        except OSError as error:
            raise explain_write_failure(error, path, remedy="set BENCH_CACHE to a folder with more room") from error
        return {clip_hash: clip.failure for clip_hash, clip in encoded[0].items() if clip.failure is not None}

    def _setup(self, recipe: ProbeRecipe, copy_number: int) -> FeatureSetup:
        return FeatureSetup(
            encoder=self.encoder.id,
            revision=self.encoder.revision,
            view=state_view(recipe),
            copy_number=copy_number,
            augmentation=recipe.augmentation.model_dump(mode="json") if copy_number else None,
            versions={name: version for name in _LIBRARIES if (version := installed_version(name))},
        )

    def _complete(self, worker: Worker, store: FeatureStore, setup: FeatureSetup) -> dict[str, EncodedClip]:
        """Encode the clips that are not in the cache; give all by clip hash, without their states."""
        encoded = {clip.clip_hash: _without_states(clip) for clip in store.read(setup)}
        clips = {clip_hash: clip for clip, clip_hash in enumerate(self.clip_hashes)}  # one may have two labels
        missing = [clip for clip_hash, clip in clips.items() if clip_hash not in encoded]
        name = f"Encoding copy {setup.copy_number}" if setup.copy_number else "Encoding"
        waiting: list[EncodedClip] = []
        if not missing:
            return encoded
        with self.progress.stage(name, total=len(missing), unit="clips") as stage:
            try:
                stored = time.monotonic()
                for clip in self._encode(worker, setup, missing, stage):
                    encoded[clip.clip_hash] = _without_states(clip)
                    waiting.append(clip)
                    if time.monotonic() - stored > _STORE_EVERY_S:
                        store.add(setup, waiting)
                        waiting, stored = [], time.monotonic()
            finally:  # Ctrl-C and a worker that ends, too
                store.add(setup, waiting)
        return encoded

    def _encode(
        self, worker: Worker, setup: FeatureSetup, missing: Sequence[int], stage: Stage
    ) -> Iterator[EncodedClip]:
        for clip in missing:
            clip_hash = self.clip_hashes[clip]
            seed = [setup.copy_number, int(clip_hash[:_SEED_DIGITS], 16)]
            timeout_s = self.settings.clip_timeout_s * self.clips.windows_of(clip).size
            answer = self._value(worker.call("encode", clip, setup.augmentation, seed, timeout_s=timeout_s))
            yield EncodedClip(clip_hash=clip_hash, **answer)
            stage.advance()

    def _value(self, answer: Answer) -> dict[str, Any]:
        if not isinstance(answer, Returned):
            if isinstance(answer, Raised) and answer.kind in _SENTENCES:
                raise RequestError(f"The encoder {self.encoder.id} cannot be used: {answer.message}.")
            raise UnavailableError(f"The encoder {self.encoder.id} failed: {answer.reason}.")
        value: dict[str, Any] = answer.value
        return value

    def _fill(
        self,
        path: Path,
        store: FeatureStore,
        setups: Sequence[FeatureSetup],
        samples: Sequence[Sequence[NDArray[np.int64]]],
        facts: Mapping[str, Any],
    ) -> None:
        """Copy features from the cache into a file, a part at a time; its index is written last.

        Args:
            samples: Lengths of the windows, for each setup and clip.
        """
        counts = np.array([[windows.size for windows in of_copy] for of_copy in samples], np.int64)
        firsts = (np.cumsum(counts) - counts.ravel()).reshape(counts.shape)
        row_bytes = 4 * facts["states"] * facts["width"]
        clips: dict[str, list[int]] = {}
        for clip, clip_hash in enumerate(self.clip_hashes):
            clips.setdefault(clip_hash, []).append(clip)
        with path.open("wb") as file:  # not mapped: where the disk is full, that would end the process
            for setup in setups:
                for encoded in store.read(setup):
                    for clip in clips.get(encoded.clip_hash, ()):
                        file.seek(int(firsts[setup.copy_number, clip]) * row_bytes)
                        file.write(np.ascontiguousarray(encoded.states, np.float32).tobytes())
        copies, of_clips = np.indices(counts.shape)
        np.savez(
            path.with_suffix(".npz"),
            clips=np.repeat(of_clips.ravel(), counts.ravel()),
            copies=np.repeat(copies.ravel(), counts.ravel()),
            samples=np.concatenate([windows for of_copy in samples for windows in of_copy]),
            shape=np.array([facts["states"], facts["width"]]),
            usable=np.asarray(facts["usable"], np.bool_),
            parameters=np.int64(facts["parameters"]),
        )


def _location(folder: Path, recipe: ProbeRecipe) -> Path:
    """The file of a recipe's features; recipes that are fitted on the same ones share it."""
    changed = recipe.model_dump_json(include={"copies", "augmentation"}) if recipe.copies else ""
    return folder / f"{state_view(recipe)}-{hashlib.sha256(changed.encode()).hexdigest()[:8]}.float32"


def _without_states(clip: EncodedClip) -> EncodedClip:
    return replace(clip, states=clip.states[:0])
