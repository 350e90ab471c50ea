"""What it means that weights of the model are not in the checkpoint, or weights of the checkpoint not in the model."""

import re
from collections.abc import Iterable, Iterator

from benchmark.models.reports import LoadReport
from benchmark.results.status import Status
from benchmark.results.verification import Finding

# Used in training only, to mask stretches of the input.
_HARMLESS = re.compile(r"(^|\.)masked_spec_embed$")
_HEAD = re.compile(r"^(projector|classifier)\.")
_FOREIGN_HEAD = re.compile(r"^classifier\.(dense|out_proj|output)\.")
_SPEECH_RECOGNITION = re.compile(r"^(lm_head|ctc_head|proj_out)\.|^(model\.)?decoder\.")
_SHOWN = 12


def judge_weights(report: LoadReport) -> Iterator[Finding]:
    """Judge what a real load says of missing and unexpected weights.

    Yields:
        At most one finding; nothing where every weight that decides the answer is the checkpoint's own.
    """
    missing = [name for name in report.missing if not _HARMLESS.search(name)]
    if not missing:
        return
    evidence = {"missing": _shown(missing), "unexpected": _shown(report.unexpected)}
    head = [name for name in missing if _HEAD.match(name)]
    unexpected = set(report.unexpected)
    if any(_FOREIGN_HEAD.match(name) for name in unexpected) and head:
        yield Finding(
            status=Status.RANDOM_HEAD,
            reason="Its head has another layout (classifier.dense, …) than transformers' own, which would be random.",
            evidence=evidence,
        )
    elif head and any(_SPEECH_RECOGNITION.match(name) for name in unexpected):
        yield Finding(
            status=Status.WRONG_TASK,
            reason="The checkpoint holds a head for speech recognition and none for classification.",
            evidence=evidence,
        )
    elif head and not any(name.startswith(("projector.", "classifier.")) for name in unexpected) and _whole_head(head):
        yield Finding(
            status=Status.NO_HEAD,
            reason="The checkpoint is an encoder without a classifier; the classifier would be random.",
            evidence=evidence,
        )
    else:
        what = "the head" if head else "the encoder"
        yield Finding(
            status=Status.RANDOM_HEAD,
            reason=f"{len(missing)} weights of {what} are not in the checkpoint and would be random, "
            f"such as {missing[0]}.",
            evidence=evidence,
        )


def _whole_head(head: Iterable[str]) -> bool:
    return {"classifier.weight", "classifier.bias"} <= set(head) or any("classifier" in name for name in head)


def _shown(names: Iterable[str]) -> list[str]:
    listed = sorted(names)
    return listed[:_SHOWN] + ([f"… and {len(listed) - _SHOWN} more"] if len(listed) > _SHOWN else [])
