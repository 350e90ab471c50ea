from pathlib import Path

from benchmark.corpora.audio_sources import AudioFile
from benchmark.evaluation.decoding import DecodedCorpus
from benchmark.training.examples import examples_of
from benchmark.training.folds import make_folds
from tests.scoring.conftest import clip_record, corpus_record


def test_what_a_corpus_says_of_its_clips_can_be_folds() -> None:
    clips = [
        clip_record(
            f"clip {number}",
            label=("anger", "fear")[number % 2],
            speaker=f"{number // 2}",
            sex=("female", "male")[number // 4],
            attributes={"room": f"{number // 2 % 2}"},
        )
        for number in range(8)
    ]
    audio = {clip.clip: AudioFile(Path(clip.clip)) for clip in clips}
    examples = examples_of(DecodedCorpus(corpus_record("acted", clips), dict(audio)))
    by_sex = make_folds(examples.clips, "column:sex").folds
    assert [(fold.name, fold.test.tolist()) for fold in by_sex] == [("female", [0, 1, 2, 3]), ("male", [4, 5, 6, 7])]
    by_room = make_folds(examples.clips, "column:room").folds
    assert [fold.test.tolist() for fold in by_room] == [[0, 1, 4, 5], [2, 3, 6, 7]]
