"""Which clips of a corpus are left out or treated specially, why, and which option changes it."""

from collections import Counter
from collections.abc import Iterator, Sequence

from benchmark.emotions.merges import NEAREST
from benchmark.results.corpus_description import NearCopies
from benchmark.results.left_out import EXAMPLES, LeftOut, left_out
from benchmark.results.runs import ClipRecord, CorpusRecord, RaceKind
from benchmark.scoring.compared_clips import (
    FEWEST_CLIPS,
    MOST_UNNAMED,
    RareEmotions,
    knows_speakers,
    unnamed_clips,
)
from benchmark.scoring.evaluations import Evaluation
from benchmark.scoring.labels import LabelledClips, is_tied, majority

_MOST_LISTED = 4
_LABEL_OPTION = "--column label=NAME"


def left_out_clips(corpus: CorpusRecord, labelled: LabelledClips) -> tuple[LeftOut, ...]:
    """List what is left out of a corpus, or counts otherwise than a reader expects."""
    return (
        *corpus.left_out,
        *_unread(corpus),
        *_unreadable(corpus),
        *_unscored(corpus, labelled),
        *_unnamed(labelled),
        *_rare(labelled),
        *_special(labelled.clips),
    )


def changed_copies(copies: Sequence[NearCopies]) -> tuple[LeftOut, ...]:
    """List the pairs of clips of which one is a changed copy of the other."""
    if not copies:
        return ()
    what = "[pair is|pairs are] a clip and its copy with another gain, encoding, length or noise"
    pairs = [" and ".join(pair.clips) for pair in copies]
    then = "each counts; remove one, as copies make intervals too narrow"
    return (left_out("near-copy", len(copies), pairs, what, then),)


def heard_clips(whole: LabelledClips, scored: LabelledClips, candidates: Sequence[str]) -> LeftOut:
    """Say which clips are not scored since candidates were trained on their speakers."""
    pairs = zip(whole.clips, whole.truth, scored.truth, strict=True)
    heard = [clip for clip, emotion, own in pairs if emotion is not None and own is None]
    what = f"of {len(whole.clips):,} clips [is|are] by speakers that candidates were or may have been trained on"
    then = "not scored for any candidate; --rank-seen, or a run without such candidates, scores all"
    about, option = ", ".join(candidates), "--rank-seen"
    return left_out("heard-speaker", len(heard), _names(heard), what, then, about=about, option=option)


def stopped_candidates(kind: RaceKind, evaluations: Sequence[Evaluation]) -> LeftOut:
    """Say how many candidates a race has stopped, what that claims, and which share of all answers it took."""
    stopped = [evaluation for evaluation in evaluations if evaluation.record.stopped is not None]
    total = sum(len(evaluation.answers.truth) for evaluation in evaluations)
    unasked = sum(evaluation.unasked_clips for evaluation in stopped)
    what = f"of {len(evaluations):,} candidates [was|were] stopped by the race"
    if not stopped:
        then = "it ran to its end, since nobody was shown to be worse than the one that leads"
        return left_out("race", 0, (), what, then, option="--race")
    share = 100 * (1 - unasked / max(total, 1))
    claim = {
        "speakers": "[it is|they are] worse than the one that led for speakers like these, wrongly in at most 5 % of "
        "races",
        "table": "[it|they] would not have topped this table, wrongly in at most 5 % of races; that says nothing of "
        "other speakers",
    }[kind]
    then = (
        f"{claim}; [it has|they have] neither scores nor ranks, and {share:.0f} % of all answers were asked; without "
        "--race all are"
    )
    names = [evaluation.candidate for evaluation in stopped]
    return left_out("race", len(stopped), names, what, then, option="--race")


def _unread(corpus: CorpusRecord) -> Iterator[LeftOut]:
    limited = corpus.available_clips - len(corpus.clips)
    if limited > 0:
        what = f"of {corpus.available_clips:,} clips [is|are] not read"
        then = "--limit or --sample asked for it; without them all are"
        yield left_out("limit", limited, (), what, then, option="--limit, --sample")
    if corpus.silent_clips:
        what = "[clip has|clips have] no speech, or too little"
        then = "[it is|they are] left out, as --skip-silence or --min-speech asked; without them [it counts|they count]"
        yield left_out("silent", corpus.silent_clips, (), what, then, option="--skip-silence, --min-speech")


def _unreadable(corpus: CorpusRecord) -> Iterator[LeftOut]:
    broken = [clip for clip in corpus.clips if clip.clip_hash is None]
    if broken:
        names = [f"{clip.clip} ({(clip.failure or 'no reason known').rstrip('.')})" for clip in broken[:EXAMPLES]]
        what = f"of {len(corpus.clips):,} clips cannot be read"
        then = "[it is|they are] left out for all candidates; repair or convert [it|them]"
        yield left_out("unreadable", len(broken), names, what, then)


