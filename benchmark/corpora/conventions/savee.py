"""SAVEE: a letter or two for the emotion and the number of the sentence, in a folder or behind a prefix per speaker.

Haq S, Jackson PJB (2010): Multimodal emotion recognition. In: Machine Audition, IGI Global, 398-423;
"AudioData/Info.txt" of http://kahlan.eps.surrey.ac.uk/savee/.
"""

import re
from pathlib import PurePosixPath

from benchmark.corpora.conventions.naming import Naming, Parsed, Utterance

_NAME = re.compile(r"(?:(?P<speaker>DC|JE|JK|KL)_)?(?P<emotion>sa|su|a|d|f|h|n)(?P<sentence>\d{2})", re.IGNORECASE)
_SPEAKERS = frozenset({"DC", "JE", "JK", "KL"})
# The first three sentences are the same for all emotions; which of the others neutral repeats is not in the names.
_COMMON_SENTENCES = 3


def parse(path: PurePosixPath) -> Parsed:
    """Parse a name: `DC/a01.wav`, `DC_a01.wav`. From the fourth on, sentences differ between emotions.

    Examples:
        >>> parse(PurePosixPath("DC/sa05.wav"))
        Utterance(label='sa', speaker='DC', sex='male', text_id='sa05', intensity=None)
        >>> parse(PurePosixPath("KL_d03.wav")).text_id
        '03'
    """
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    named = match["speaker"] or next((part for part in reversed(path.parent.parts) if part.upper() in _SPEAKERS), None)
    if named is None:
        return None
    emotion, sentence = match["emotion"].lower(), match["sentence"]
    return Utterance(
        label=emotion,
        speaker=named.upper(),
        sex="male",
        text_id=sentence if int(sentence) <= _COMMON_SENTENCES else emotion + sentence,
    )


NAMING = Naming(
    corpus="savee", language="en", form="speaker/emotion+sentence or speaker_emotion+sentence, such as DC/a01.wav or "
    "DC_a01.wav", parse=parse
)  # fmt: skip
