"""What a worker may reach: files, network and environment, by its kind."""

from enum import StrEnum


class WorkerKind(StrEnum):
    """What a worker does, which decides what it may reach.

    Attributes:
        FETCH: Reads addresses, with the network and the user's environment; never opens a checkpoint, never decodes.
        COMPUTE: Opens checkpoints, decodes and computes, without network and credentials.
    """

    FETCH = "fetch"
    COMPUTE = "compute"
