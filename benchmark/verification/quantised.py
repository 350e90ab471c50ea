"""Weights that were rounded: what is stored means something only together with what it was rounded by."""

from collections.abc import Iterable, Iterator, Mapping

from benchmark.models.expected_tensors import is_harmless
from benchmark.results.status import Status
from benchmark.results.verification import Finding
from benchmark.verification.records import listed

_WHOLE = frozenset({"uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64", "bool"})
_QUANTISED = frozenset({"qint8", "quint8", "qint32", "quint4x2", "quint2x4"})
_SMALL = "float8"
_SCALES = ("scale", "scale_inv", "scales", "SCB", "absmax")


def judge_types(types: Mapping[str, str], unexpected: Iterable[str]) -> Iterator[Finding]:
    """Judge the number types of the weights that a load would take.

    Args:
        types: Weight of the model → its type in the checkpoint, in torch's words.
        unexpected: What the checkpoint holds besides.

    Yields:
        At most one finding, `load-failed`.

    Examples:
        >>> [finding.evidence["types"] for finding in judge_types({"classifier.weight": "int8"}, ())]
        ['int8']
        >>> list(judge_types({"classifier.weight": "float8_e4m3fn"}, ()))
        []
        >>> len(list(judge_types({"classifier.weight": "float8_e4m3fn"}, ("classifier.weight_scale",))))
        1
    """
    rounded = {name: dtype for name, dtype in types.items() if dtype in _WHOLE | _QUANTISED and not is_harmless(name)}
    what = "quantised to whole numbers"
    if not rounded and any(name.endswith(_SCALES) for name in unexpected):
        rounded = {name: dtype for name, dtype in types.items() if dtype.startswith(_SMALL)}
        what = "quantised, with scales of their own"
    if rounded:
        kinds = ", ".join(sorted(set(rounded.values())))
        yield Finding(
            status=Status.LOAD_FAILED,
            reason=f"{len(rounded)} of its weights, such as {min(rounded)}, {'is' if len(rounded) == 1 else 'are'} "
            f"{what} ({kinds}), which transformers would take for the weights themselves; use the repository that it "
            "was made from, with floating-point weights.",
            evidence={"quantised": listed(rounded), "types": kinds},
        )
