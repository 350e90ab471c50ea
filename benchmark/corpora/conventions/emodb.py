"""EmoDB, the Berlin database: speaker, text, a letter for the German word of the emotion, and a version.

Burkhardt F, Paeschke A, Rolfes M, Sendlmeier W, Weiss B (2005): A database of German emotional speech. Interspeech,
1517-1520; "Additional information" of http://emodb.bilderbar.info.
"""

import re
from pathlib import PurePosixPath

from benchmark.corpora.conventions.naming import Naming, Parsed, Utterance

_NAME = re.compile(r"(?P<speaker>\d{2})(?P<text>[ab]\d{2})(?P<emotion>[WLEAFTN])(?P<version>[a-z])?", re.IGNORECASE)
# "Information about the speakers" of its documentation.
_SEXES = dict.fromkeys(("03", "10", "11", "12", "15"), "male") | dict.fromkeys(("08", "09", "13", "14", "16"), "female")


def parse(path: PurePosixPath) -> Parsed:
    """Parse a name.

    Examples:
        >>> parse(PurePosixPath("wav/03a01Fa.wav"))
        Utterance(label='F', speaker='03', sex='male', text_id='a01', intensity=None)
    """
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    return Utterance(
        label=match["emotion"].upper(),
        speaker=match["speaker"],
        sex=_SEXES.get(match["speaker"]),
        text_id=match["text"].lower(),
    )


NAMING = Naming(
    corpus="emodb", language="de", form="speaker, text, emotion and version, such as 03a01Fa.wav", parse=parse
)
