"""From a checkpoint in torch to a file that another engine reads. Runs in a short-lived worker."""

import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import Wav2Vec2FeatureExtractor, WhisperFeatureExtractor

from benchmark.models.backends.added import added_backend, added_names
from benchmark.models.backends.converted import NewModel
from benchmark.models.backends.features import MAIN_INPUT, FeatureMaker, FeatureRecipe
from benchmark.models.backends.openvino_backend import openvino
from benchmark.models.backends.openvino_graph import (
    make_division_exact,
    make_padding_explicit,
    prefer_one_order_of_weights,
)
from benchmark.models.backends.protocol import ONNXRUNTIME, OPENVINO, BackendError
from benchmark.models.inference import Checkpoint
from benchmark.models.supported import ATTENTION_MASK

# Long enough for every window of convolutions, and as long as no other axis.
_EXAMPLE_S = 2.1
_OPSET = 17
_TIME = 1
# A matrix product of another width may differ in the last bit.
_SPECTROGRAM_WITHIN = 1e-6


class _ByPosition(torch.nn.Module):
    """A model whose inputs have an order and whose only output is the logits."""

    def __init__(self, model: Any, names: tuple[str, ...]) -> None:
        super().__init__()
        self.model = model
        self.names = names

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Give the logits."""
        logits: torch.Tensor = self.model(**dict(zip(self.names, inputs, strict=True))).logits
        return logits


def convert(checkpoint: Checkpoint, backend: str, folder: Path) -> NewModel:
    """Write a checkpoint for another engine, with a time axis of any length.

    Args:
        checkpoint: The loaded model, in float32 on the CPU.
        backend: `openvino`, `onnxruntime`, or one that an installed package adds.
        folder: Where to; empty.

    Returns:
        What was written.

    Raises:
        BackendError: The backend is not installed, or knows no conversion.
        Exception: Whatever the converter raises for a model that it cannot take.
    """
    begin = time.perf_counter()
    examples = _examples(checkpoint)
    write = _writer(backend)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing warns of every branch on a length
        model = write(checkpoint, examples, folder)
    return NewModel(
        model=model,
        recipe=_recipe(checkpoint, tuple(examples)),
        report=checkpoint.report,
        seconds=time.perf_counter() - begin,
    )


def _writer(backend: str) -> Callable[[Checkpoint, Mapping[str, torch.Tensor], Path], str]:
    own = {OPENVINO: _write_openvino, ONNXRUNTIME: _write_onnx}
    if backend in own:
        return own[backend]
    if backend not in added_names():
        raise BackendError(f"nothing is converted for {backend}")
    added = added_backend(backend)
    return lambda checkpoint, examples, folder: added.write(
        _ByPosition(checkpoint.model, tuple(examples)).eval(), examples, folder
    )


def _examples(checkpoint: Checkpoint) -> dict[str, torch.Tensor]:
    return checkpoint.features(_noise(checkpoint))


def _noise(checkpoint: Checkpoint) -> NDArray[np.float32]:
    samples = max(int(_EXAMPLE_S * (checkpoint.report.sampling_rate or 1)), checkpoint.shortest)
    joined = getattr(checkpoint.model.config, "squeeze_factor", 1)
    if joined > 1:
        # SEW fills up the frames that are left over when several are joined to one, and does nothing where none are:
        # what is traced must be the filling, which by no frames is nothing, too.
        frames_of = checkpoint.model._get_feat_extract_output_lengths
        while int(frames_of(samples)) % joined == 0:
            samples += 1
    return np.random.default_rng(0).normal(0.0, 0.1, samples).astype(np.float32)


def _write_openvino(checkpoint: Checkpoint, examples: Mapping[str, torch.Tensor], folder: Path) -> str:
    library = openvino()
    wrapped = _ByPosition(checkpoint.model, tuple(examples)).eval()
    converted = library.convert_model(wrapped, example_input=tuple(examples.values()))
    if len(converted.inputs) != len(examples):
        raise BackendError("the converted model does not have the inputs of the original")
    shapes = {}
    for port, (name, example) in zip(converted.inputs, examples.items(), strict=True):
        port.get_tensor().set_names({name})
        shapes[port] = _shape(example, fixed=checkpoint.report.fixed_window)
    converted.reshape(shapes)
    make_division_exact(converted)
    if not checkpoint.report.fixed_window:
        make_padding_explicit(converted)
    path = folder / "model.xml"
    try:
        library.save_model(converted, str(path), compress_to_fp16=False)
    except RuntimeError as error:  # its streams do not say what the system said
        raise OSError(f"the converted model cannot be written: {error}") from None
    prefer_one_order_of_weights(path)
    return path.name


def _shape(example: torch.Tensor, *, fixed: bool) -> list[int]:
    shape = list(example.shape)
    if not fixed:
        shape[_TIME] = -1
    return shape


def _write_onnx(checkpoint: Checkpoint, examples: Mapping[str, torch.Tensor], folder: Path) -> str:
    fixed = checkpoint.report.fixed_window
    torch.onnx.export(
        _ByPosition(checkpoint.model, tuple(examples)).eval(),
        tuple(examples.values()),
        folder / "model.onnx",
        input_names=list(examples),
        output_names=["logits"],
        dynamic_axes=None if fixed else {name: {_TIME: "time"} for name in examples},
        opset_version=_OPSET,
        # The newer exporter fixes lengths that these models compute from their input.
        dynamo=False,
    )
    return "model.onnx"


def _recipe(checkpoint: Checkpoint, inputs: tuple[str, ...]) -> FeatureRecipe:
    """Describe the features; where a shorter way gives the same, they are made so."""
    recipe = FeatureRecipe(
        inputs=inputs,
        sampling_rate=checkpoint.report.sampling_rate or 1,
        model_type=checkpoint.report.model_type,
        shortest=checkpoint.shortest,
    )
    shorter = _shorter(checkpoint, recipe)
    if shorter is None:
        return recipe
    plain, short = FeatureMaker(recipe, checkpoint.extractor), FeatureMaker(shorter, checkpoint.extractor)
    within = _SPECTROGRAM_WITHIN if shorter.fills_up else 0.0
    noise = _noise(checkpoint)
    for samples in (noise, noise[: checkpoint.shortest]):
        own, made = plain(samples), short(samples)
        if not all(_is_same(own[name], made[name], within=within) for name in inputs):
            return recipe
    return shorter


def _is_same(own: NDArray[Any], made: NDArray[Any], *, within: float) -> bool:
    return own.dtype == made.dtype and own.shape == made.shape and bool(np.abs(own - made).max() <= within)


def _shorter(checkpoint: Checkpoint, recipe: FeatureRecipe) -> FeatureRecipe | None:
    """The same features without asking the extractor, or asking it about less; None where no such way is known."""
    extractor = checkpoint.extractor
    if type(extractor) is Wav2Vec2FeatureExtractor and not set(recipe.inputs) - {recipe.inputs[0], ATTENTION_MASK}:
        return replace(recipe, normalize=bool(extractor.do_normalize))
    if type(extractor) is WhisperFeatureExtractor and recipe.inputs == (MAIN_INPUT,):
        return replace(recipe, fills_up=True)
    return None
