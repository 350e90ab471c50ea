"""Why candidates could not process clips, from what a run stored of them."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from benchmark.results.failed_clips import LISTED_CLIPS, FailedClips
from benchmark.results.predictions import InferenceSetup, Prediction
from benchmark.results.runs import ClipRecord, RunRecord
from benchmark.scoring.corpus_board import CorpusBoard
from benchmark.scoring.evaluated import StoredEvaluation
from benchmark.scoring.labelled_clips import readable_clips


def failed_clips(
    record: RunRecord,
    boards: Sequence[CorpusBoard],
    predictions: Callable[[InferenceSetup], Mapping[str, Prediction]],
) -> Iterator[FailedClips]:
    """Give one row per corpus, candidate and reason; none where every candidate could process every clip.

    Args:
        record: The run.
        boards: What the candidates said, one for each of the record's corpora.
        predictions: Finds the stored predictions of a setup, by the hash of the clip's audio.
    """
    for corpus, board in zip(record.corpora, boards, strict=True):
        clips = readable_clips(corpus)
        for candidate in dict.fromkeys(one.evaluation.candidate for one in board.evaluated):
            deciding = board.of(candidate)[0]
            # What is stored is read once more where there is something to tell, which is seldom.
            if _failed(deciding):
                yield from _by_reason(deciding, clips, predictions(deciding.evaluation.setup))


def _failed(one: StoredEvaluation) -> int:
    return len(one.answers.truth) - int(one.answers.answered.sum()) - one.answers.missing


def _by_reason(
    one: StoredEvaluation, clips: Sequence[ClipRecord], stored: Mapping[str, Prediction]
) -> Iterator[FailedClips]:
    names: defaultdict[str, list[str]] = defaultdict(list)
    for place in (~one.answers.answered).nonzero()[0].tolist():
        prediction = stored.get(clips[place].clip_hash or "")
        if prediction is not None and prediction.failure is not None:
            names[prediction.failure].append(clips[place].clip)
    for reason, failed in names.items():
        yield FailedClips(
            candidate=one.evaluation.candidate,
            corpus=one.evaluation.corpus,
            reason=reason,
            clips=len(failed),
            examples=tuple(failed[:LISTED_CLIPS]),
        )
