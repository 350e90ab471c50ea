"""ONNX files that come without a checkpoint: what they may read and answer, and loading one in ONNX Runtime.

Taken are files that read one waveform, of shape (batch, time) or (time,), with or without a mask of it, and that give
one score per label. Everything else is refused in one sentence.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.hub.json_documents import read_document
from benchmark.hub.repository_facts import PREPROCESSOR_NAME
from benchmark.models.backends.features import FeatureRecipe
from benchmark.models.backends.onnx_backend import open_session
from benchmark.models.backends.protocol import ONNXRUNTIME, Streams
from benchmark.models.load_reports import CheckpointError, LoadOptions, LoadReport
from benchmark.models.model_types import ATTENTION_MASK, is_sampling_rate
from benchmark.models.speech_model import SpeechModel
from benchmark.results.predictions import ONNX

WINDOW_S = 30.0
"""The longest window of a file that takes any length."""
_WAVEFORM = "waveform"
_TYPES: dict[str, Any] = {
    "tensor(float16)": np.float16,
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(bool)": np.bool_,
}
_FLOATS = frozenset({"tensor(float16)", "tensor(float)", "tensor(double)"})
# Beside functions of its own, a file may use operators of these domains; no others are part of ONNX Runtime.
_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft", "com.microsoft.nchwc", "com.ms.internal.nhwc"})
_WAVEFORM_RANKS = (1, 2)
_SUMS_TO_ONE_WITHIN = 1e-3
_LEAST_PROBABILITY = 1e-12
_LEVEL = 0.1
_LONGEST = 200
_SHOWN = 4


@dataclass(frozen=True, kw_only=True)
class Ports:
    """The inputs and outputs of a file, as bench uses them.

    Attributes:
        waveform: Name of the input for samples.
        rank: Its number of axes: 1 without a batch, else 2.
        length: Its fixed number of samples; None for any.
        mask: Name of the input that says which samples are audio; None without one.
        mask_rank: As `rank`, of that input.
        output: Name of the output with the scores.
    """

    waveform: str
    waveform_type: str
    rank: int
    length: int | None
    mask: str | None = None
    mask_type: str = ""
    mask_rank: int = 2
    output: str

    @classmethod
    def of(cls, inputs: Sequence[Any], outputs: Sequence[Any]) -> "Ports":
        """Choose among the ports that ONNX Runtime lists.

        Raises:
            CheckpointError: The file reads or answers something else.
        """
        masks = [port for port in inputs if "mask" in port.name.lower()]
        waveforms = [port for port in inputs if port not in masks]
        waveform = waveforms[0] if len(waveforms) == 1 else None
        shape = list(waveform.shape) if waveform is not None else []
        is_batch_of_one = len(shape) == 1 or (len(shape) > 1 and not (isinstance(shape[0], int) and shape[0] != 1))
        is_known = waveform is not None and waveform.type in _FLOATS and len(shape) in _WAVEFORM_RANKS
        fits = all(port.type in _TYPES and len(port.shape) in _WAVEFORM_RANKS for port in masks) and len(masks) <= 1
        if waveform is None or not (is_known and is_batch_of_one and fits):
            shown = ", ".join(map(_described, inputs[:_SHOWN])) or "none"
            raise CheckpointError(
                f"its ONNX file has the inputs {shown}; bench feeds one waveform, [1, time] or [time] in floating "
                "point, and a mask of it: export the model with its feature extraction"
            )
        scores = next((port for port in outputs if port.name == "logits"), outputs[0] if outputs else None)
        if scores is None or scores.type not in _FLOATS:
            shown = ", ".join(map(_described, outputs[:_SHOWN])) or "none"
            raise CheckpointError(f"its ONNX file has the outputs {shown}; bench reads one score per label")
        length = shape[-1] if isinstance(shape[-1], int) else None
        mask = masks[0] if masks else None
        return cls(
            waveform=waveform.name,
            waveform_type=waveform.type,
            rank=len(shape),
            length=length if length is None or length > 0 else None,
            mask=None if mask is None else mask.name,
            mask_type="" if mask is None else mask.type,
            mask_rank=0 if mask is None else len(mask.shape),
            output=scores.name,
        )


@dataclass(frozen=True, eq=False)
class OnnxModel(SpeechModel):
    """An ONNX file in ONNX Runtime.

    Attributes:
        shortest_input: Samples that it needs at least.
        gives_probabilities: Whether its scores are probabilities, of which logits are the logarithm.
    """

    session: Any
    ports: Ports
    recipe: FeatureRecipe
    report: LoadReport
    shortest_input: int = 1
    gives_probabilities: bool = False

    @property
    def shortest(self) -> int:
        """Samples that the file needs at least."""
        return self.shortest_input

    def logits(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute one window; one that is shorter than a fixed length is filled up with zeros."""
        self.require_enough(samples.size)
        scores = compute(self.session, self.ports, self.recipe, samples).astype(np.float32)
        if not self.gives_probabilities:
            return scores
        return np.log(np.maximum(scores, np.float32(_LEAST_PROBABILITY)))


