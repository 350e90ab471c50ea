"""Which names a pickle of weights may mention, and which it mentions besides.

The names are those that `torch.load(weights_only=True)` knows, as of torch 2.13; a test holds the two together. None
of them is ever imported or called here.
"""

import io
import pickletools
from collections import deque
from collections.abc import Iterator

from benchmark.hub.facts import storable
from benchmark.hub.tensor_listing import FROM_STORAGE

_REBUILDERS = (
    "device_tensor_from_cpu_tensor",
    "device_tensor_from_numpy",
    "meta_tensor_no_storage",
    "nested_tensor",
    "parameter",
    "parameter_with_state",
    "qtensor",
    "sparse_tensor",
    "tensor",
    "tensor_v2",
    "tensor_v3",
    "wrapper_subclass",
)
_NUMBER_TYPES = (
    *("bfloat16", "bits16", "bits1x8", "bits2x4", "bits4x2", "bits8", "bool", "complex128", "complex32", "complex64"),
    *("float16", "float32", "float4_e2m1fn_x2", "float64"),
    *("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu"),
    *("qint32", "qint8", "quint2x4", "quint4x2", "quint8"),
    *(f"{kind}{bits}" for kind in ("int", "uint") for bits in (*range(1, 9), 16, 32, 64)),
)
_QUANTISATIONS = (
    *("per_channel_affine", "per_channel_affine_float_qparams", "per_channel_symmetric"),
    *("per_tensor_affine", "per_tensor_symmetric"),
)
_TENSOR_CLASSES = ("BFloat16", "Byte", "Char", "Double", "Float", "Half", "Int", "Long", "Short")

ALLOWED = frozenset(
    {
        "_codecs.encode",
        *(f"builtins.{name}" for name in ("bytearray", "complex", "set")),
        *(f"collections.{name}" for name in ("Counter", "OrderedDict")),
        "torch.nn.parameter.Parameter",
        "torch.serialization._get_layout",
        *(f"torch.{name}" for name in ("Size", "Tensor", "device", "BoolTensor", "cuda.BoolTensor")),
        *(f"torch.storage.{name}" for name in ("TypedStorage", "UntypedStorage")),
        "torch._tensor._rebuild_from_type_v2",
        *(f"torch._utils._rebuild_{name}" for name in _REBUILDERS),
        *(f"torch.{name}" for name in (*_NUMBER_TYPES, *_QUANTISATIONS, *FROM_STORAGE)),
        *(f"torch.cuda.{name}" for name in FROM_STORAGE if not name.startswith("Q")),
        *(
            f"torch.{place}{name}Tensor"
            for place in ("", "cuda.", "sparse.", "cuda.sparse.")
            for name in _TENSOR_CLASSES
        ),
    }
)

_MOST_NAMES = 20
_LONGEST_NAME = 120
_TEXTS = {"SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE", "STRING", "BINSTRING", "SHORT_BINSTRING"}
_STORES = {"PUT", "BINPUT", "LONG_BINPUT"}
_LOADS = {"GET", "BINGET", "LONG_BINGET"}


def global_name(argument: str) -> str:
    """Spell what a `GLOBAL` instruction names, in today's words.

    Examples:
        >>> global_name("__builtin__ set"), global_name("posix system")
        ('builtins.set', 'posix.system')
    """
    module, _, name = argument.partition(" ")
    # Pickles of protocol 2, which torch writes, use the name that Python 2 had for it.
    return f"{'builtins' if module == '__builtin__' else module}.{name}"


def forbidden_globals(content: bytes, pickles: int = 1) -> tuple[str, ...]:
    r"""List what a pickle would import beyond what weights need, without executing any of it.

    Args:
        content: The pickle, or its beginning.
        pickles: How many there are, one behind the other.

    Returns:
        The names, as far as the content can be read.

    Examples:
        >>> forbidden_globals(b"cposix\nsystem\n(S'echo'\ntR.")
        ('posix.system',)
        >>> forbidden_globals(b"\x80\x04\x8c\x05posix\x94\x8c\x06system\x94\x93.")
        ('posix.system',)
        >>> forbidden_globals(b"\x80\x02ccollections\nOrderedDict\n)R.")
        ()
    """
    found: dict[str, None] = {}
    try:
        stream = io.BytesIO(content)
        for _ in range(pickles):
            for name in _globals(stream):
                if name not in ALLOWED and len(found) < _MOST_NAMES:
                    found[storable(name[:_LONGEST_NAME])] = None
    except (ValueError, KeyError, IndexError, OverflowError):
        pass  # It ends in the middle of an instruction, or what follows is no pickle.
    return tuple(found)


def _globals(stream: io.BytesIO) -> Iterator[str]:
    recent: deque[str] = deque(["?", "?"], maxlen=2)
    memo: dict[int, str] = {}
    for instruction, argument, _ in pickletools.genops(stream):
        if instruction.name in {"GLOBAL", "INST"}:
            yield global_name(str(argument))
        elif instruction.name == "STACK_GLOBAL":
            yield global_name(" ".join(recent))
        elif instruction.name in _TEXTS:
            recent.append(str(argument))
        elif instruction.name == "MEMOIZE":
            memo[len(memo)] = recent[-1]
        elif instruction.name in _STORES and argument is not None:
            memo[argument] = recent[-1]
        elif instruction.name in _LOADS and argument in memo:
            recent.append(memo[argument])
