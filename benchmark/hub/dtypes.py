"""The types of numbers, as the two weight formats spell them, in torch's words."""

import numpy as np

FROM_SAFETENSORS = {
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "F8_E5M2": "float8_e5m2",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E8M0": "float8_e8m0fnu",
    "I16": "int16",
    "U16": "uint16",
    "F16": "float16",
    "BF16": "bfloat16",
    "I32": "int32",
    "U32": "uint32",
    "F32": "float32",
    "C64": "complex64",
    "F64": "float64",
    "I64": "int64",
    "U64": "uint64",
}

FROM_STORAGE = {
    "BFloat16Storage": "bfloat16",
    "BoolStorage": "bool",
    "ByteStorage": "uint8",
    "CharStorage": "int8",
    "ComplexDoubleStorage": "complex128",
    "ComplexFloatStorage": "complex64",
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "IntStorage": "int32",
    "LongStorage": "int64",
    "QInt32Storage": "qint32",
    "QInt8Storage": "qint8",
    "QUInt2x4Storage": "quint2x4",
    "QUInt4x2Storage": "quint4x2",
    "QUInt8Storage": "quint8",
    "ShortStorage": "int16",
}

BYTES = {
    **dict.fromkeys(("bool", "uint8", "int8", "quint8", "qint8"), 1),
    **dict.fromkeys(("float8_e5m2", "float8_e4m3fn", "float8_e5m2fnuz", "float8_e4m3fnuz", "float8_e8m0fnu"), 1),
    **dict.fromkeys(("int16", "uint16", "float16", "bfloat16"), 2),
    **dict.fromkeys(("int32", "uint32", "float32", "qint32", "complex32"), 4),
    **dict.fromkeys(("int64", "uint64", "float64", "complex64"), 8),
    "complex128": 16,
}
"""Bytes of one number; types that share a byte between several numbers are not here."""

_PLAIN = {"float16": "<f2", "float32": "<f4", "float64": "<f8"}


def decode(content: bytes, dtype: str) -> tuple[float, ...] | None:
    r"""Read little-endian numbers.

    Args:
        content: Their bytes.
        dtype: Their type, in torch's words.

    Returns:
        The numbers; None for types that no bias has.

    Examples:
        >>> decode(b"\x00\x00\x80\x3f", "float32"), decode(b"\x80\x3f", "bfloat16"), decode(b"\x01", "bool")
        ((1.0,), (1.0,), None)
    """
    if dtype == "bfloat16":
        # The upper half of a float32.
        numbers = (np.frombuffer(content, "<u2").astype("<u4") << 16).view("<f4")
    elif dtype in _PLAIN:
        numbers = np.frombuffer(content, _PLAIN[dtype])
    else:
        return None
    return tuple(float(number) for number in numbers)
