"""Encoders: what lies below the head of a checkpoint, and the features that it makes of clips, in a worker.

A feature is a hidden state that is pooled over the frames of a window as the stock classifier of the model type pools
it. Of transformers' audio classifiers, these sum hidden states with fitted weights (`use_weighted_layer_sum`):
data2vec-audio, hubert, sew, sew-d, unispeech, unispeech-sat, wav2vec2, wav2vec2-bert, wav2vec2-conformer, wavlm and
whisper. Only audio-spectrogram-transformer does not: it reads the first two tokens of its last layer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import layer_norm
from transformers import AutoConfig

from benchmark.audio.windows import window_blocks
from benchmark.errors import RequestError
from benchmark.models.checkpoint import load_checkpoint
from benchmark.models.inference import Checkpoint
from benchmark.models.load_reports import CheckpointError, LoadOptions, NotFiniteError, TooShortError
from benchmark.models.model_types import ATTENTION_MASK, AUDIO_CLASSIFICATION_TYPES, BENCH_TYPES, SQUEEZED_TYPES
from benchmark.models.registration import register_models
from benchmark.models.skeleton import refuse_giants
from benchmark.results.encoder_features import StateView
from benchmark.training.augmentation import augmented
from benchmark.training.clips_file import SAMPLING_RATE, ClipsFile
from benchmark.training.recipe import WaveformAugmentation

HEAD_WEIGHTS = ("projector.", "classifier.", "layer_weights")
AST = "audio-spectrogram-transformer"
# Only in use while a model is trained.
_HARMLESS = ".masked_spec_embed"
_CLOSE = 1e-4
_SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class EncoderFacts:
    """What is known of an encoder that was opened.

    Attributes:
        states: How many states of a window it gives; those of `hidden` begin with the input of the first layer.
        usable: Whether a state means the same in every version of transformers. Behind encoders with a final
            normalisation, the last hidden state is taken before it in version 5, and behind it in version 4.
        parameters: Weights of the encoder.
        window_s: The longest stretch of audio that it reads at once.
    """

    model_type: str
    states: int
    width: int
    usable: tuple[bool, ...]
    parameters: int
    window_s: float


class Encoder:
    """An encoder that is loaded, in evaluation mode.

    Args:
        folder: Of any checkpoint of the model types of `AUDIO_CLASSIFICATION_TYPES`: a bare encoder, a recogniser or
            a classifier.
        view: Which states it gives.

    Raises:
        CheckpointError: Weights of the encoder are missing, or it cannot give these states.
        Exception: Whatever transformers raises for a checkpoint that it can't load.
    """

    def __init__(self, folder: Path, view: StateView) -> None:
        self.checkpoint = load_encoder(folder, {})
        self._view: StateView = view
        self._model_type: str = self.checkpoint.report.model_type
        self._module = layered_module(self.checkpoint.model)
        self._tail: nn.Module = nn.Identity()
        second = np.random.default_rng(0).normal(0, 0.1, SAMPLING_RATE).astype(np.float32)
        if view == "cut":
            self._tail = self._find_tail(second)
        self.facts = self._facts(second)

    def windows(self, samples: Sequence[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
        """Cut a clip, which comes in blocks, into windows as an evaluation does."""
        yield from window_blocks(samples, SAMPLING_RATE, self.checkpoint.report.window_s)

    def encode(self, window: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute the pooled states of a window, shape (states, width).

        Raises:
            TooShortError: It is too short for a single frame.
            NotFiniteError: The encoder gives NaN or infinity.
        """
        states, mask = self.frame_states(window)
        pooled = torch.stack([self._pooled(state, mask) for state in states])
        values = np.asarray(pooled.float().numpy(), np.float32)
        if not np.isfinite(values).all():
            raise NotFiniteError("the encoder answered with NaN or infinity")
        return values

    def frame_states(self, window: NDArray[np.float32]) -> tuple[list[Tensor], Tensor | None]:
        """Compute the states of a window, shape (1, frames, width) each, and the mask of its samples."""
        features = self.checkpoint.features(window)
        with torch.inference_mode():
            output = base_model(self.checkpoint.model)(**features, output_hidden_states=True)
            if self._model_type == AST and self._view == "hidden":
                states = [output.last_hidden_state]
            elif self._view == "hidden":
                states = list(output.hidden_states) or [output.last_hidden_state]  # an encoder without layers
            else:
                states = [*map(self._tail, output.hidden_states[:-1]), output.last_hidden_state]
        return states, features.get(ATTENTION_MASK)

    def _pooled(self, state: Tensor, mask: Tensor | None) -> Tensor:
        """Pool over frames as the stock head does, shape (width,)."""
        frames = state[0]
        with torch.inference_mode():
            if self._model_type == AST:  # its head normalises, and what it multiplies and adds then is linear
                pooled = frames[:2].mean(dim=0)
                return layer_norm(pooled, pooled.shape, eps=self.checkpoint.model.config.layer_norm_eps)
            if mask is not None:
                valid = self.checkpoint.model._get_feature_vector_attention_mask(len(frames), mask)[0]
                frames = frames[valid.bool()]
            return frames.mean(dim=0)

    def _find_tail(self, second: NDArray[np.float32]) -> nn.Module:
        """Find what follows the last layer, by comparing with the outputs of encoders that are really cut.

        Raises:
            CheckpointError: It is neither nothing nor a normalisation.
        """
        norm: nn.Module | None = getattr(self._module, "layer_norm", None) or getattr(self._module, "layernorm", None)
        if self._model_type not in SQUEEZED_TYPES:
            layers = len(self._module.layers)
            kept = sorted({0, layers // 2, layers - 1})
            expected = [self._output_behind(count, second) for count in kept]
            for tail in (nn.Identity(), *([] if norm is None else [norm])):
                self._tail = tail
                states, _ = self.frame_states(second)
                if all(_are_close(states[count], output) for count, output in zip(kept, expected, strict=True)):
                    return tail
        raise CheckpointError(
            f"a {self._model_type} encoder cannot be cut behind a layer: take the recipe `probe`, which needs no cut"
        )

    def _output_behind(self, count: int, second: NDArray[np.float32]) -> Tensor:
        layers = self._module.layers
        try:
            self._module.layers = layers[:count]
            features = self.checkpoint.features(second)
            with torch.inference_mode():
                output: Tensor = base_model(self.checkpoint.model)(**features).last_hidden_state
                return output
        finally:
            self._module.layers = layers

    def _facts(self, second: NDArray[np.float32]) -> EncoderFacts:
        model = self.checkpoint.model
        with torch.inference_mode():
            output = base_model(model)(**self.checkpoint.features(second), output_hidden_states=True)
        states, width = self.encode(second).shape
        usable = [True] * states
        final = output.last_hidden_state
        if self._view == "hidden" and states > 1 and output.hidden_states[-1].shape == final.shape:
            usable[-1] = torch.equal(output.hidden_states[-1], final)
        return EncoderFacts(
            model_type=self._model_type,
            states=states,
            width=width,
            usable=tuple(usable),
            parameters=sum(parameter.numel() for parameter in base_model(model).parameters()),
            window_s=self.checkpoint.report.window_s,
        )


class EncoderActor:
    """Encodes clips of a file. Start it with `Worker("benchmark.training.encoder:EncoderActor", …)`."""

    def __init__(self) -> None:
        self._encoder: Encoder | None = None
        self._clips: ClipsFile | None = None

    def open(self, folder: str, view: StateView, clips: dict[str, Any]) -> dict[str, Any]:
        """Load an encoder, and give the fields of its `EncoderFacts`."""
        self._clips = ClipsFile.from_plain(clips)
        self._encoder = Encoder(Path(folder), view)
        return asdict(self._encoder.facts)

    def encode(self, clip: int, augmentation: dict[str, Any] | None, seed: list[int]) -> dict[str, Any]:
        """Encode a clip, or the copy of it that a seed gives: `samples`, `states` and `failure` of `EncodedClip`."""
        if self._encoder is None or self._clips is None:
            raise RuntimeError("nothing is open")
        blocks = [self._clips.samples(int(window)) for window in self._clips.windows_of(clip)]
        if augmentation is not None:
            random = np.random.default_rng(seed)
            blocks = [augmented(np.concatenate(blocks), WaveformAugmentation(**augmentation), random)]
        facts = self._encoder.facts
        lengths, states = [], []
        failure = None
        try:
            for window in self._encoder.windows(blocks):
                states.append(self._encoder.encode(window))
                lengths.append(window.size)
        except (TooShortError, NotFiniteError) as error:
            lengths, states, failure = [], [], str(error)
        return {
            "samples": np.asarray(lengths, np.int64),
            "states": np.asarray(states, np.float32).reshape(-1, facts.states, facts.width),
            "failure": failure,
        }


def load_encoder(folder: Path, config: dict[str, Any], *, seed: int = 0) -> Checkpoint:
    """Load a checkpoint as the stock classifier of its model type, whose head may be random, never its encoder.

    Args:
        folder: The checkpoint's folder.
        config: Fields of the configuration to replace.
        seed: Of the random head.

    Raises:
        CheckpointError: Weights of the encoder are missing, there is no such classifier, or it reads another rate.
        Exception: Whatever transformers raises for a checkpoint that it can't load.
    """
    register_models()
    described = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    if described.model_type not in AUDIO_CLASSIFICATION_TYPES or described.model_type in BENCH_TYPES:
        known = ", ".join(name for name in AUDIO_CLASSIFICATION_TYPES if name not in BENCH_TYPES)
        raise CheckpointError(f"transformers has no audio classifier for {described.model_type!r}: it has {known}")
    refuse_giants(described.to_dict())
    # A classifier has no adapter behind its encoder; that of a recogniser is left out.
    options = LoadOptions(config={"add_adapter": False, **config}, seed=seed)
    checkpoint = load_checkpoint(folder, options)
    report = checkpoint.report
    missing = [name for name in report.missing if not name.startswith(HEAD_WEIGHTS) and not name.endswith(_HARMLESS)]
    if missing:
        shown = ", ".join(missing[:_SHOWN])
        raise CheckpointError(
            f"{len(missing)} weights of the encoder are missing or have another shape, such as {shown}: "
            "choose a checkpoint that holds its encoder"
        )
    if report.sampling_rate != SAMPLING_RATE:
        raise CheckpointError(
            f"it reads audio at {report.sampling_rate} Hz, and only encoders at {SAMPLING_RATE} Hz can be trained on"
        )
    return checkpoint


def require_long_enough(checkpoint: Checkpoint, clips: ClipsFile) -> None:
    """Refuse clips that are too short for an encoder.

    Raises:
        RequestError: There are such clips.
    """
    lengths = np.bincount(clips.clips, clips.lengths)
    short = int((lengths < checkpoint.shortest).sum())
    if short:
        shortest_s = checkpoint.shortest / SAMPLING_RATE
        raise RequestError(f"{short:,} clips are shorter than the {shortest_s:g} s of the encoder: leave them out.")


def base_model(model: Any) -> nn.Module:
    """The encoder within a stock classifier."""
    base: nn.Module = model.encoder if model.config.model_type == "whisper" else getattr(model, model.base_model_prefix)
    return base


def layered_module(model: Any) -> Any:
    """The module of an encoder that holds its layers."""
    count = int(model.config.num_hidden_layers)
    for module in base_model(model).modules():
        layers = getattr(module, "layers", None)
        if isinstance(layers, nn.ModuleList) and len(layers) == count:
            return module
    return base_model(model)


def _are_close(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and bool((one - other).abs().max() <= _CLOSE * other.abs().max())
