"""From a checkpoint in torch to a file that another engine reads. Runs in a worker that ends afterwards."""

import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import Wav2Vec2FeatureExtractor, WhisperFeatureExtractor

from benchmark.models.backends.converted import ConvertedModel
from benchmark.models.backends.features import SPECTROGRAM, FeatureRecipe
from benchmark.models.backends.openvino_backend import openvino
from benchmark.models.backends.openvino_graph import (
    make_division_exact,
    make_padding_explicit,
    prefer_one_order_of_weights,
)
from benchmark.models.backends.plugin_backends import added_backend, added_names
from benchmark.models.backends.protocol import ONNXRUNTIME, OPENVINO, BackendError
from benchmark.models.inference import Checkpoint
from benchmark.models.model_types import ATTENTION_MASK

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

    def forward(self, *inputs: torch.Tensor) -> Any:
        """Compute the logits."""
        return self.model(**dict(zip(self.names, inputs, strict=True))).logits


def convert(checkpoint: Checkpoint, backend: str, folder: Path) -> ConvertedModel:
    """Convert a checkpoint for another engine, with a time axis of any length, unless its folder holds a whole model.

    Args:
        checkpoint: The loaded model, in float32 on the CPU.
        backend: `openvino`, `onnxruntime`, or one that an installed package adds.
        folder: The folder of the converted model.

    Raises:
        BackendError: The backend is not installed, or knows no conversion.
        OSError: The folder cannot be written.
        Exception: Whatever the converter raises for a model that it cannot take.
    """
    return ConvertedModel.open(folder) or ConvertedModel.write(
        folder, checkpoint.report, lambda new: _write(checkpoint, backend, new)
    )


def _write(checkpoint: Checkpoint, backend: str, folder: Path) -> tuple[str, FeatureRecipe]:
    examples = checkpoint.features(_noise(checkpoint))
    module = _ByPosition(checkpoint.model, tuple(examples)).eval()
    fixed = checkpoint.report.fixed_window
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing warns of every branch on a length
        if backend == OPENVINO:
            model = _write_openvino(module, examples, folder, fixed=fixed)
        elif backend == ONNXRUNTIME:
            model = _write_onnx(module, examples, folder, fixed=fixed)
        elif backend in added_names():
            model = added_backend(backend).write(module, examples, folder)
        else:
            raise BackendError(f"nothing is converted for {backend}")
    return model, _recipe(checkpoint, tuple(examples))


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


def _write_openvino(module: _ByPosition, examples: Mapping[str, torch.Tensor], folder: Path, *, fixed: bool) -> str:
    library = openvino()
    converted = library.convert_model(module, example_input=tuple(examples.values()))
    if len(converted.inputs) != len(examples):
        raise BackendError("the converted model does not have the inputs of the original")
    shapes = {}
    for port, (name, example) in zip(converted.inputs, examples.items(), strict=True):
        port.get_tensor().set_names({name})
        shapes[port] = list(example.shape)
        if not fixed:
            shapes[port][_TIME] = -1
    converted.reshape(shapes)
    make_division_exact(converted)
    if not fixed:
        make_padding_explicit(converted)
    path = folder / "model.xml"
    try:
        library.save_model(converted, str(path), compress_to_fp16=False)
    except RuntimeError as error:  # its streams do not say what the system said
        raise OSError(f"the converted model cannot be written: {error}") from None
    prefer_one_order_of_weights(path)
    return path.name


def _write_onnx(module: _ByPosition, examples: Mapping[str, torch.Tensor], folder: Path, *, fixed: bool) -> str:
    torch.onnx.export(
        module,
        tuple(examples.values()),
        folder / "model.onnx",
        input_names=list(examples),
        output_names=["logits"],
        dynamic_axes=None if fixed else {name: {_TIME: "time"} for name in examples},
        opset_version=_OPSET,
        dynamo=False,  # the newer exporter fixes lengths that these models compute from their input
    )
    return "model.onnx"


def _recipe(checkpoint: Checkpoint, inputs: tuple[str, ...]) -> FeatureRecipe:
    """Describe the inputs; where a shorter recipe is known and makes the same of noise, the shorter one."""
    plain = FeatureRecipe(
        inputs=inputs,
        sampling_rate=checkpoint.report.sampling_rate or 1,
        model_type=checkpoint.report.model_type,
        shortest=checkpoint.shortest,
    )
    extractor = checkpoint.extractor
    if type(extractor) is Wav2Vec2FeatureExtractor and not set(inputs) - {inputs[0], ATTENTION_MASK}:
        shorter, within = replace(plain, normalize=bool(extractor.do_normalize)), 0.0
    elif type(extractor) is WhisperFeatureExtractor and inputs == (SPECTROGRAM,):
        shorter, within = replace(plain, fills_up=True), _SPECTROGRAM_WITHIN
    else:
        return plain
    noise = _noise(checkpoint)
    for samples in (noise, noise[: checkpoint.shortest]):
        expected, made = plain.features(samples, extractor), shorter.features(samples, extractor)
        if not all(_is_same(expected[name], made[name], within=within) for name in inputs):
            return plain
    return shorter


def _is_same(expected: NDArray[Any], made: NDArray[Any], *, within: float) -> bool:
    is_alike = expected.dtype == made.dtype and expected.shape == made.shape
    return is_alike and bool(np.abs(expected - made).max() <= within)
