"""IEMOCAP: labels and ratings are in text files of the corpus.

Busso C et al. (2008): IEMOCAP: interactive emotional dyadic motion capture database. Language Resources and
Evaluation 42(4), 335-359; "dialog/EmoEvaluation/*.txt" of https://sail.usc.edu/iemocap/.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.corpora.audio_sources import AudioFile
from benchmark.corpora.clips import Clip
from benchmark.corpora.conventions.naming import occurring_codes, strange_files
from benchmark.corpora.folder import FolderContents, find_recordings
from benchmark.emotions.aliases import emotion_of
from benchmark.emotions.classes import label_codes
from benchmark.errors import RequestError
from benchmark.hub.repository_facts import storable
from benchmark.results.left_out import left_out

_FORM = "an utterance of dialog/EmoEvaluation, such as Ses01F_impro01_F000.wav"
_UTTERANCE = re.compile(
    r"\[(?P<start>[\d.]+) - (?P<stop>[\d.]+)\]\s+(?P<name>\S+)\s+(?P<label>[a-z]{3})\s+\[", re.ASCII
)
_NAME = re.compile(r"(?P<session>Ses\d{2})[FM]_(?P<scene>(?:impro|script)\w+?)_(?P<speaker>[FM])\w+")
# "C-E2: Neutral; Frustration; ()": a listener's categories. C-F1 and C-M1 are the actors' words on themselves.
_LISTENER = re.compile(r"C-E\d+:\s*(?P<categories>[^(]*)")
_NO_AGREEMENT = "xxx"
_SEXES = {"F": "female", "M": "male"}


@dataclass
class _Rating:
    label: str
    votes: Counter[str] = field(default_factory=Counter)


def read(folder: Path) -> FolderContents:
    """Read the utterances of IEMOCAP that lie below a folder, with the label that most listeners agreed on.

    Utterances without agreement keep the corpus's `xxx`, which is no emotion, and are not scored. The scene that a
    sentence belongs to is its text id. Each category that a listener named is a vote.

    Raises:
        RequestError: There is no such folder, there are no label files, or no recording that they name.
    """
    recordings = {path.stem: path for path in find_recordings(folder, kind="iemocap")}
    files = [path for path in sorted(folder.rglob("EmoEvaluation/*.txt")) if not path.name.startswith(".")]
    if not files:
        raise RequestError(
            f"There are no label files (Session*/dialog/EmoEvaluation/*.txt) in {folder}: name the folder that holds "
            "IEMOCAP's sessions."
        )
    ratings: dict[str, _Rating] = {}
    for path in files:
        ratings |= parse_evaluation(path.read_text(encoding="utf-8", errors="replace").splitlines())
    missing = [name for name in ratings if name not in recordings]
    if len(missing) == len(ratings):
        raise RequestError(
            f"Not one recording of the {len(ratings)} utterances that IEMOCAP's label files in {folder} name is there; "
            "expected Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav and the like."
        )
    clips = tuple(
        Clip(
            name=storable(recordings[name].relative_to(folder).as_posix()),
            audio=AudioFile(recordings[name]),
            label=rating.label,
            speaker=match["session"] + match["speaker"],
            sex=_SEXES[match["speaker"]],
            language="en",
            text_id=match["scene"],
            votes=dict(sorted(rating.votes.items())) or None,
        )
        for name, rating in sorted(ratings.items())
        if name in recordings and (match := _NAME.fullmatch(name)) is not None
    )
    # Whole dialogs, one file for minutes of two people, are recordings of the corpus and no clips of it.
    unrated = [name for name, path in recordings.items() if name not in ratings and "dialog" not in path.parts]
    others = strange_files([recordings[name].relative_to(folder).as_posix() for name in sorted(unrated)], _FORM)
    if missing:
        what = "[utterance of the label files has|utterances of the label files have] no recording"
        others += (left_out("no-recording", len(missing), missing, what, "not read"),)
    return FolderContents(clips, codes=occurring_codes(_codes(), clips), left_out=others)


def _codes() -> dict[str, str]:
    """The codes that name an emotion."""
    return {code: emotion for code, emotion in label_codes("iemocap").items() if code != _NO_AGREEMENT}


def parse_evaluation(lines: Iterable[str]) -> dict[str, _Rating]:
    r"""Read the lines of one label file: name of the utterance → its label and the listeners' votes.

    Examples:
        >>> parse_evaluation(["[6.29 - 8.23]\tSes01F_impro01_F000\tneu\t[2.5, 2.5, 2.5]", "C-E2:\tNeutral;\t()"])
        {'Ses01F_impro01_F000': _Rating(label='neu', votes=Counter({'neu': 1}))}
    """
    codes = {emotion: code for code, emotion in _codes().items()}
    ratings: dict[str, _Rating] = {}
    current: _Rating | None = None
    for line in lines:
        if (match := _UTTERANCE.match(line)) is not None:
            current = ratings[match["name"]] = _Rating(match["label"])
        elif current is not None and (listener := _LISTENER.match(line)) is not None:
            # "Neutral state" is the only category of two words.
            words = (word.strip().lower().removesuffix(" state") for word in listener["categories"].split(";"))
            emotions = map(emotion_of, words)
            current.votes.update(codes[emotion] for emotion in emotions if emotion in codes)
    return ratings
