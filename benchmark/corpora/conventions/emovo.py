"""EMOVO: emotion, actor and sentence, with hyphens between them.

Costantini G, Iaderola I, Paoloni A, Todisco M (2014): EMOVO Corpus: an Italian Emotional Speech Database. LREC,
3501-3504.
"""

import re
from pathlib import PurePosixPath

from benchmark.corpora.conventions.naming import Naming, Parsed, Utterance

_NAME = re.compile(
    r"(?P<emotion>dis|gio|neu|pau|rab|sor|tri)-(?P<actor>[fm][123])-(?P<sentence>b[123]|l[1-4]|n[1-5]|d[12])",
    re.IGNORECASE,
)
_SEXES = {"f": "female", "m": "male"}


def parse(path: PurePosixPath) -> Parsed:
    """Parse a name; sentences are short (b), long (l), without meaning (n) or questions (d).

    Examples:
        >>> parse(PurePosixPath("f1/dis-f1-b1.wav"))
        Utterance(label='dis', speaker='f1', sex='female', text_id='b1', intensity=None)
    """
    match = _NAME.fullmatch(path.stem.lower())
    if match is None:
        return None
    actor = match["actor"]
    return Utterance(label=match["emotion"], speaker=actor, sex=_SEXES[actor[0]], text_id=match["sentence"])


NAMING = Naming(corpus="emovo", language="it", form="emotion-actor-sentence, such as dis-f1-b1.wav", parse=parse)
