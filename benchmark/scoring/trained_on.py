"""Whether a candidate was trained on a corpus, as far as that is declared, and the names that corpora go by."""

import re
from collections.abc import Sequence
from enum import StrEnum

# Other names of the same recordings, in the form that `_plain` gives them.
_OTHER_NAMES = {
    "ravdess": ("ryersonaudiovisualdatabaseofemotionalspeechandsong", "ravdessspeech", "ravdessparquet"),
    "cremad": ("crema", "crowdsourcedemotionalmultimodalactorsdataset"),
    "tess": ("torontoemotionalspeechset",),
    "savee": ("surreyaudiovisualexpressedemotion",),
    "emodb": (
        "berlin",
        "berlinemodb",
        "emodbberlin",
        "berlindatabaseofemotionalspeech",
        "berlinemotionalspeechdatabase",
    ),
    "iemocap": ("interactiveemotionaldyadicmotioncapture",),
    "meld": ("multimodalemotionlinesdataset",),
    "msppodcast": ("msppod",),
    "esd": ("emotionalspeechdataset",),
    "aesdd": ("actedemotionalspeechdynamicdatabase",),
    "resd": ("russianemotionalspeechdialogs",),
    "emovo": (),
    "dusha": (),
}
_MAIN_NAME = {other: main for main, others in _OTHER_NAMES.items() for other in others}


class Seen(StrEnum):
    """Whether a candidate was trained on a corpus; nothing declared is unknown, not no.

    `partly` stands for other speakers of it than those that are scored.
    """

    YES = "yes"
    PARTLY = "partly"
    NO = "no"
    UNKNOWN = "unknown"


def seen(trained_on: Sequence[str] | None, corpus: str) -> Seen:
    """Compare the declared training corpora with the name of a corpus.

    Names are compared, not recordings: a part of a corpus that was held out from training gets a name of its own in the
    registry.

    Examples:
        >>> seen(["crema_d", "TESS"], "CREMA-D").value, seen(["ravdess"], "ravdess-heldout").value
        ('yes', 'no')
    """
    if trained_on is None:
        return Seen.UNKNOWN
    return Seen.YES if main_name(corpus) in {main_name(name) for name in trained_on} else Seen.NO


def main_name(corpus: str) -> str:
    """The main name for all spellings and known other names of a corpus.

    A known corpus's name with the number of its emotions behind it (`iemocap-4`) is that corpus, and so is a data
    set of the Hub whose last part is such a name (`xbgoose/ravdess`).

    Examples:
        >>> main_name("Berlin EmoDB"), main_name("emodb-4"), main_name("xbgoose/ravdess"), main_name("calls-2026")
        ('emodb', 'emodb', 'ravdess', 'calls2026')
    """
    name = _plain(corpus) or corpus
    for known in (name, _plain(corpus.rpartition("/")[2])):
        for form in (known, known.rstrip("0123456789")):
            main = _MAIN_NAME.get(form, form)
            if main in _OTHER_NAMES:
                return main
    return name


def _plain(name: str) -> str:
    """Lower case, letters and digits only: `MSP-Podcast 1.11` is `msppodcast111`."""
    return re.sub(r"[\W_]+", "", name.casefold())
