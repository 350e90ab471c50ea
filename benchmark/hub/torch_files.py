"""Weight files as `torch.save` writes them: a zip archive with a pickle and one member per storage.

The archive is checked here from ranged reads; its pickle is read by torch in a worker (`torch_pickles`).
"""

import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from benchmark.hub.json_documents import foreign_kind, is_safetensors
from benchmark.hub.ranged import RangedFile
from benchmark.hub.tensor_listing import ITEM_BYTES, ListingProblem, TensorInfo, damaged, unlisted, unsafe
from benchmark.results.status import Status

_FIRST_READ_BYTES = 65_536
_LAST_READ_BYTES = 49_152
_LARGEST_PICKLE_BYTES = 4_000_000
_LOCAL_HEADER, _LOCAL_HEADER_BYTES = b"PK\x03\x04", 30
_LEGACY_MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_LEGACY_PICKLES = 5  # three that describe the file, the state dict, and the names of its storages
_ZIP_ERRORS = (zipfile.BadZipFile, ValueError, RuntimeError, LookupError, EOFError, OverflowError, struct.error)


@dataclass(frozen=True)
class PickledTensor(TensorInfo):
    """A tensor in the pickle of a checkpoint.

    Attributes:
        storage: Name of the archive's member that holds its numbers; None where it has none.
        offset: Its first element in the storage.
        contiguous: Whether its elements follow each other in the storage.
    """

    storage: str | None
    storage_bytes: int
    offset: int
    contiguous: bool


class PickleReader(Protocol):
    """Calls `torch_pickles.read_pickle` in a worker."""

    def __call__(self, content: bytes, name: str, *, pickles: int, load: bool) -> dict[str, Any] | None:
        """Returns its answer; None where the worker failed, such as for want of time or memory."""


class TorchFile:
    """A `.bin` file whose directory and pickle were read.

    Raises:
        ListingProblem: It cannot be loaded, needs code to be executed, or only a load can list it.
        TooMuchToReadError: Directory and pickle are larger than the budget.
    """

    def __init__(self, file: RangedFile, name: str, read_pickle: PickleReader) -> None:
        self._file = file
        self._name = name
        first = file.read_at(0, _FIRST_READ_BYTES)
        if not first.startswith(_LOCAL_HEADER):
            _reject_other_format(first, name, read_pickle)
        file.read_at(file.size - _LAST_READ_BYTES, file.size)
        members = _directory(file, name)
        self._root = members[0].filename.partition("/")[0] + "/" if members else ""
        self._members = {member.filename: member for member in members}
        if self._root + "constants.pkl" in self._members:
            raise unsafe(f"{name} is a TorchScript program: reading it means to execute it")
        if len(self._members) != len(members):
            raise unlisted(f"the archive {name} names a member twice")
        answer = read_pickle(self._extract("data.pkl"), name, pickles=1, load=True)
        if answer is None:
            raise unlisted(f"the pickle of {name} could not be read within the limits of an inspection")
        self.tensors = _tensors_of(answer)
        self._by_name = {tensor.name: tensor for tensor in self.tensors}
        for tensor in self.tensors:
            if tensor.storage is not None:
                self._check_storage(tensor.storage, tensor.storage_bytes)

    def read(self, name: str) -> bytes | None:
        """Read the numbers of a tensor, little-endian; None where they are not stored contiguously in this order."""
        tensor = self._by_name[name]
        member = self._members.get(f"{self._root}data/{tensor.storage}")
        item_bytes = ITEM_BYTES.get(tensor.dtype)
        if member is None or item_bytes is None or not tensor.contiguous:
            return None
        if self._root + "byteorder" in self._members and self._extract("byteorder") != b"little":
            return None
        start = _content_start(self._file, member) + tensor.offset * item_bytes
        return self._file.read_at(start, start + tensor.elements * item_bytes)

    def _check_storage(self, key: str, size: int) -> None:
        member = self._members.get(f"{self._root}data/{key}")
        if member is None:
            raise damaged(f"{self._name} is damaged: the numbers of some tensors are missing")
        if member.compress_type != zipfile.ZIP_STORED:
            # transformers maps the file into memory, so that compressed bytes come out as numbers without an error.
            raise damaged(f"{self._name} was packed again, and a load would take its packed bytes for numbers")
        if member.file_size < size:
            raise damaged(f"{self._name} is damaged: some tensors have fewer numbers than their shapes say")

    def _extract(self, member_name: str) -> bytes:
        """Read a member whole, up to a limit; without its checksum, which torch.save can be told to leave out."""
        name, member = self._name, self._members.get(self._root + member_name)
        if member is None:
            raise damaged(f"{name} is an archive without the member {member_name}, which torch.save writes")
        if max(member.file_size, member.compress_size) > _LARGEST_PICKLE_BYTES:
            raise unlisted(f"the description of the tensors in {name} is larger than any honest one")
        if member.flag_bits & 1:
            raise damaged(f"{name} is encrypted")
        start = _content_start(self._file, member)
        content = self._file.read_at(start, start + member.compress_size)
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


def _reject_other_format(first: bytes, name: str, read_pickle: PickleReader) -> None:
    if not first:
        raise damaged(f"{name} is empty")
    kind = "is a safetensors file under another name" if is_safetensors(first) else foreign_kind(first)
    if kind is not None:
        raise damaged(f"{name} {kind}")
    is_legacy = first.startswith(_LEGACY_MAGIC)
    _tensors_of(read_pickle(first, name, pickles=_LEGACY_PICKLES if is_legacy else 1, load=False) or {})
    if not is_legacy and (not first.startswith(b"\x80") or first.startswith(b"\x80\x02")):
        raise damaged(f"{name} is no file that torch.save writes")
    kind = "is in the format that torch.save wrote before version 1.6" if is_legacy else "is no archive"
    raise unlisted(f"{name} {kind}")


def _directory(file: RangedFile, name: str) -> list[zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(file) as archive:
            return archive.infolist()
    except _ZIP_ERRORS as error:
        raise damaged(f"{name} is damaged or cut off: it is no archive as torch.save writes them") from error


def _content_start(file: RangedFile, member: zipfile.ZipInfo) -> int:
    """Find the content of a member behind its local header, whose length is only known from the header itself."""
    header = file.read_at(member.header_offset, member.header_offset + _LOCAL_HEADER_BYTES)
    if not header.startswith(_LOCAL_HEADER) or len(header) < _LOCAL_HEADER_BYTES:
        raise damaged("its archive is damaged: a member is not where the directory says")
    name_bytes, extra_bytes = struct.unpack_from("<HH", header, 26)
    return int(member.header_offset + _LOCAL_HEADER_BYTES + name_bytes + extra_bytes)


def _tensors_of(answer: Mapping[str, Any]) -> tuple[PickledTensor, ...]:
    """Take apart what `read_pickle` returned; raises the ListingProblem that it met."""
    if "reason" in answer:
        status = None if answer["status"] is None else Status(answer["status"])
        raise ListingProblem(answer["reason"], status, tuple(answer["unsafe_globals"]))
    return tuple(PickledTensor(**{**fields, "shape": tuple(fields["shape"])}) for fields in answer.get("tensors", ()))
