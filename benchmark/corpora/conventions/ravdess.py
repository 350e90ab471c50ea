"""RAVDESS: seven numbers with hyphens between them.

Livingstone SR, Russo FA (2018): The Ryerson Audio-Visual Database of Emotional Speech and Song. PLoS ONE 13(5),
e0196391; the "File naming convention" of https://doi.org/10.5281/zenodo.1188976.
"""

import re
from dataclasses import replace
from pathlib import Path, PurePosixPath

from benchmark.corpora.conventions.naming import Excluded, Naming, Parsed, Utterance
from benchmark.corpora.folder import FolderContents

_NAME = re.compile(
    r"(?P<modality>0[123])-(?P<channel>0[12])-(?P<emotion>0[1-8])-(?P<intensity>0[12])-(?P<statement>0[12])"
    r"-(?P<repetition>0[12])-(?P<actor>0[1-9]|1[0-9]|2[0-4])"
)
_INTENSITIES = {"01": "normal", "02": "strong"}
_VIDEO_ONLY, _SONG = "02", "02"
_VIDEO_SUFFIXES = frozenset({".mp4", ".avi", ".mov"})


def parse(path: PurePosixPath) -> Parsed:
    """Parse a name. Actors with odd numbers are male. Sung words are texts of their own, `song-01` and `song-02`.

    Examples:
        >>> parse(PurePosixPath("Actor_12/03-01-06-01-02-01-12.wav"))
        Utterance(label='06', speaker='12', sex='female', text_id='02', intensity='normal')
    """
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    if match["modality"] == _VIDEO_ONLY:
        return Excluded("video without sound (modality 02)")
    if path.suffix.lower() in _VIDEO_SUFFIXES:
        return Excluded("video with sound (modality 01), whose sound is in the files of modality 03")
    return Utterance(
        label=match["emotion"],
        speaker=match["actor"],
        sex="male" if int(match["actor"]) % 2 else "female",
        text_id=("song-" if match["channel"] == _SONG else "") + match["statement"],
        intensity=_INTENSITIES[match["intensity"]],
    )


NAMING = Naming(
    corpus="ravdess",
    language="en",
    form="modality-channel-emotion-intensity-statement-repetition-actor, such as 03-01-06-01-02-01-12.wav",
    parse=parse,
)


def read(folder: Path) -> FolderContents:
    """Read the recordings of RAVDESS, speech and song, below a folder.

    Raises:
        RequestError: There is no such folder, or no recording that is named so.
    """
    contents = NAMING.read(folder)
    sung = sum((clip.text_id or "").startswith("song-") for clip in contents.clips)
    if not sung:
        return contents
    note = f"{sung} of the {len(contents.clips)} clips are song (vocal channel 02)."
    return replace(contents, notes=(*contents.notes, note))
