"""Loading a checkpoint as transformers' audio classifier, with a report of what the load found."""

import logging
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from transformers import AutoConfig, AutoModelForAudioClassification

from benchmark.models.extractors import LONGEST_WINDOW_S, load_extractor, window_seconds
from benchmark.models.inference import Checkpoint
from benchmark.models.repair import Repair, plan_repair, require_whole_head
from benchmark.models.reports import (
    STANDARD_HEAD,
    CheckpointError,
    LoadReport,
    MismatchedWeightsError,
    ShapeMismatch,
)
from benchmark.models.supported import AUDIO_CLASSIFICATION_TYPES, label_problems, output_labels

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_ATTENTIONS = frozenset({None, "eager", "sdpa"})
_LOADER_LOG = "transformers.modeling_utils"
_MISMATCH = re.compile(
    r"^(\S.*?)\s*\|.*ckpt: torch\.Size\(\[(.*?)\]\) vs model:\s*torch\.Size\(\[(.*?)\]\)", re.MULTILINE
)
_SHOWN_MISMATCHES = 3


def load_checkpoint(
    folder: Path,
    *,
    preprocessor: Mapping[str, Any] | None = None,
    preprocessor_required: bool = True,
    device: str = "cpu",
    dtype: str = "float32",
    seed: int | None = None,
    head: Mapping[str, Any] | None = None,
) -> Checkpoint:
    """Load a checkpoint as transformers' own audio classifier; nothing from the folder is executed.

    Args:
        folder: Holds `config.json`, the weights and `preprocessor_config.json`.
        preprocessor: As in `LoadOptions`, like all that follow.
        preprocessor_required: Whether a missing or broken feature extractor fails the load.
        device: `cpu` or `cuda`.
        dtype: `float32`, `bfloat16` or `float16`.
        seed: Of whatever the checkpoint does not hold.
        head: The layout of a head that is to be rebuilt.

    Returns:
        The model, ready to compute.

    Raises:
        MissingPreprocessorError: There is no feature extractor; the message names the fix.
        MismatchedWeightsError: Weights and configuration do not fit together.
        UnusableHeadError: The head can't be rebuilt as it was asked for.
        UnusablePreprocessorError: The feature extractor's file can't be read, or is not one for audio.
        ValueError: The dtype is unknown.
        Exception: Whatever transformers raises for a checkpoint that it can't load.
    """
    begin = time.perf_counter()
    # The reference on a GPU is float32 all through, not the 10-bit mantissa that it would multiply with.
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    if dtype not in _DTYPES:
        raise ValueError(f"unknown dtype {dtype!r}: choose one of {', '.join(_DTYPES)}")
    if seed is not None:
        torch.manual_seed(seed)
    config = _read_config(folder)
    repair = None if head is None else plan_repair(config, head)
    model, loading_info = _load_model(folder, config, repair, _DTYPES[dtype])
    model = model.eval().to(device)
    extractor, problem = None, None
    try:
        extractor = load_extractor(folder, model_type=config.model_type, override=preprocessor)
    except CheckpointError as error:
        if preprocessor_required:
            raise
        problem = str(error)
    report = _report(model, loading_info, repair, extractor)
    report = replace(report, preprocessor_problem=problem, seconds=time.perf_counter() - begin)
    return Checkpoint(model, extractor, report)


def tensor_shapes(files: Iterable[Path]) -> dict[str, tuple[int, ...]]:
    """Read name and shape of every tensor in weight files; files of torch's old format are read whole."""
    shapes: dict[str, tuple[int, ...]] = {}
    for file in files:
        if file.suffix == ".safetensors":
            with safe_open(file, "pt") as weights:
                shapes |= {name: tuple(weights.get_slice(name).get_shape()) for name in weights.keys()}  # noqa: SIM118 - no dict
        else:
            content = torch.load(file, map_location="meta", weights_only=True)
            shapes |= {name: tuple(value.shape) for name, value in content.items() if isinstance(value, torch.Tensor)}
    return shapes


