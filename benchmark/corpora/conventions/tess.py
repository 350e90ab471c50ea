"""TESS: one of two actresses, a word, and an emotion, with underscores between them.

Pichora-Fuller MK, Dupuis K (2020): Toronto emotional speech set (TESS). Borealis, https://doi.org/10.5683/SP2/E8H2MF.
"""

import re
from pathlib import PurePosixPath

from benchmark.corpora.conventions.naming import Naming, Parsed, Utterance

# One file of the older actress, OA_bite_neutral, lacks the F.
_NAME = re.compile(
    r"(?P<actress>OAF|YAF|OA)_(?P<word>[a-z]+)_(?P<emotion>angry|disgust|fear|happy|neutral|ps|sad)", re.IGNORECASE
)


def parse(path: PurePosixPath) -> Parsed:
    """Parse a name; OAF is the older actress, YAF the younger.

    Examples:
        >>> parse(PurePosixPath("YAF_pleasant_surprised/YAF_dog_ps.wav"))
        Utterance(label='ps', speaker='YAF', sex='female', text_id='dog', intensity=None)
    """
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    return Utterance(
        label=match["emotion"].lower(),
        speaker="YAF" if match["actress"].upper() == "YAF" else "OAF",
        sex="female",
        text_id=match["word"].lower(),
    )


NAMING = Naming(corpus="tess", language="en", form="actress_word_emotion, such as OAF_back_angry.wav", parse=parse)
