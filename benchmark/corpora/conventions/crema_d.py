"""CREMA-D: actor, sentence, emotion and level, with underscores between them.

Cao H, Cooper DG, Keutmann MK, Gur RC, Nenkova A, Verma R (2014): CREMA-D: Crowd-sourced Emotional Multimodal Actors
Dataset. IEEE Transactions on Affective Computing 5(4), 377-390; README of https://github.com/CheyneyComputerScience/CREMA-D.
"""

import csv
import re
from dataclasses import replace
from pathlib import Path, PurePosixPath

from benchmark.corpora.conventions.naming import Naming, Parsed, Utterance
from benchmark.corpora.folder import FolderContents
from benchmark.errors import RequestError

# One file, 1040_ITH_SAD_X, has a single X as its level.
_NAME = re.compile(
    r"(?P<actor>1\d{3})_(?P<sentence>[A-Z]{3})_(?P<emotion>ANG|DIS|FEA|HAP|NEU|SAD)_(?P<level>LO|MD|HI|XX?)"
)
_LEVELS = {"LO": "low", "MD": "medium", "HI": "high"}
_DEMOGRAPHICS = "VideoDemographics.csv"


def parse(path: PurePosixPath) -> Parsed:
    """Parse a name.

    Examples:
        >>> parse(PurePosixPath("AudioWAV/1001_IEO_ANG_HI.wav"))
        Utterance(label='ANG', speaker='1001', sex=None, text_id='IEO', intensity='high')
    """
    match = _NAME.fullmatch(path.stem.upper())
    if match is None:
        return None
    return Utterance(
        label=match["emotion"],
        speaker=match["actor"],
        text_id=match["sentence"],
        intensity=_LEVELS.get(match["level"]),
    )


NAMING = Naming(
    corpus="crema-d", language="en", form="actor_sentence_emotion_level, such as 1001_DFA_ANG_XX.wav", parse=parse
)


def read(folder: Path) -> FolderContents:
    """Read the recordings of CREMA-D below a folder, and the actors' sex from the table that lies there or above.

    Raises:
        RequestError: There is no such folder, no recording that is named so, or the table is not what it should be.
    """
    contents = NAMING.read(folder)
    tables = (parent / _DEMOGRAPHICS for parent in (folder, folder.parent))
    table = next((path for path in tables if path.is_file()), None)
    if table is None:
        note = f"Nobody knows the speakers' sex: there is no {_DEMOGRAPHICS} in {folder}."
        return replace(contents, notes=(*contents.notes, note))
    with table.open(encoding="utf-8-sig", newline="") as file:
        try:
            sexes = {row["ActorID"].strip(): row["Sex"].strip().lower() for row in csv.DictReader(file)}
        except (KeyError, AttributeError, UnicodeDecodeError, csv.Error) as error:
            raise RequestError(
                f"{table} is not CREMA-D's table of actors (columns ActorID and Sex): replace or remove it."
            ) from error
    return replace(contents, clips=tuple(replace(clip, sex=sexes.get(clip.speaker or "")) for clip in contents.clips))
