"""What a worker may reach. On Linux the kernel enforces it, as far as this kernel can, before an actor is made.

Three measures, each of which may be missing: no new privileges; Landlock, which limits where files are written and
which processes are reached; and a seccomp filter for `socket`, since Landlock knows TCP only.
"""

import contextlib
import ctypes
import errno
import functools
import logging
import os
import platform
import struct
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

logger = logging.getLogger(__name__)

# Written to while computing, beside the worker's folders.
_DEVICES = ("null", "nvidia*", "nvidia-caps/*", "dri", "kfd", "accel", "dxg")

_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_SET_MODE_FILTER = 1
_SECCOMP_FILTER_FLAG_SPEC_ALLOW = 4  # else old kernels slow down all computing for fear of Spectre
_IO_URING_SETUP = 425  # its rings open sockets past any filter
_X32 = 0x40000000
_AF_UNIX, _SOCK_SEQPACKET, _SOCK_TYPE_MASK = 1, 5, 0xF


@dataclass(frozen=True)
class _Architecture:
    """What a filter must know of a processor: `AUDIT_ARCH_…`, and the numbers of two system calls."""

    audit: int
    socket: int
    seccomp: int


_ARCHITECTURES = {
    "x86_64": _Architecture(audit=0xC000003E, socket=41, seccomp=317),
    "aarch64": _Architecture(audit=0xC00000B7, socket=198, seccomp=277),
}


class WorkerKind(StrEnum):
    """What a worker does, which decides what it may reach.

    Attributes:
        FETCH: Reads addresses, with the network and the user's environment; never opens a checkpoint, never decodes.
        COMPUTE: Opens checkpoints, decodes and computes, without network and credentials.
        FOREIGN: Runs a program of the user's, with the user's environment and files, without network.
        FOREIGN_ONLINE: The same with the network, before it gets any recording.
    """

    FETCH = "fetch"
    COMPUTE = "compute"
    FOREIGN = "foreign"
    FOREIGN_ONLINE = "foreign-online"

    @property
    def is_foreign(self) -> bool:
        """Whether it runs a program of the user's."""
        return self in {WorkerKind.FOREIGN, WorkerKind.FOREIGN_ONLINE}


@dataclass(frozen=True)
class Protections:
    """The measures that are in force in a process.

    Attributes:
        no_new_privileges: No program that it starts gains privileges.
        landlock: Version of Landlock's interface that limits where it writes; 0 without.
        no_sockets: It opens no socket.
    """

    no_new_privileges: bool = False
    landlock: int = 0
    no_sockets: bool = False


_in_force = Protections()


def protect(writable: Sequence[Path]) -> None:
    """Restrict this process, which must have a single thread, for good; what the kernel refuses is left out.

    Args:
        writable: Folders below which it may write.
    """
    global _in_force  # noqa: PLW0603 - what is done to a process is done once
    if sys.platform == "linux" and _forbid_new_privileges():
        _in_force = Protections(True, _restrict_files(writable), _forbid_sockets())


def refuse_network() -> None:
    """Forbid this process, which must have a single thread, and all that it starts, to open sockets, where possible."""
    global _in_force  # noqa: PLW0603 - as above
    if sys.platform == "linux" and _forbid_new_privileges():
        _in_force = Protections(True, 0, _forbid_sockets())


def protections() -> Protections:
    """The measures that are in force in this process."""
    return _in_force


@functools.cache
def landlock_version() -> int:
    """The version of Landlock's interface in this kernel; 0 without. The first call takes some milliseconds."""
    import landlockpy  # noqa: PLC0415 - for Linux only

    try:
        return landlockpy.abi_version()
    except OSError:  # some sandboxes forbid to ask
        return 0


def _forbid_new_privileges() -> bool:
    return bool(ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)


def _restrict_files(writable: Sequence[Path]) -> int:
    """Forbid to write elsewhere, and to reach processes outside: their memory, signals and named sockets."""
    if landlock_version() == 0:
        return 0
    from landlockpy import AccessFS, AccessNet, LandlockError, Ruleset, Scope  # noqa: PLC0415 - for Linux only

    reading = AccessFS.READ_FILE | AccessFS.READ_DIR | AccessFS.EXECUTE
    every = functools.reduce(lambda left, right: left | right, AccessFS)
    writing = every & ~reading & ~AccessFS.RESOLVE_UNIX
    to_files = AccessFS.WRITE_FILE | AccessFS.TRUNCATE | AccessFS.IOCTL_DEV
    try:
        with Ruleset(
            handled_fs=every & ~reading, handled_net=AccessNet.NONE, scoped=Scope.ABSTRACT_UNIX_SOCKET | Scope.SIGNAL
        ) as ruleset:
            for path in (*writable, *_devices()):
                with contextlib.suppress(OSError):  # it isn't there
                    ruleset.allow_path(path, writing if path in writable else to_files)
            ruleset.restrict()
            return ruleset.abi_version
    except LandlockError as error:
        logger.info("Landlock is refused: %s", error)
        return 0


def _devices() -> Iterable[Path]:
    for name in _DEVICES:
        yield from Path("/dev").glob(name)


def _forbid_sockets() -> bool:
    """Let `socket` fail with EPERM, but for those through which CUDA shares memory among a user's processes."""
    architecture = _ARCHITECTURES.get(platform.machine())
    if architecture is None or sys.maxsize < 2**32:
        return False
    program = _socket_filter(architecture)
    buffer = ctypes.create_string_buffer(program)
    # struct sock_fprog: the number of instructions, and where they are
    header = ctypes.create_string_buffer(struct.pack("@HP", len(program) // 8, ctypes.addressof(buffer)))
    libc = ctypes.CDLL(None, use_errno=True)
    refused = libc.syscall(architecture.seccomp, _SECCOMP_SET_MODE_FILTER, _SECCOMP_FILTER_FLAG_SPEC_ALLOW, header)
    if refused:
        logger.info("the filter for sockets is refused: %s", os.strerror(ctypes.get_errno()))
    return not refused


def _socket_filter(architecture: _Architecture) -> bytes:
    """The filter as a program for the kernel: instructions of (code, jump if true, jump if false, value)."""
    load, equal, at_least, bits, leave = 0x20, 0x15, 0x35, 0x54, 0x06
    number, machine, family, kind = 0, 4, 16, 24  # offsets in struct seccomp_data
    allow, deny = 0x7FFF0000, 0x00050000 | errno.EPERM
    instructions = [
        (load, 0, 0, machine),
        (equal, 0, 10, architecture.audit),  # another system call table, with other numbers
        (load, 0, 0, number),
        (at_least, 8, 0, _X32),
        (equal, 7, 0, _IO_URING_SETUP),
        (equal, 0, 5, architecture.socket),
        (load, 0, 0, family),
        (equal, 0, 4, _AF_UNIX),
        (load, 0, 0, kind),
        (bits, 0, 0, _SOCK_TYPE_MASK),
        (equal, 0, 1, _SOCK_SEQPACKET),
        (leave, 0, 0, allow),
        (leave, 0, 0, deny),
    ]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in instructions)
