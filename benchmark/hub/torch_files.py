"""A checkpoint as `torch.save` writes it since version 1.6: an archive with a pickle and a member per storage.

`zipfile` reads the directory; the pickle goes through a machine that can call nothing.
"""

import math
import struct
import zipfile
import zlib
from collections.abc import Sequence
from typing import Any

from benchmark.hub.documents import foreign_kind, is_safetensors
from benchmark.hub.facts import storable
from benchmark.hub.pickle_calls import Rebuilt, Storage
from benchmark.hub.pickle_globals import forbidden_globals
from benchmark.hub.pickle_machine import read_pickle
from benchmark.hub.ranged import RangedFile
from benchmark.hub.tensor_listing import BYTES, TensorInfo, damaged, unlisted, unsafe

_FIRST_READ_BYTES = 65_536
_LAST_READ_BYTES = 49_152
_LARGEST_PICKLE_BYTES = 4_000_000
_LOCAL_HEADER_BYTES = 30
_LOCAL_HEADER = b"PK\x03\x04"
_OLD_FORMAT = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_PICKLE, _PICKLE_OF_OLD_FORMAT = b"\x80", b"\x80\x02"
_OLD_FORMAT_PICKLES = 5  # three that describe the file, the table, and the names of its storages

_ZIP_ERRORS = (
    *(zipfile.BadZipFile, ValueError, RuntimeError, KeyError, IndexError),
    *(EOFError, OverflowError, struct.error),
)


class TorchZip:
    """A `.bin` file whose directory and pickle were read.

    Args:
        file: The file.
        name: What messages call it.

    Raises:
        ListingProblem: It cannot be loaded, needs code to be executed, or only a load can list it.
        TooMuchToReadError: Directory and pickle are larger than what may be read.
    """

    def __init__(self, file: RangedFile, name: str) -> None:
        self._file = file
        self._name = name
        _check_format(file, name)
        members = _directory(file, name)
        self._root = members[0].filename.partition("/")[0] + "/" if members else ""
        self._members = {member.filename: member for member in members}
        if self._root + "constants.pkl" in self._members:
            raise unsafe(f"{name} is a TorchScript program: reading it means to execute it")
        if len(self._members) != len(members):
            raise unlisted(f"the archive {name} names a member twice")
        self._tensors = _named_tensors(read_pickle(self._extract("data.pkl"), name), name)
        for tensor in self._tensors.values():
            self._check_storage(tensor.storage)

    @property
    def tensors(self) -> tuple[TensorInfo, ...]:
        """What it holds, in the pickle's order."""
        return tuple(TensorInfo(name, tensor.shape, tensor.dtype) for name, tensor in self._tensors.items())

    def read(self, name: str) -> bytes | None:
        """Read the numbers of a tensor, little-endian; None where they do not lie there as they are."""
        tensor = self._tensors[name]
        member = self._members.get(f"{self._root}data/{tensor.storage.key}") if tensor.storage else None
        unit = BYTES.get(tensor.dtype)
        if member is None or unit is None or not _is_dense(tensor) or not self._is_little_endian():
            return None
        start = _content_start(self._file, member) + tensor.offset * unit
        return self._file.read_at(start, start + math.prod(tensor.shape) * unit)

    def _extract(self, name: str) -> bytes:
        member = self._members.get(self._root + name)
        if member is None:
            raise damaged(f"{self._name} is an archive without the member {name}, which torch.save writes")
        return _extracted(self._file, member, self._name)

    def _is_little_endian(self) -> bool:
        return self._root + "byteorder" not in self._members or self._extract("byteorder") == b"little"

    def _check_storage(self, storage: Storage | None) -> None:
        if storage is None:
            return
        member = self._members.get(f"{self._root}data/{storage.key}")
        if member is None:
            raise damaged(f"{self._name} is damaged: the numbers of some tensors are missing")
        if member.compress_type != zipfile.ZIP_STORED:
            # transformers maps the file into memory, so that packed bytes come out as numbers without an error.
            raise damaged(f"{self._name} was packed again, and a load would take its packed bytes for numbers")
        if member.file_size < storage.elements * BYTES.get(storage.dtype or "", 1):
            raise damaged(f"{self._name} is damaged: some tensors have fewer numbers than their shapes say")


