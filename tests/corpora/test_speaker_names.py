from pathlib import Path

import pytest

from benchmark.corpora.clips import Corpus
from benchmark.corpora.speaker_names import possible_speakers, speaker_offers
from benchmark.corpora.specs import open_corpora
from benchmark.errors import RequestError
from benchmark.options.shared import ClipOptions
from benchmark.registry.schema import Registry

EMPTY = Registry(title="", candidates=())
PEOPLE = ("anna", "ben", "cleo", "dora")


def write_folder(folder: Path, *names: str) -> Path:
    """Write files that are recordings by name: nothing decodes them."""
    usual = [f"{emotion}/{who}_{take}.wav" for emotion in ("anger", "fear") for who in PEOPLE for take in "12"]
    for name in names or usual:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return folder


def opened(source: str, pattern: str | None = None, speakers: tuple[str, ...] = ()) -> Corpus:
    (corpus,) = open_corpora([source], EMPTY, ClipOptions(speaker_pattern=pattern, speakers=speakers))
    return corpus


def test_the_first_group_and_the_group_speaker_are_the_speakers(tmp_path: Path) -> None:
    folder = f"folder:{write_folder(tmp_path)}"
    assert {clip.speaker for clip in opened(folder).clips} == {None}
    for pattern in (r"/([^_]+)_", r"(anger|fear)/(?P<speaker>[a-z]+)", r"anna|ben|cleo|dora"):
        corpus = opened(folder, pattern)
        assert {clip.name: clip.speaker for clip in corpus.clips}["fear/cleo_2.wav"] == "cleo"
        assert "Speakers that are taken from file names: 4 (anna, ben, cleo, dora)." in corpus.notes
    assert len(opened(folder, r"/([^_]+)_", speakers=("dora",)).clips) == 4, "filters know them"


def test_known_speakers_stay_and_names_without_one_give_none(tmp_path: Path) -> None:
    write_folder(tmp_path)
    rows = ["file,label,speaker", "fear/anna_1.wav,fear,A", "fear/ben_1.wav,fear,", "fear/dora_1.wav,fear,"]
    (tmp_path / "clips.csv").write_text("\n".join(rows))
    corpus = opened(f"table:{tmp_path}/clips.csv", r"/(ben)_")
    assert [clip.speaker for clip in corpus.clips] == ["A", "ben", None]
    (tmp_path / "clips.csv").write_text("\n".join(rows[:2]))
    known = opened(f"table:{tmp_path}/clips.csv", r"/(nobody)_")
    assert known.notes[-1] == "The speakers of all clips are known; --speaker-pattern changes nothing."


@pytest.mark.parametrize(
    ("pattern", "sentence"), [("(", "is no regular expression"), ("zoe", "such as anger/anna_1.wav")]
)
def test_a_pattern_that_cannot_be_used_is_one_sentence(tmp_path: Path, pattern: str, sentence: str) -> None:
    with pytest.raises(RequestError, match=sentence):
        opened(f"folder:{write_folder(tmp_path)}", pattern)


def test_a_pattern_is_offered_where_speakers_are_unknown(tmp_path: Path) -> None:
    corpus = opened(f"folder:{write_folder(tmp_path)}")
    (offer,) = speaker_offers(corpus)
    assert "finds 4 (anna, ben, cleo, dora)." in offer
    (possible,) = possible_speakers(corpus.clips)
    assert speaker_offers(opened(corpus.source, possible.pattern)) == ()


UNFIT = {
    "numbers of clips": [f"anger/{number:04}.wav" for number in range(40)],
    "emotions": [f"{('anger', 'fear', 'sadness', 'joy')[number % 4]}_{number}.wav" for number in range(36)],
    "codes of emotions": [
        f"{name}/{name[:2]}-{take}.wav" for name in ("anger", "fear", "joy") for take in "abcdefghijk"
    ],
    "two speakers": [f"{who}_{take}.wav" for who in ("anna", "ben") for take in "abcdefgh"],
    "a clip without": [*(f"{who}_{take}.wav" for who in PEOPLE for take in "abcd"), "other.wav"],
}


@pytest.mark.parametrize("kind", UNFIT)
def test_what_is_no_speaker_is_not_offered(tmp_path: Path, kind: str) -> None:
    assert speaker_offers(opened(f"folder:{write_folder(tmp_path, *UNFIT[kind])}")) == ()
