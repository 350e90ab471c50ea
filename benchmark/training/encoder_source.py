"""From what a user calls an encoder to a folder on this machine."""

from typing import TypeVar

from benchmark.errors import RequestError, UnavailableError
from benchmark.hub.client import Hub
from benchmark.hub.repository_facts import HubFailure
from benchmark.progress import Progress
from benchmark.registry.loading import select
from benchmark.registry.schema import Registry
from benchmark.registry.trained import declare_training
from benchmark.results.status import Status
from benchmark.training.features import EncoderSource
from benchmark.verification.inspect import look_at
from benchmark.verification.options import VerifyOptions, agree

Answer = TypeVar("Answer")


def find_encoder(model: str, registry: Registry, hub: Hub, options: VerifyOptions, progress: Progress) -> EncoderSource:
    """Find a checkpoint by a name or id of the registry, a Hub id or a local folder, and download it if need be.

    Raises:
        RequestError: There is no such checkpoint, or it is larger than was allowed.
        UnavailableError: The Hub cannot be reached.
    """
    candidate, *others = declare_training(select(registry, [model]), progress).candidates
    if others:
        raise RequestError(f"--model {model} stands for {len(others) + 1} candidates: name one encoder.")
    facts = _found(look_at(candidate, hub))
    if denied := agree({candidate.name: hub.download_size(facts)}, options, progress):
        raise RequestError(denied[candidate.name])
    folder = _found(hub.download(facts, progress))
    return EncoderSource(id=candidate.id, revision=facts.revision, folder=folder, trained_on=candidate.trained_on)


def _found(answer: Answer | HubFailure) -> Answer:
    if isinstance(answer, HubFailure):
        kind = UnavailableError if answer.status is Status.UNREACHABLE else RequestError
        raise kind(f"The encoder cannot be had: {answer.reason}.")
    return answer