def _load_model(folder: Path, config: Any, repair: Repair | None, dtype: torch.dtype) -> tuple[Any, dict[str, Any]]:
    """Let transformers load a model; gives it with transformers' account of the weights."""
    model_class: Any = AutoModelForAudioClassification if repair is None else repair.model_class
    changes = {"config": config} if repair is None else {"config": repair.config, "key_mapping": repair.key_mapping}
    with _logged_mismatches() as mismatches:
        try:
            model, loading_info = model_class.from_pretrained(
                folder,
                trust_remote_code=False,
                local_files_only=True,
                dtype=dtype,
                output_loading_info=True,
                **changes,
            )
        except RuntimeError:
            if not mismatches:
                raise
            shown = "; ".join(str(mismatch) for mismatch in mismatches[:_SHOWN_MISMATCHES])
            more = len(mismatches) - _SHOWN_MISMATCHES
            also = f"; and {more} more" if more > 0 else ""
            raise MismatchedWeightsError(f"weights and configuration do not fit together: {shown}{also}") from None
    if repair is not None:
        require_whole_head(repair, loading_info["missing_keys"])
    return model, loading_info


def _read_config(folder: Path) -> Any:
    """Read the configuration, without what it says of the machine that it was trained on.

    An attention that only some machines have would fail the load here, and outputs as tuples every call; neither says
    anything about the model.
    """
    config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    if config._attn_implementation not in _ATTENTIONS:
        config._attn_implementation = None
    config._experts_implementation = None
    config.return_dict = True
    return config


def _report(model: Any, loading_info: Mapping[str, Any], repair: Repair | None, extractor: Any) -> LoadReport:
    config = model.config
    facts = AUDIO_CLASSIFICATION_TYPES.get(config.model_type)
    on_gpu = model.device.type == "cuda"
    return LoadReport(
        architecture=type(model).__name__,
        model_type=config.model_type,
        head=STANDARD_HEAD if repair is None else repair.layout,
        head_parameters={} if repair is None else repair.parameters.as_plain(),
        labels=output_labels(config.id2label, config.num_labels),
        label_problems=label_problems(config.id2label, config.num_labels, config.label2id),
        multi_label=config.problem_type == "multi_label_classification",
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        dtype=str(model.dtype).removeprefix("torch."),
        device=model.device.type,
        gpu=torch.cuda.get_device_name(model.device) if on_gpu else None,
        attention=getattr(config, "_attn_implementation", None),
        sampling_rate=None if extractor is None else int(extractor.sampling_rate),
        window_s=LONGEST_WINDOW_S if extractor is None else window_seconds(extractor, model_type=config.model_type),
        fixed_window=facts is not None and facts.fixed_window,
        missing=tuple(sorted(loading_info["missing_keys"])),
        unexpected=tuple(sorted(loading_info["unexpected_keys"])),
        mismatched=tuple(
            ShapeMismatch(name, tuple(checkpoint), tuple(own))
            for name, checkpoint, own in sorted(loading_info["mismatched_keys"])
        ),
        errors=tuple(str(error) for error in loading_info["error_msgs"]),
        seconds=0.0,
    )


@contextmanager
def _logged_mismatches() -> Iterator[list[ShapeMismatch]]:
    """Collect the shapes that did not fit: transformers logs them, and raises without naming them."""
    mismatches: list[ShapeMismatch] = []

    def collect(record: logging.LogRecord) -> bool:
        for name, checkpoint, own in _MISMATCH.findall(record.getMessage()):
            mismatches.append(ShapeMismatch(name, _sizes(checkpoint), _sizes(own)))
        return True

    logger = logging.getLogger(_LOADER_LOG)
    logger.addFilter(collect)
    try:
        yield mismatches
    finally:
        logger.removeFilter(collect)


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(int(size) for size in text.split(",") if size.strip())