def load_onnx(folder: Path, options: LoadOptions, streams: Streams) -> OnnxModel:
    """Load an ONNX file, after a look at what it refers to, and find out what it answers.

    Args:
        folder: The folder that it lies in, or below.
        options: With `onnx`.
        streams: How many threads compute.

    Raises:
        BackendError: ONNX Runtime is not installed.
        CheckpointError: The file cannot be used; the message says why.
    """
    begin = time.perf_counter()
    described = options.onnx or {}
    file, labels = folder / described["file"], tuple(described["labels"])
    parameters = check_file(file)
    rate, normalize = _sampling(folder, options)
    try:
        session = open_session(file, streams)
    except Exception as error:
        if type(error).__module__.startswith("onnxruntime"):
            raise CheckpointError(f"ONNX Runtime refuses its ONNX file: {_first_line(error)}") from None
        raise
    ports = Ports.of(session.get_inputs(), session.get_outputs())
    recipe = FeatureRecipe(
        inputs=(_WAVEFORM, ATTENTION_MASK) if ports.mask else (_WAVEFORM,),
        sampling_rate=rate,
        model_type=ONNXRUNTIME,
        shortest=1,
        normalize=normalize,
    )
    is_probability = _try(session, ports, recipe, labels)
    window_s = WINDOW_S if ports.length is None else min(WINDOW_S, ports.length / rate)
    report = LoadReport(
        architecture="ONNX",
        model_type=ONNXRUNTIME,
        head=ONNX,
        head_parameters={
            "file": str(described["file"]),
            "outputs": "probabilities" if is_probability else "logits",
            "normalize": "yes" if normalize else "no",
        },
        labels=labels,
        multi_label=False,
        parameters=parameters,
        dtype="float32",
        device="cpu",
        attention=None,
        sampling_rate=rate,
        window_s=window_s,
        fixed_window=ports.length is not None,
        seconds=time.perf_counter() - begin,
    )
    return OnnxModel(session, ports, recipe, report, _shortest(session, ports, recipe), is_probability)


def check_file(file: Path) -> int:
    """Look at an ONNX file without computing anything, and count its weights.

    Raises:
        CheckpointError: It cannot be read, needs operators that ONNX Runtime does not have, or weights that lie
            outside of its folder, or are missing.
    """
    try:
        import onnx  # noqa: PLC0415 - an extra, imported by workers that compute with it
        from google.protobuf.message import DecodeError  # noqa: PLC0415 - comes with it
    except ImportError:
        raise CheckpointError("ONNX files need a library: `pip install 'ser-bench[onnx]'`") from None
    if not file.is_file():
        raise CheckpointError(f"there is no file {file.name[:_LONGEST]}")
    try:
        model = onnx.load(str(file), load_external_data=False)
    except DecodeError:
        raise CheckpointError("its ONNX file is truncated or damaged: download or export it again") from None
    if not model.graph.node:
        raise CheckpointError("its ONNX file holds no model: download or export it again")
    own = {function.domain for function in model.functions}
    parameters = 0
    for graph in (model.graph, *model.functions):
        for part in _parts(graph):
            if isinstance(part, onnx.NodeProto):
                if part.domain not in _DOMAINS | own:
                    raise CheckpointError(
                        f"its ONNX file needs the operator {part.op_type[:_LONGEST]} of {part.domain[:_LONGEST]}, and "
                        "bench loads no libraries of operators: export it with standard operators"
                    )
            else:
                parameters += int(np.prod(part.dims, dtype=np.float64))
                if part.data_location == onnx.TensorProto.EXTERNAL:
                    _check_external({entry.key: entry.value for entry in part.external_data}, file.parent)
    return parameters


def compute(session: Any, ports: Ports, recipe: FeatureRecipe, samples: NDArray[np.float32]) -> NDArray[Any]:
    """Compute the scores of one window, of shape (labels,).

    Raises:
        CheckpointError: The scores have another shape.
    """
    made = recipe.features(samples, None)
    inputs = {ports.waveform: _fitted(made[_WAVEFORM], ports.length, ports.rank, ports.waveform_type)}
    if ports.mask is not None:
        inputs[ports.mask] = _fitted(made[ATTENTION_MASK], ports.length, ports.mask_rank, ports.mask_type)
    scores = np.asarray(session.run([ports.output], inputs)[0])
    if scores.ndim not in _WAVEFORM_RANKS or (scores.ndim > 1 and len(scores) != 1):
        shape = " × ".join(map(str, scores.shape))
        raise CheckpointError(f"its output {ports.output[:_LONGEST]} has the shape {shape}; bench reads [1, labels]")
    return scores.reshape(-1)


def _parts(graph: Any) -> Iterator[Any]:
    """The nodes of a graph and of those in their attributes, and all tensors."""
    yield from getattr(graph, "initializer", ())
    for sparse in getattr(graph, "sparse_initializer", ()):
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            yield from (tensor for tensor in (attribute.t, *attribute.tensors) if tensor.ByteSize())
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (tensor for tensor in (sparse.values, sparse.indices) if tensor.ByteSize())
            for inner in (attribute.g, *attribute.graphs):
                yield from _parts(inner)


