"""The signature of a score: everything that it depends on beside the candidate.

Two scores with one signature are of the same clips with the same labels, under the same rules, and may be compared. The
form follows sacrebleu (M. Post, A call for clarity in reporting BLEU scores, WMT 2018):
`bench:0.1.0|uar|open|K8|spk24|jk-t|seed0|clips:9f3a61c2`. docs/protocol.md explains every part.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from benchmark.results.environment import installed_version
from benchmark.results.leaderboard import ALL_CORPORA, LeaderboardRow
from benchmark.results.runs import CorpusRecord, RunRecord
from benchmark.results.training_record import TRAINED_HERE
from benchmark.scoring.evaluations import CorpusEvaluations
from benchmark.scoring.intervals import speakers_can_be_left_out
from benchmark.scoring.labels import LabelledClips

_MOST_MERGES = 3
_DIGITS = 8
_OUT_OF_FOLD = "oof"
_LAST = "clips:"


def with_signatures(
    rows: Sequence[LeaderboardRow], record: RunRecord, corpora: Sequence[CorpusEvaluations], summarised: Sequence[str]
) -> list[LeaderboardRow]:
    """Give every row with a score its signature.

    Args:
        corpora: All corpora of the run.
        summarised: The names of those that the rows of `*` summarise.
    """
    protocols = {corpus.summary.name: _protocol(record, corpus) for corpus in corpora}
    hashes = [parts[-1] for name, parts in protocols.items() if name in summarised]
    protocols[ALL_CORPORA] = (f"corpora{len(hashes)}", f"{_LAST}{_short_hash(hashes)}")
    return [
        row
        if row.corpus not in protocols or (row.uar is None and row.adjusted_uar is None)
        else row.model_copy(update={"signature": signature(row, protocols[row.corpus])})
        for row in rows
    ]


def signature(row: LeaderboardRow, protocol: Sequence[str]) -> str:
    """The signature of the score that orders a row, under the protocol of its corpus."""
    score = "uar" if row.uar is not None else "adjusted_uar"
    *parts, clips = protocol
    own = [_OUT_OF_FOLD] if row.head == TRAINED_HERE else []
    return "|".join([f"bench:{installed_version('ser-bench') or 'unknown'}", score, "open", *parts, *own, clips])


def signature_difference(old: str, new: str) -> tuple[str, str]:
    """The parts of each of two signatures that the other does not have.

    Examples:
        >>> signature_difference("bench:1|uar|open|K8|clips:a", "bench:1|uar|open|K7|clips:b")
        ('K8|clips:a', 'K7|clips:b')
    """
    before, after = old.split("|"), new.split("|")
    return (
        "|".join(part for part in before if part not in after),
        "|".join(part for part in after if part not in before),
    )


def _protocol(record: RunRecord, corpus: CorpusEvaluations) -> tuple[str, ...]:
    """What all scores on a corpus depend on, the hash of the clips last."""
    speakers = {
        speaker
        for speaker, emotion in zip(corpus.clips.speakers, corpus.clips.truth, strict=True)
        if emotion is not None and speaker is not None
    }
    options: Mapping[str, object] = {} if record.request is None else record.request.options
    return (
        f"K{len(corpus.summary.emotion_clips)}",
        f"spk{len(speakers) or '?'}",
        _interval_rule(corpus),
        f"seed{options.get('seed', 0) if 'sample' in options else 0}",
        *_merges(corpus.corpus.merge),
        *_selection(record, corpus.corpus, options),
        f"{_LAST}{_clips_hash(corpus.clips)}",
    )


def _interval_rule(corpus: CorpusEvaluations) -> str:
    """How intervals are made; Wilson's, where the jackknife has no information, belongs to each rule."""
    first = next(iter(corpus.complete), None)
    counts = None if first is None else first.compared.counts
    if first is None or counts is None or not speakers_can_be_left_out(counts.clips):
        return "boot"
    return "jk-t" if first.compared.texts is None else "jk-t+texts"


def _merges(merge: Mapping[str, str]) -> Iterator[str]:
    """All merges, since they change answers, too; of many, their number and a hash."""
    pairs = sorted(f"{old}={new}" for old, new in merge.items())
    if pairs:
        yield "merge:" + ("+".join(pairs) if len(pairs) <= _MOST_MERGES else f"{len(pairs)}-{_short_hash(pairs)}")


def _selection(record: RunRecord, corpus: CorpusRecord, options: Mapping[str, object]) -> Iterator[str]:
    """Why clips of the corpus are missing; the hash says which are there."""
    if record.limit is not None and corpus.available_clips > len(corpus.clips):
        yield f"limit{record.limit}"
    if "sample" in options and corpus.available_clips > len(corpus.clips):
        yield f"sample{options['sample']}"
    if corpus.silent_clips:
        yield f"speech:{options.get('min-speech', 'any')}"


def _clips_hash(clips: LabelledClips) -> str:
    """A hash of the scored clips: their audio, emotions, and which are of the same speaker, whatever the names."""
    scored = sorted(
        (clip.clip_hash or "", emotion, speaker or "")
        for clip, emotion, speaker in zip(clips.clips, clips.truth, clips.speakers, strict=True)
        if emotion is not None
    )
    numbers = {"": -1}
    return _short_hash(
        f"{clip}\t{emotion}\t{numbers.setdefault(speaker, len(numbers))}" for clip, emotion, speaker in scored
    )


def _short_hash(lines: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for line in lines:
        digest.update(f"{line}\n".encode())
    return digest.hexdigest()[:_DIGITS]
