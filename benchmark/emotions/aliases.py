"""Which emotion a label names: whole labels in many languages and spellings, and nothing that has to be guessed."""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache

from benchmark.emotions.classes import unknown_emotion, vocabulary

_SEPARATORS = re.compile(r"[\s_\u200c\u2010-\u2015\u2212-]+")
_SURROUNDINGS = " \"'`´‘’“”«»<>[](){}|*.,;:!?、。"
_LEADING_NUMBER = re.compile(r"^(label ?)?[0-9]{1,2}[ .:)\]]*(?=[^\W\d_])")
_SPEAKER_GROUPS = frozenset({"female", "male", "woman", "man"})
_TESS_SPEAKERS = frozenset({"oaf", "yaf"})
# The same letters typed on an Arabic and on a Persian or Urdu keyboard; vowel marks and stretching are optional there.
_ARABIC_VARIANTS = str.maketrans(
    {"ي": "ی", "ى": "ی", "ك": "ک", "ـ": None} | dict.fromkeys(map(chr, range(0x64B, 0x653)))
)
_UNWRITTEN = re.compile("[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]")  # variation selectors, skin tones
_ACCENTS = re.compile(r"[\u0300-\u036f]")
_LETTERS_WITHOUT_ACCENTS_TO_LOSE = str.maketrans({"ł": "l", "ı": "i", "ø": "o"})
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
# Where a word without its accents is still the same word; in Vietnamese or Hindi it would be another.
_LANGUAGES_OFTEN_WRITTEN_WITHOUT_ACCENTS = frozenset({"de", "fr", "es", "it", "pt", "el", "tr", "pl", "sv", "da"})


def normalise(label: str) -> str:
    """The form under which a label is looked up.

    1. Unicode NFC; emoji, invisible format characters, Arabic vowel marks and stretching are dropped, and the Arabic
       and Persian forms of yeh and kaf become one.
    2. Case is folded; underscores, hyphens, dashes and white space become one space.
    3. Quotes, brackets and punctuation around the label go.
    4. A leading number of one or two digits goes, with transformers' word before it, too: `01Neutral`, `01_neutral`,
       `1-neutral`, `1. neutral`, `LABEL_1: neutral`.
    5. One speaker's group goes, as a first word (`female`, `male`, `woman`, `man`; TESS's `OAF`, `YAF`) or, TESS's
       apart, as a last word: `female_happy`, `happy_male`, `OAF_angry`.

    Nothing else is stripped, and what would leave nothing is kept. A label without letters or digits becomes empty.

    Examples:
        >>> normalise("01_Pleasant-Surprise"), normalise("female_happy"), normalise(" OAF_Fear ")
        ('pleasant surprise', 'happy', 'fear')
        >>> normalise("LABEL_0"), normalise("Angry music")
        ('label 0', 'angry music')
    """
    text = "".join(filter(_is_written, unicodedata.normalize("NFC", label))).translate(_ARABIC_VARIANTS)
    # Turkish İ folds to an i with a dot above it.
    text = unicodedata.normalize("NFC", text.casefold()).replace("i̇", "i")
    text = _SEPARATORS.sub(" ", text).strip(_SURROUNDINGS)
    return _without_speaker_group(_LEADING_NUMBER.sub("", text))


def emotion_of(label: str) -> str | None:
    """The canonical name of the class that a whole label names; None if it is not known, never a guess.

    A label in two languages (`生气/angry`) names a class if each part on its own names that class.

    Examples:
        >>> emotion_of("ANGRY"), emotion_of("분노"), emotion_of("Wut"), emotion_of("01_neutral")
        ('anger', 'anger', 'anger', 'neutral')
        >>> emotion_of("Angry music") is None, emotion_of("F") is None
        (True, True)
    """
    classes = _class_by_spelling()
    emotion = classes.get(normalise(label))
    if emotion is None and "/" in label:
        named = {classes.get(normalise(part)) for part in label.split("/")}
        return named.pop() if len(named) == 1 else None
    return emotion


def resolve_emotion(text: str) -> str:
    """The canonical name of the class that a user means by a name or an alias in an override or a merge.

    Raises:
        RequestError: No class is called so; the message names the nearest.
    """
    emotion = emotion_of(text)
    if emotion is None:
        raise unknown_emotion(text)
    return emotion


def spellings(alias: str, language: str) -> Iterator[str]:
    """The normalised forms under which an alias of a language is found.

    Besides the alias: its upper case folded again (Turkish dotless ı, Greek), without accents in languages that are
    often written without, German umlauts written out, Russian ё as е.

    Examples:
        >>> sorted(set(spellings("Ärger", "de")))
        ['aerger', 'arger', 'ärger']
    """
    yield normalise(alias)
    yield normalise(alias.upper())
    if language in _LANGUAGES_OFTEN_WRITTEN_WITHOUT_ACCENTS:
        plain = _ACCENTS.sub("", unicodedata.normalize("NFD", alias))
        yield normalise(plain)
        yield normalise(plain.translate(_LETTERS_WITHOUT_ACCENTS_TO_LOSE))
    if language == "ru":
        yield normalise(alias.replace("ё", "е"))
    if language == "de":
        yield normalise(alias.casefold().translate(_UMLAUTS))


def _is_written(character: str) -> bool:
    if character == "\u200c":  # the zero-width non-joiner separates the parts of Persian words
        return True
    return unicodedata.category(character) not in {"So", "Cf"} and _UNWRITTEN.match(character) is None


def _without_speaker_group(text: str) -> str:
    first, _, rest = text.partition(" ")
    if rest and first in _SPEAKER_GROUPS | _TESS_SPEAKERS:
        return rest
    rest, _, last = text.rpartition(" ")
    return rest if rest and last in _SPEAKER_GROUPS else text


@cache
def _class_by_spelling() -> dict[str, str]:
    classes: dict[str, str] = {}
    for name, entry in vocabulary().items():
        classes[normalise(name)] = name
        for language, aliases in entry.aliases.items():
            for alias in aliases:
                classes.update(dict.fromkeys(spellings(alias, language), name))
    return classes
