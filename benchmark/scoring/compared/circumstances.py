"""What two runs did not have in common, and what follows for whoever compares them."""

from collections.abc import Iterator

from benchmark.results.leaderboard import CorpusSummary, Leaderboard


def circumstances(old: Leaderboard, new: Leaderboard) -> tuple[str, ...]:
    """Say in sentences what makes two runs hard to compare; nothing where nothing does."""
    return (*_latency(old, new), *_versions(old, new), *_corpora(old, new), *_options(old, new))


def _latency(old: Leaderboard, new: Leaderboard) -> Iterator[str]:
    if not all(any(row.latency_p50_ms is not None for row in run.rows) for run in (old, new)):
        return
    before, after = old.environment, new.environment
    differences = [
        f"{name} {one} → {other}"
        for name, one, other in (
            ("processor", before.processor, after.processor),
            ("cores", before.cores, after.cores),
            ("platform", before.platform, after.platform),
            ("Python", before.python, after.python),
            ("threads", old.threads, new.threads),
            ("seconds a segment", old.segment_s, new.segment_s),
        )
        if one != other
    ]
    if differences:
        yield f"Latencies were not measured under the same conditions: {', '.join(differences)}."


def _versions(old: Leaderboard, new: Leaderboard) -> Iterator[str]:
    before, after = old.environment.versions, new.environment.versions
    differences = [
        f"{name} {before.get(name, 'none')} → {after.get(name, 'none')}"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]
    if differences:
        yield f"Versions differ: {', '.join(differences)}."


def _corpora(old: Leaderboard, new: Leaderboard) -> Iterator[str]:
    before = {corpus.name: corpus for corpus in old.corpora}
    after = {corpus.name: corpus for corpus in new.corpora}
    for name in sorted(before.keys() - after.keys()):
        yield f"The new run has no corpus {name}."
    for name in sorted(after.keys() - before.keys()):
        yield f"The old run has no corpus {name}."
    for name in sorted(before.keys() & after.keys()):
        yield from _corpus(before[name], after[name])


def _corpus(old: CorpusSummary, new: CorpusSummary) -> Iterator[str]:
    if old.clips != new.clips:
        yield f"{new.name} has {new.clips} clips that could be read; it had {old.clips}."
    if old.merge != new.merge:
        yield f"Other emotions of {new.name} are merged: its scores are about other classes and are not paired."
    elif old.emotion_clips.keys() != new.emotion_clips.keys():
        yield (
            f"The emotions of {new.name} are {', '.join(new.emotion_clips) or 'none'}; "
            f"they were {', '.join(old.emotion_clips) or 'none'}."
        )
    if old.channel != new.channel:
        yield f"{new.name} is heard on the channel {new.channel}; it was {old.channel}."


def _options(old: Leaderboard, new: Leaderboard) -> Iterator[str]:
    for run, word in ((old, "old"), (new, "new")):
        if run.interrupted:
            yield f"The {word} run was interrupted."
        if run.limit is not None:
            yield f"The {word} run heard at most {run.limit} clips of each corpus."
