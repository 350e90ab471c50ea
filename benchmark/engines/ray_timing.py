"""Latency on a node of a Ray cluster that computes nothing else of ours."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from benchmark.engines.cluster import Cluster, marked, summary
from benchmark.engines.node import CandidateWork, Lost, SharedRun, Timed, TimingActor, Unusable
from benchmark.errors import UnavailableError
from benchmark.evaluation.candidate_runs import Timing
from benchmark.progress import Progress
from benchmark.results.environment import Environment
from benchmark.results.inference_record import LatencyMeasurement, Stopped

_MOST_TRIES = 3
_POLL_S = 0.5


def time_on_a_node(
    cluster: Cluster, run: SharedRun, works: Sequence[CandidateWork], timing: Timing, progress: Progress
) -> Iterator[LatencyMeasurement]:
    """Measure candidates on the node with the most processors, all of which are requested; on another if it is lost.

    Raises:
        UnavailableError: No node is left, or the node cannot take part.
    """
    with marked(cluster.settings, (), Environment.here()) as terms:
        shared = cluster.share_with_nodes(replace(run, terms=terms))
        reason = ""
        for _ in range(_MOST_TRIES):
            answer = _measure(cluster, shared, works, timing, progress)
            if isinstance(answer, Timed):
                cluster.timed_on = answer.node
                yield from answer.measurements
                return
            reason = answer.reason
    failure = f"The node that measured it was lost {_MOST_TRIES} times, the last time because {reason}."
    yield from (_failed_measurement(work, device, timing, failure) for device in timing.devices for work in works)


def _measure(
    cluster: Cluster, shared: Any, works: Sequence[CandidateWork], timing: Timing, progress: Progress
) -> Timed | Lost:
    ray, on_gpu = cluster.ray, any(device != "cpu" for device in timing.devices)
    nodes = [node for node in cluster.nodes() if not on_gpu or node.gpus >= 1]
    if not nodes:
        raise UnavailableError(
            f"No node of the cluster{' with a GPU' if on_gpu else ''} is left to measure latency on."
        )
    node = max(nodes, key=lambda node: node.cpus)  # of several the first
    actor = cluster.on(node.id, TimingActor, cpus=node.cpus, gpus=node.gpus).remote()
    try:
        with progress.stage(f"Timing on the node {node.host}", total=None):
            ref = actor.time.remote(shared, works, timing)
            while not ray.wait([ref], timeout=_POLL_S)[0]:
                pass
            answer = ray.get(ref)
    except ray.exceptions.RayError as error:
        return Lost(summary(error))
    except KeyboardInterrupt:
        ray.kill(actor)
        raise
    finally:
        cluster.end(actor)
    if isinstance(answer, Unusable):
        raise UnavailableError(answer.reason)
    return answer if isinstance(answer, Timed | Lost) else Lost("it gave no answer")


def _failed_measurement(work: CandidateWork, device: str, timing: Timing, failure: str) -> LatencyMeasurement:
    engine = work.subject.reference(device)
    return LatencyMeasurement(
        candidate=work.subject.name,
        revision=work.subject.verification.revision or "",
        device=device,
        backend=engine.backend,
        dtype=engine.dtype,
        threads=timing.environment.cores,
        processor=timing.environment.processor,
        segment_s=timing.options.segment_s,
        calls_ms=(),
        warmup_calls=0,
        failure=failure,
        stopped_by=Stopped.FAILED,
    )
