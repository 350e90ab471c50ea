"""What it means that weights of the model are not in the checkpoint, or weights of the checkpoint not in the model."""

import re
from collections.abc import Iterable, Iterator, Sequence

from benchmark.models.comparison import LAYER_WEIGHTS, OF_LOSS
from benchmark.models.expected_tensors import is_harmless, is_learnt_by_encoder
from benchmark.models.reports import LoadReport
from benchmark.results.status import Status
from benchmark.results.verification import Finding
from benchmark.verification.records import listed

_HEAD = re.compile(r"^(projector|classifier)\.")
_LAYER_SUM = re.compile(r"(^|\.)layer_weights$")
_FOREIGN_HEAD = re.compile(r"^classifier\.(dense|out_proj|output)\.")
_OTHER_TASKS = {
    "speech recognition": re.compile(r"^(lm_head|ctc_head|proj_out)\.|^(model\.)?decoder\."),
    "speaker verification": re.compile(r"^(tdnn|objective)\."),
}
_PRE_TRAINING = re.compile(
    r"^(quantizer|project_q|project_hid|ctc_proj|speaker_proj|label_embeddings_concat|final_proj)\b"
)
_ENCODER = re.compile(
    r"^(wav2vec2(_bert|_conformer)?|hubert|wavlm|sew(_d)?|unispeech(_sat)?|data2vec_audio"
    r"|audio_spectrogram_transformer|encoder|model\.encoder)\."
)
UNFITTING = "Its weights and its configuration do not fit together"
SUM_LEFT_OUT = (
    "Its classifier was trained on a sum over all layers (layer_weights), which its configuration does not ask for "
    "(use_weighted_layer_sum), so that a load would feed it something else."
)
_HEADS = {"audio-spectrogram-transformer": ("classifier.layernorm", "classifier.dense")}
_USUAL_HEAD = ("projector", "classifier")


def judge_weights(report: LoadReport) -> Iterator[Finding]:
    """Judge what a real load says of missing and unexpected weights.

    Yields:
        At most one finding; nothing where every weight that decides the answer is the checkpoint's own, and none that
        decided it in training is left out.
    """
    missing = [name for name in report.missing if not is_harmless(name)]
    if missing:
        status, reason = _judge(report, missing)
        evidence = {"missing": listed(missing), "unexpected": listed(report.unexpected)}
        yield Finding(status=status, reason=reason, evidence=evidence)
    elif any(_LAYER_SUM.search(name) for name in report.unexpected):
        yield Finding(
            status=Status.LOAD_FAILED, reason=SUM_LEFT_OUT, evidence={"unexpected": listed(report.unexpected)}
        )
    elif left_out := [name for name in report.unexpected if _ENCODER.match(name) and is_learnt_by_encoder(name)]:
        yield Finding(
            status=Status.LOAD_FAILED,
            reason=left_out_reason(left_out),
            evidence={"unexpected": listed(report.unexpected)},
        )


def random_reason(missing: Sequence[str], where: str, strays: Sequence[str], *, beside: str = "") -> str:
    """Say that weights which decide the answer would be random.

    Args:
        missing: Their names.
        where: Which parts of the model they are of.
        strays: What the checkpoint has that may stand for them.
        beside: What to say of the checkpoint in place of that, if anything.
    """
    one = len(missing) == 1
    instead = f" (it has {', '.join(listed(strays, most=3))} instead)" if strays else ""
    return (
        f"{len(missing)} {'weight' if one else 'weights'} of {where}, such as {missing[0]}, "
        f"{'is' if one else 'are'} not in the checkpoint{beside or instead} and would be random."
    )


def left_out_reason(names: Sequence[str]) -> str:
    """Say that the encoder was trained with weights that the model of its configuration has no place for."""
    one = len(names) == 1
    return (
        f"{UNFITTING}: the encoder was trained with {len(names)} {'weight' if one else 'weights'}, such as "
        f"{min(names)}, that {'has' if one else 'have'} no place in the model of its configuration; a load would leave "
        f"{'it' if one else 'them'} out."
    )


def beside_foreign_head(report: LoadReport, *, sums_layers: bool) -> tuple[str, ...]:
    """Name what the checkpoint holds beside the copied head and may decide its answers, such as an attention.

    Args:
        report: A load with transformers' own head, or with the rebuilt one.
        sums_layers: Whether the configuration asks for a sum over layers.
    """
    known = (_FOREIGN_HEAD, _ENCODER, _PRE_TRAINING, OF_LOSS, *_OTHER_TASKS.values())
    strays = [name for name in report.unexpected if not any(pattern.match(name) for pattern in known)]
    summed = sums_layers and not any(_LAYER_SUM.search(name) for name in report.missing)
    return (*strays, *((LAYER_WEIGHTS,) if summed else ()))


def has_foreign_head(report: LoadReport) -> bool:
    """Whether transformers' own head is missing and weights of the copied one are there in its place."""
    head = any(_HEAD.match(name) for name in report.missing)
    return head and any(_FOREIGN_HEAD.match(name) for name in report.unexpected)


def _judge(report: LoadReport, missing: Sequence[str]) -> tuple[Status, str]:
    head = [name for name in missing if _HEAD.match(name)]
    foreign = sorted({match[0] for name in report.unexpected if (match := _FOREIGN_HEAD.match(name))})
    if head and foreign:
        layout = ", ".join(name.removesuffix(".") for name in foreign)
        return (
            Status.RANDOM_HEAD,
            f"Its head has another layout ({layout}) than transformers' own, which is random then{_besides(report)}.",
        )
    if _is_whole(head, report.model_type):
        for task, marks in _OTHER_TASKS.items():
            if any(marks.match(name) for name in report.unexpected):
                return Status.WRONG_TASK, f"Its weights hold a head for {task} and none for classification."
        if len(head) == len([name for name in missing if not _LAYER_SUM.search(name)]) and _is_bare(report.unexpected):
            return Status.NO_HEAD, "Its weights are an encoder without a classifier, which is random then."
    parts = [("the head", head), ("the sum over its layers", [name for name in missing if _LAYER_SUM.search(name)])]
    parts.append(("the encoder", [name for name in missing if not any(name in names for _, names in parts)]))
    where = " and ".join(part for part, names in parts if names)
    strays = beside_foreign_head(report, sums_layers=False)
    return Status.RANDOM_HEAD, random_reason(missing, where, strays)


def _besides(report: LoadReport) -> str:
    strays = beside_foreign_head(report, sums_layers=False)
    return f"; beside it there is {', '.join(listed(strays, most=3))}" if strays else ""


def _is_whole(head: Sequence[str], model_type: str) -> bool:
    """Whether not one weight of the model's head is in the checkpoint."""
    layers = _HEADS.get(model_type, _USUAL_HEAD)
    return {f"{layer}.{part}" for layer in layers for part in ("weight", "bias")} <= set(head)


def _is_bare(unexpected: Iterable[str]) -> bool:
    return all(_PRE_TRAINING.match(name) or _ENCODER.match(name) for name in unexpected)
