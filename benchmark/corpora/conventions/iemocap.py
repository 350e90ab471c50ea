"""IEMOCAP: labels, and what each rater said, stand in text files of the corpus.

Busso C et al. (2008): IEMOCAP: interactive emotional dyadic motion capture database. Language Resources and
Evaluation 42(4), 335-359; "dialog/EmoEvaluation/*.txt" of https://sail.usc.edu/iemocap/.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.corpora.clips import Clip, storable
from benchmark.corpora.conventions.naming import left_out, occurring_codes
from benchmark.corpora.folder import FolderContents, find_recordings
from benchmark.corpora.sources import AudioFile
from benchmark.emotions.classes import label_codes
from benchmark.errors import RequestError

_FORM = "an utterance of dialog/EmoEvaluation, such as Ses01F_impro01_F000.wav"
_UTTERANCE = re.compile(
    r"\[(?P<start>[\d.]+) - (?P<stop>[\d.]+)\]\s+(?P<name>\S+)\s+(?P<label>[a-z]{3})\s+\[", re.ASCII
)
_NAME = re.compile(r"(?P<session>Ses\d{2})[FM]_(?P<scene>(?:impro|script)\w+?)_(?P<speaker>[FM])\w+")
# "C-E2: Neutral; Frustration; ()": a listener's categories. C-F1 and C-M1 are the actors' words on themselves.
_RATING = re.compile(r"C-E\d+:\s*(?P<categories>[^(]*)")
_CODES = {
    "anger": "ang",
    "happiness": "hap",
    "excited": "exc",
    "sadness": "sad",
    "neutral state": "neu",
    "neutral": "neu",
    "frustration": "fru",
    "fear": "fea",
    "surprise": "sur",
    "disgust": "dis",
    "other": "oth",
}
NO_AGREEMENT = "xxx"
_SEXES = {"F": "female", "M": "male"}


@dataclass
class _Rated:
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
    rated: dict[str, _Rated] = {}
    for path in files:
        rated |= parse_evaluation(path.read_text(encoding="utf-8", errors="replace").splitlines())
    # Whole dialogs, one file for minutes of two people, are recordings of the corpus and no clips of it.
    strange = [name for name, path in recordings.items() if name not in rated and "dialog" not in path.parts]
    clips = tuple(
        clip for name in sorted(rated) if (clip := _clip(name, rated[name], recordings.get(name), folder)) is not None
    )
    missing = [name for name in rated if name not in recordings]
    if len(missing) == len(rated):
        raise RequestError(
            f"Not one recording of the {len(rated)} utterances that IEMOCAP's label files in {folder} name is there; "
            "expected Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav and the like."
        )
    notes = left_out([recordings[name].relative_to(folder).as_posix() for name in sorted(strange)], _FORM)
    if missing:
        notes += (f"{len(missing)} utterances of the label files have no recording and are left out: {missing[0]}, …",)
    occurring = occurring_codes(label_codes("iemocap"), clips)
    codes = {code: emotion for code, emotion in occurring.items() if code != NO_AGREEMENT}
    return FolderContents(clips, notes, codes)


def parse_evaluation(lines: Iterable[str]) -> dict[str, _Rated]:
    r"""Read one label file.

    Args:
        lines: Its lines.

    Returns:
        Name of the utterance → its label and the listeners' votes.

    Examples:
        >>> parse_evaluation(["[6.29 - 8.23]\tSes01F_impro01_F000\tneu\t[2.5, 2.5, 2.5]", "C-E2:\tNeutral;\t()"])
        {'Ses01F_impro01_F000': _Rated(label='neu', votes=Counter({'neu': 1}))}
    """
    rated: dict[str, _Rated] = {}
    current: _Rated | None = None
    for line in lines:
        if (match := _UTTERANCE.match(line)) is not None:
            current = rated[match["name"]] = _Rated(match["label"])
        elif current is not None and (rating := _RATING.match(line)) is not None:
            words = (word.strip().lower() for word in rating["categories"].split(";"))
            current.votes.update(_CODES[word] for word in words if word in _CODES)
    return rated


def _clip(name: str, rated: _Rated, path: Path | None, folder: Path) -> Clip | None:
    match = _NAME.fullmatch(name)
    if path is None or match is None:
        return None
    return Clip(
        name=storable(path.relative_to(folder).as_posix()),
        audio=AudioFile(path),
        label=rated.label,
        speaker=match["session"] + match["speaker"],
        sex=_SEXES[match["speaker"]],
        language="en",
        text_id=match["scene"],
        votes=dict(sorted(rated.votes.items())) or None,
    )
