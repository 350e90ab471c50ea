"""Speakers of a corpus that candidates were trained on, as far as that is declared: scores rest on the others."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from benchmark.results.runs import CorpusRecord, RunRecord
from benchmark.scoring.compared_clips import knows_speakers
from benchmark.scoring.decisions import uar
from benchmark.scoring.evaluations import Evaluation, seen_by
from benchmark.scoring.intervals import MIN_SPEAKERS
from benchmark.scoring.labels import LabelledClips
from benchmark.scoring.trained_on import Seen

_SPEAKERS_PER_EMOTION = 2


def heard_speakers(record: RunRecord, corpus: CorpusRecord, clips: LabelledClips) -> dict[str, frozenset[str]]:
    """The speakers that each candidate has heard which was trained on a declared part of the speakers.

    A candidate counts while enough others remain to rank by: three, and two for every emotion. Those that have heard
    fewest come first; where too few would remain, the whole corpus is seen, as it is where none of the declared names
    occurs.
    """
    present = {speaker for speaker in clips.speakers if speaker is not None}
    if not knows_speakers(clips.truth, clips.speakers):
        return {}
    verdicts = {verification.candidate: verification for verification in record.verifications}
    declared: dict[str, frozenset[str]] = {}
    for evaluation in record.evaluations:
        verification = verdicts.get(evaluation.candidate)
        if evaluation.corpus != corpus.name or verification is None:
            continue
        speakers = frozenset(present.intersection(verification.trained_speakers or ()))
        if speakers and seen_by(evaluation, verification, corpus) is Seen.YES:
            declared[evaluation.candidate] = speakers
    heard: dict[str, frozenset[str]] = {}
    for candidate, speakers in sorted(declared.items(), key=lambda item: len(item[1])):
        if _enough(clips, present.difference(speakers, *heard.values())):
            heard[candidate] = speakers
    return heard


def _enough(clips: LabelledClips, speakers: Iterable[str]) -> bool:
    remaining = set(speakers)
    by_emotion: dict[str, set[str | None]] = {emotion: set() for emotion in clips.truth if emotion is not None}
    for emotion, speaker in zip(clips.truth, clips.speakers, strict=True):
        if emotion is not None and speaker in remaining:
            by_emotion[emotion].add(speaker)
    enough = all(len(own) >= _SPEAKERS_PER_EMOTION for own in by_emotion.values())
    return enough and len(set[str | None]().union(*by_emotion.values())) >= MIN_SPEAKERS


def spoken_by(clips: LabelledClips, speakers: Iterable[str]) -> LabelledClips:
    """The clips with the emotions of those by these speakers only, so that no others are scored."""
    chosen = set(speakers)
    scored = zip(clips.truth, clips.speakers, strict=True)
    return replace(clips, truth=tuple(emotion if speaker in chosen else None for emotion, speaker in scored))


def partly_seen(evaluation: Evaluation, heard: Mapping[str, frozenset[str]], whole: LabelledClips) -> Evaluation:
    """Say of an evaluation on the speakers that nobody has heard how its candidate does on those that it has heard."""
    speakers = heard.get(evaluation.candidate)
    if speakers is None or evaluation.seen is not Seen.YES:
        return evaluation
    answers = replace(evaluation.answers, truth=spoken_by(whole, speakers).truth)
    on_heard = replace(evaluation, answers=answers)
    return replace(
        evaluation,
        seen=Seen.PARTLY,
        adapted=True,
        heard_speakers=len(speakers),
        heard_uar=uar(on_heard.decisions) if on_heard.complete else None,
    )
