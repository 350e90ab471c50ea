"""OpenVINO as a library: imported only here, and never with its telemetry."""

import sys
from typing import Any

import numpy as np

from benchmark.models.backends.protocol import BackendError

_TELEMETRY = "openvino_telemetry"


def openvino() -> Any:
    """Import OpenVINO without the package through which it reports its use, and ready for several threads.

    Its `import` already sends an event and writes into the user's home; without that package it takes an empty
    stand-in of its own. A package imported before stays as it is.

    Its binding fills its table of number formats when one is first asked for. Two threads that did so at once waited
    for each other for ever (2026.4.1): one held the table and wanted the interpreter, the other the reverse. So it is
    asked here, before there are several.

    Raises:
        BackendError: It is not installed.
    """
    if _TELEMETRY not in sys.modules:
        sys.modules[_TELEMETRY] = None  # type: ignore[assignment] # how Python is told that there is no such module
    try:
        import openvino as library  # noqa: PLC0415 - only workers that compute with it import it
    except ImportError as error:
        raise BackendError(f"OpenVINO cannot be imported: {error}") from error
    library.Type(np.float32).to_dtype()
    return library


def computes_in(dtype: str) -> bool:
    """Whether this processor really computes in a number format, rather than in float32 under its name.

    Args:
        dtype: `float32`, `bfloat16` or `float16`.
    """
    if dtype == "float32":
        return True
    names = {"bfloat16": "BF16", "float16": "FP16"}
    capabilities = openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return names[dtype] in capabilities