def _check_external(entry: dict[str, str], folder: Path) -> None:
    """Refuse weights in a file that is not beside the model; files of the Hub's cache link to its blobs."""
    location = entry.get("location", "")
    path = PurePosixPath(location)
    shown = repr(location[:_LONGEST])
    beside = folder / location
    is_inside = bool(location) and len(path.parts) == 1 and location not in {".", ".."} and "\\" not in location
    if is_inside and beside.is_file():
        target = beside.resolve()
        is_inside = target.parent in {folder.resolve(), *(parent / "blobs" for parent in folder.resolve().parents)}
    if not is_inside:
        raise CheckpointError(f"its ONNX file keeps weights in {shown}, and bench reads only files beside it")
    if not beside.is_file():
        raise CheckpointError(f"its ONNX file keeps weights in {shown}, which is not there: put it beside the file")
    try:
        end = int(entry.get("offset") or 0) + int(entry.get("length") or 0)
    except ValueError:
        end = -1
    if not 0 <= end <= beside.stat().st_size:
        raise CheckpointError(f"{shown} is shorter than its ONNX file says: download or export both again")


def _sampling(folder: Path, options: LoadOptions) -> tuple[int, bool]:
    """The sampling rate, and whether samples are normalised: as the registry says, else as the exported folder does."""
    described: dict[str, Any] = options.preprocessor or read_document(folder / PREPROCESSOR_NAME).content or {}
    rate = described.get("sampling_rate")
    if not is_sampling_rate(rate):
        raise CheckpointError("its sampling rate is not known; say it in the registry: sampling_rate: 16000")
    return int(rate or 0), described.get("do_normalize") is True


def _fitted(values: NDArray[Any], length: int | None, rank: int, kind: str) -> NDArray[Any]:
    """Bring an input, of shape (1, time), to the length, the number of axes and the type that a file expects."""
    row = values[0]
    if length is not None and row.size < length:
        row = np.pad(row, (0, length - row.size))
    row = row[:length].astype(_TYPES[kind])
    fitted: NDArray[Any] = row if rank == 1 else row[None]
    return fitted


def _try(session: Any, ports: Ports, recipe: FeatureRecipe, labels: Sequence[str]) -> bool:
    """Compute noise and silence; returns whether the scores are probabilities."""
    size = ports.length or recipe.sampling_rate
    noise = np.random.default_rng(0).normal(0.0, _LEVEL, size).astype(np.float32)
    answers = []
    for samples in (noise, noise[::-1].copy() * np.linspace(0, 1, size, dtype=np.float32), np.zeros(size, np.float32)):
        try:
            answers.append(compute(session, ports, recipe, samples))
        except CheckpointError:
            raise
        except Exception as error:
            if type(error).__module__.startswith("onnxruntime"):
                raise CheckpointError(f"its ONNX file cannot compute {size} samples: {_first_line(error)}") from None
            raise
        if answers[-1].size != len(labels):
            raise CheckpointError(
                f"its output has {answers[-1].size} scores, and {len(labels)} labels are named; name one per score, in "
                "their order, in the registry: labels: […]"
            )
    scores = np.stack(answers).astype(np.float64)
    sums_to_one = np.abs(scores.sum(axis=1) - 1) <= _SUMS_TO_ONE_WITHIN
    return bool((scores >= 0).all() and sums_to_one.all())


def _shortest(session: Any, ports: Ports, recipe: FeatureRecipe) -> int:
    """Find by bisection how many samples the file needs at least; a file of fixed length is filled up."""
    if ports.length is not None:
        return 1
    quiet = _QuietSession(session)

    def takes(samples: int) -> bool:
        noise = np.random.default_rng(0).normal(0.0, _LEVEL, samples).astype(np.float32)
        try:
            return bool(np.isfinite(compute(quiet, ports, recipe, noise)).all())
        except Exception as error:
            if isinstance(error, CheckpointError) or type(error).__module__.startswith("onnxruntime"):
                return False
            raise

    fails, works = 0, recipe.sampling_rate
    while works - fails > 1:
        middle = (fails + works) // 2
        fails, works = (fails, middle) if takes(middle) else (middle, works)
    return works


class _QuietSession:
    """A session that does not print errors which are expected."""

    def __init__(self, session: Any) -> None:
        import onnxruntime  # noqa: PLC0415 - it has opened the session

        self._session = session
        self._options = onnxruntime.RunOptions()
        self._options.log_severity_level = 4

    def run(self, outputs: list[str], inputs: dict[str, NDArray[Any]]) -> Any:
        return self._session.run(outputs, inputs, self._options)


def _described(port: Any) -> str:
    shape = ", ".join(str(size)[:20] for size in (port.shape or ())[:_SHOWN])
    return f"{port.name[:40]} ({port.type[:40]} [{shape}])"


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:_LONGEST]