def _check_format(file: RangedFile, name: str) -> None:
    first = file.read_at(0, _FIRST_READ_BYTES)
    if first.startswith(_LOCAL_HEADER):
        file.read_at(file.size - _LAST_READ_BYTES, file.size)
        return
    if not first:
        raise damaged(f"{name} is empty")
    kind = "is a safetensors file under another name" if is_safetensors(first) else foreign_kind(first)
    if kind is not None:
        raise damaged(f"{name} {kind}")
    is_old = first.startswith(_OLD_FORMAT)
    names = forbidden_globals(first, _OLD_FORMAT_PICKLES if is_old else 1)
    if names:
        raise unsafe(f"reading {name} would execute code from it: it needs {', '.join(names[:3])}", names)
    if not is_old and (not first.startswith(_PICKLE) or first.startswith(_PICKLE_OF_OLD_FORMAT)):
        raise damaged(f"{name} is no file that torch.save writes")
    kind = "is in the format that torch.save wrote before version 1.6" if is_old else "is no archive"
    raise unlisted(f"{name} {kind}")


def _directory(file: RangedFile, name: str) -> Sequence[zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(file) as archive:
            return archive.infolist()
    except _ZIP_ERRORS as error:
        raise damaged(f"{name} is damaged or cut off: it is no archive as torch.save writes them") from error


def _content_start(file: RangedFile, member: zipfile.ZipInfo) -> int:
    """Find the content of a member, which lies behind a header whose length only that header tells."""
    header = file.read_at(member.header_offset, member.header_offset + _LOCAL_HEADER_BYTES)
    if not header.startswith(_LOCAL_HEADER) or len(header) < _LOCAL_HEADER_BYTES:
        raise damaged("its archive is damaged: a member is not where the directory says")
    name_bytes, extra_bytes = int.from_bytes(header[26:28], "little"), int.from_bytes(header[28:30], "little")
    return member.header_offset + _LOCAL_HEADER_BYTES + name_bytes + extra_bytes


def _extracted(file: RangedFile, member: zipfile.ZipInfo, name: str) -> bytes:
    """Read a member whole, up to a limit; without its checksum, which torch.save can be told to leave out."""
    if max(member.file_size, member.compress_size) > _LARGEST_PICKLE_BYTES:
        raise unlisted(f"the description of the tensors in {name} is larger than any honest one")
    if member.flag_bits & 1:
        raise damaged(f"{name} is encrypted")
    start = _content_start(file, member)
    content = file.read_at(start, start + member.compress_size)
    if member.compress_type == zipfile.ZIP_DEFLATED:
        try:
            content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(content, member.file_size + 1)
        except zlib.error as error:
            raise damaged(f"{name} is damaged: its description of the tensors cannot be unpacked") from error
    elif member.compress_type != zipfile.ZIP_STORED:
        raise damaged(f"{name} is packed in a way that torch does not read")
    if len(content) != member.file_size:
        raise damaged(f"{name} is damaged: its description of the tensors has another length than it says")
    return content


def _named_tensors(content: Any, name: str) -> dict[str, Rebuilt]:
    if not isinstance(content, dict):
        raise damaged(f"{name} holds no table of tensors")
    return {
        storable(key): value for key, value in content.items() if isinstance(key, str) and isinstance(value, Rebuilt)
    }


def _is_dense(tensor: Rebuilt) -> bool:
    expected = 1
    for size, step in zip(reversed(tensor.shape), reversed(tensor.stride), strict=True):
        if size != 1 and step != expected:
            return False
        expected *= size
    return True
