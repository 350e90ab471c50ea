"""Loading a checkpoint as transformers' audio classifier, with a report of what the load found."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from transformers import AutoConfig, AutoModelForAudioClassification

from benchmark.hub.json_documents import describe
from benchmark.hub.ranged import RepositoryFiles
from benchmark.hub.repository_facts import SPEECHBRAIN_WEIGHTS, RepoFacts, RepoFile
from benchmark.hub.weights import weight_files, weight_parts
from benchmark.models.backends.protocol import DTYPES
from benchmark.models.extractors import LONGEST_WINDOW_S, load_extractor, window_seconds
from benchmark.models.inference import Checkpoint
from benchmark.models.load_reports import (
    STANDARD_HEAD,
    CheckpointError,
    LoadOptions,
    LoadReport,
    MismatchedWeightsError,
    ShapeMismatch,
    describe_mismatches,
)
from benchmark.models.model_types import (
    AUDIO_CLASSIFICATION_TYPES,
    BENCH_NATIVE,
    label_problems,
    output_labels,
)
from benchmark.models.native_layouts import (
    SPEECHBRAIN,
    NativeLayout,
    describe_native,
    native_layout,
    native_parameters,
    native_preprocessor,
)
from benchmark.models.native_network import NativeClassifier
from benchmark.models.registration import register_models
from benchmark.models.repair import RepairedModel, repaired_class, require_whole_head

_ATTENTIONS = frozenset({None, "eager", "sdpa"})


def load_checkpoint(folder: Path, options: LoadOptions | None = None) -> Checkpoint:
    """Load a checkpoint as transformers' own audio classifier; nothing from the folder is executed.

    Raises:
        CheckpointError: Its weights don't fit, its head can't be rebuilt, or its feature extractor can't be used.
        ValueError: The dtype is unknown.
        Exception: Whatever transformers raises for a checkpoint that it can't load.
    """
    begin = time.perf_counter()
    register_models()
    options = options or LoadOptions()
    # The reference on a GPU is float32 all through, not the 10-bit mantissa that it would multiply with.
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    if options.dtype not in DTYPES:
        raise ValueError(f"unknown dtype {options.dtype!r}: choose one of {', '.join(DTYPES)}")
    if options.seed is not None:
        torch.manual_seed(options.seed)
    native, repaired, preprocessor = native_layout(options.head), None, options.preprocessor
    if native is not None:
        config = read_native_config(folder, native)
        preprocessor = {**native_preprocessor(config.to_dict()), **(preprocessor or {})}
    else:
        config = _read_config(folder)
        for name, value in (options.config or {}).items():
            setattr(config, name, value)
        repaired = None if options.head is None else repaired_class(config, options.head)
    model, loading_info = _load_model(folder, config, repaired, options)
    model = model.eval().to(options.device)
    extractor, problem = None, None
    try:
        extractor = load_extractor(folder, model_type=config.model_type, override=preprocessor)
    except CheckpointError as error:
        if options.preprocessor_required:
            raise
        problem = str(error)
    report = _report(model, loading_info, repaired, extractor)
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


def read_native_config(folder: Path, layout: NativeLayout) -> Any:
    """Derive the configuration of a native model from the files in a folder.

    Raises:
        NativeLayoutError: Something decisive is not known, or is of a kind that is not rebuilt.
    """
    files = tuple(RepoFile(path.name, path.stat().st_size) for path in sorted(folder.iterdir()) if path.is_file())
    facts = describe(RepoFacts(id=str(folder), revision="", files=files), folder)
    weights = weight_files(files, facts.config)
    parts = () if weights is None else weight_parts(weights, RepositoryFiles(folder))
    shapes = tensor_shapes(folder / part.name for part in parts)
    described = describe_native(layout, facts, shapes)
    config = AutoConfig.for_model(**described)
    config.return_dict = True
    return config


def native_tensors(folder: Path, config: Any) -> dict[str, torch.Tensor] | None:
    """Read the tensors of a native model whose files transformers does not find; None where it does."""
    if config.model_type != BENCH_NATIVE or config.layout != SPEECHBRAIN:
        return None
    tensors: dict[str, torch.Tensor] = {}
    for name in SPEECHBRAIN_WEIGHTS:
        tensors |= torch.load(folder / name, map_location="cpu", weights_only=True)
    return tensors


def _load_model(
    folder: Path, config: Any, repaired: type[RepairedModel] | None, options: LoadOptions
) -> tuple[Any, dict[str, Any]]:
    """Let transformers load a model; gives it with transformers' account of the weights."""
    is_native = config.model_type == BENCH_NATIVE
    model_class: Any = repaired or (NativeClassifier if is_native else AutoModelForAudioClassification)
    tensors = native_tensors(folder, config)
    model, loading_info = model_class.from_pretrained(
        None if tensors is not None else folder,
        state_dict=tensors,
        config=config,
        trust_remote_code=False,
        local_files_only=True,
        dtype=options.dtype,
        output_loading_info=True,
        ignore_mismatched_sizes=True,  # else it raises without naming them
        key_mapping=None if repaired is None else repaired.head_layout.key_mapping,
    )
    shapes = {name: (tuple(there), tuple(own)) for name, there, own in sorted(loading_info["mismatched_keys"])}
    if options.config is not None:
        loading_info["missing_keys"] = set(loading_info["missing_keys"]) | set(shapes)
    elif shapes:
        # Names layers of one kind together. It is not documented, and no other load may depend on it.
        from transformers.utils.loading_report import update_key_name  # noqa: PLC0415

        shown = describe_mismatches([ShapeMismatch(name, *pair) for name, pair in update_key_name(shapes).items()])
        raise MismatchedWeightsError(f"weights and configuration do not fit together: {shown}")
    if repaired is not None:
        require_whole_head(repaired.head_layout, loading_info["missing_keys"])
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


def _report(
    model: Any, loading_info: Mapping[str, Any], repaired: type[RepairedModel] | None, extractor: Any
) -> LoadReport:
    config = model.config
    facts = AUDIO_CLASSIFICATION_TYPES.get(config.model_type)
    on_gpu = model.device.type == "cuda"
    head, parameters = STANDARD_HEAD, {}
    if repaired is not None:
        head, parameters = repaired.head_layout.name, asdict(repaired.head_parameters)
    elif config.model_type == BENCH_NATIVE:
        head, parameters = config.layout, native_parameters(config.to_dict())
    return LoadReport(
        architecture=type(model).__name__,
        model_type=config.model_type,
        head=head,
        head_parameters=parameters,
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
        errors=tuple(str(error) for error in loading_info["error_msgs"]),
        seconds=0.0,
    )
