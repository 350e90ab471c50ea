"""Who is measured side by side: everybody where memory holds them all, else groups that share a reference."""

from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from benchmark.evaluation.subjects import Subject

# float32 weights, once more while they are read, and what a process with torch holds.
_BYTES_PER_PARAMETER = 8
_BYTES_PER_PROCESS = 700_000_000
_SHARE_OF_MEMORY = 0.6


@dataclass(frozen=True)
class TimingGroup:
    """Candidates that are loaded at the same time.

    Attributes:
        subjects: Those whose latency this group measures.
        reference: The candidate of the first group that is measured again beside them, so that a slower hour shows;
            None in the first group.
    """

    subjects: tuple[Subject, ...]
    reference: Subject | None = None


def timing_groups(subjects: Sequence[Subject], *, room_bytes: float | None = None) -> tuple[TimingGroup, ...]:
    """Put as many candidates together as memory holds.

    Args:
        subjects: Who is measured.
        room_bytes: Memory that they may take in all; by default a part of what is free.

    Returns:
        One group where all fit. Else groups of which the first begins with the smallest candidate, the reference,
        which takes its place in the memory of the others as well; a group has one subject of its own at least.
    """
    room = psutil.virtual_memory().available * _SHARE_OF_MEMORY if room_bytes is None else room_bytes
    if sum(map(memory_needed, subjects)) <= room:
        return (TimingGroup(tuple(subjects)),) if subjects else ()
    reference = min(subjects, key=memory_needed)
    groups: list[list[Subject]] = [[reference]]
    taken = memory_needed(reference)
    for subject in subjects:
        if subject is reference:
            continue
        has_others = any(other is not reference for other in groups[-1])
        if has_others and taken + memory_needed(subject) > room:
            groups.append([])
            taken = memory_needed(reference)
        groups[-1].append(subject)
        taken += memory_needed(subject)
    first, *others = (tuple(group) for group in groups)
    return (TimingGroup(first), *(TimingGroup(group, reference) for group in others))


def memory_needed(subject: Subject) -> int:
    """Estimate the bytes that a subject's worker holds once its model is loaded."""
    return (subject.verification.parameters or 0) * _BYTES_PER_PARAMETER + _BYTES_PER_PROCESS