def _unscored(corpus: CorpusRecord, labelled: LabelledClips) -> Iterator[LeftOut]:
    total = f"of {len(labelled.clips):,} clips"
    rows = zip(labelled.clips, labelled.votes, labelled.truth, strict=True)
    pairs = [(clip, votes) for clip, votes, emotion in rows if emotion is None]
    unmapped = [clip for clip, _ in pairs if clip.label is not None and labelled.emotions[clip.label] is None]
    if unmapped:
        counts = Counter(clip.label for clip in unmapped)
        listed = ", ".join(f"{label} {number:,}" for label, number in counts.most_common(_MOST_LISTED))
        listed += ", …" if len(counts) > _MOST_LISTED else ""
        what = f"{total} [has a label that means|have labels that mean] no emotion"
        then = f"not scored; say what labels mean under `labels:` of the corpus in the registry, or use {_LABEL_OPTION}"
        yield left_out("no-emotion", len(unmapped), _names(unmapped), what, then, about=listed, option=_LABEL_OPTION)
    without = [clip for clip, votes in pairs if clip.label is None and not votes]
    if without:
        what = f"{total} [has|have] no label"
        then = f"not scored; fill the labels in, or use {_LABEL_OPTION} if another column has them"
        yield left_out("no-label", len(without), _names(without), what, then, option=_LABEL_OPTION)
    split = [(clip, votes) for clip, votes in pairs if clip.label is None and votes and majority(votes) is None]
    tied = [clip for clip, votes in split if is_tied(votes)]
    minority = [clip for clip, votes in split if not is_tied(votes)]
    if tied:
        yield left_out("tied", len(tied), _names(tied), f"{total} [has|have] a tie of raters", "not scored")
    if minority:
        what = f"{total} [has|have] no emotion that most raters chose"
        yield left_out("minority", len(minority), _names(minority), what, "not scored")


def _unnamed(labelled: LabelledClips) -> Iterator[LeftOut]:
    truth, speakers = labelled.truth, labelled.speakers
    unnamed = unnamed_clips(truth, speakers)
    if not unnamed:
        return
    total = sum(emotion is not None for emotion in truth) or len(truth)
    what = f"of {total:,} clips [names|name] no speaker"
    if knows_speakers(truth, speakers):
        then = "[it counts|they count] in scores, and [is|are] left out of intervals, pairs and ranks"
    else:
        then = (
            f"more than {100 * MOST_UNNAMED:.0f} %, so that intervals are over clips, too narrow, and nothing is ranked"
        )
    then += "; name [it|them], or use --speaker-pattern"
    names = _names([labelled.clips[place] for place in unnamed[:EXAMPLES]])
    yield left_out("no-speaker", len(unnamed), names, what, then, option="--speaker-pattern")


def _rare(labelled: LabelledClips) -> Iterator[LeftOut]:
    for emotion, names in labelled.dropped.items():
        what = f"[clip|clips] of {emotion}, which is rare"
        then = "removed by --rare-classes drop; --rare-classes keep scores [it|them]"
        yield left_out("rare-class", len(names), names, what, then, option="--rare-classes")
    rare = labelled.rare
    if rare.names and not rare.can_go:
        counts = Counter(emotion for emotion in labelled.truth if emotion in rare.names)
        listed = ", ".join(f"{emotion} {counts[emotion]:,}" for emotion in rare.names)
        what = f"[clip is|clips are] of emotions with fewer than {FEWEST_CLIPS} clips or a single speaker ({listed})"
        then = "nothing is left out, as too little would remain; record more, or use --merge"
        yield left_out("rare-class", counts.total(), (), what, then, option="--merge")
    for emotion in rare.names if rare.can_go else ():
        yield _rare_emotion(emotion, labelled, rare)


def _rare_emotion(emotion: str, labelled: LabelledClips, rare: RareEmotions) -> LeftOut:
    clips = [clip for clip, truth in zip(labelled.clips, labelled.truth, strict=True) if truth == emotion]
    of_one = "" if len(clips) < FEWEST_CLIPS else " by a single speaker"
    kept = sorted({name for name in labelled.truth if name is not None} - rare.left_out)
    remedies = ["--rare-classes drop removes it"]
    if NEAREST.get(emotion) in kept:
        remedies.insert(0, f"--merge {emotion}={NEAREST[emotion]} counts it as {NEAREST[emotion]}")
    chosen = " ".join(f"--only-label {name}" for name in kept) if len(kept) <= _MOST_LISTED else "--only-label"
    remedies.append(f"{chosen} reads the others only")
    then = f"scored, and left out of intervals, pairs and ranks; {', '.join(remedies)}"
    what = f"[clip is|clips are] all of {emotion}{of_one}"
    return left_out("rare-class", len(clips), _names(clips), what, then, option="--merge, --rare-classes, --only-label")


def _special(clips: Sequence[ClipRecord]) -> Iterator[LeftOut]:
    total = f"of {len(clips):,} clips"
    silent = [clip for clip in clips if clip.is_silent]
    if silent:
        what = f"{total} [has|have] no speech, as far as a detector can tell, which takes some screams for noise"
        then = "[it counts|they count] like others; --skip-silence leaves [it|them] out"
        yield left_out("no-speech", len(silent), _names(silent), what, then, option="--skip-silence")
    first = {clip.clip_hash: clip for clip in reversed(clips)}
    copies = [f"{clip.clip} (as {first[clip.clip_hash].clip})" for clip in clips if first[clip.clip_hash] is not clip]
    if copies:
        what = f"{total} [is a copy|are copies] of another, sample by sample"
        then = "each counts; remove [it|them], as copies make intervals too narrow"
        yield left_out("copy", len(copies), copies, what, then)


def _names(clips: Sequence[ClipRecord]) -> list[str]:
    return [clip.clip for clip in clips[:EXAMPLES]]
