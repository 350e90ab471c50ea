from collections import defaultdict

import pytest

from benchmark.emotions.aliases import emotion_of, normalise, resolve_emotion, spellings
from benchmark.emotions.classes import vocabulary
from benchmark.errors import RequestError

# Of models of the Hub (superb-er, emotion2vec, …), of corpora (RAVDESS, CREMA-D, TESS, EmoDB, ESD, EMOVO, IEMOCAP,
# AI-Hub, DUSHA, …), in more languages, and misspelt.
LABELS = {
    "neutral": (
        "neu", "中立/neutral", "01-neutral", "中立", "neutrale", "중립", "нейтральный", "nuetral", "male-neutral",
    ),
    "anger": (
        "ANGRY", "ang", "분노", "生气/angry", "05 angry", "OAF_angry", "Ärger", "Wut", "Ärger/Wut", "Aerger",
        "ÄRGER", "生气", "rab", "rabbia", "злость", "гнев", "colère", "colere", "raiva", "θυμός", "ΘΥΜΟΣ", "kızgın",
        "KIZGIN", "غضب", "عصباني", "غصہ", "गुस्सा", "złość", "zlosc", "marah", "tức giận", "怒り", "01_female_angry",
        "😡 Angry", "kizgin",
    ),
    "happiness": (
        "HAPPY", "hap", "기쁨", "开心/happy", "03happy", "Freude", "快乐", "gio", "gioia", "felicita", "joy",
        "행복", "радость", "alegría", "alegria", "mutlu", "شادی", "ख़ुशी", "female_happy", "happy_male", "[happy]",
    ),
    "sadness": (
        "SAD", "슬픔", "难过/sad", "04. sad", "OAF_Sad", "Trauer", "伤心", "tri", "tristezza", "Грусть", "λύπη",
        "ÜZGÜN", "حزن", "sedih", "buồn", "悲しみ", "woman sad", "sad.",
    ),
    "fear": (
        "fearful", "恐惧/fearful", "06Fearful", "FEA", "YAF_fear", "Angst", "pau", "paura", "공포", "страх", "peur",
        "miedo", "ترس", "恐懼", "fears",
    ),
    "disgust": (
        "厌恶/disgusted", "07-disgust", "DIS", "Ekel", "disgusto", "혐오", "отвращение", "dégoût", "asco",
        "İğrenme", "digust",
    ),
    "surprise": (
        "surprised", "吃惊/surprised", "08_Surprised", "OAF_Pleasant_surprise", "YAF_pleasant_surprised", "ps",
        "pleasant_surprise", "惊喜", "sor", "sorpresa", "sur", "놀람", "удивлённый", "удивленный", "Überraschung",
        "suprised", "Pleasant  Surprise",
    ),
    "calm": ("02_calm", " 'calm' "),
    "boredom": ("Langeweile", "tédio", "bored"),
    "frustration": ("fru", "frustrated"),
    "excitement": ("exc",),
    "enthusiasm": ("энтузиазм",),
    "anxiety": ("불안",),
    "embarrassment": ("당황", "embarassed"),
    "hurt": ("상처",),
    "positive": ("позитив",),
    "other": ("其他/other", "oth", "другое"),
    "unknown": ("<unk>", "xxx"),
}  # fmt: skip

UNMAPPED = (
        "", " ", "_", "😡", "3", "01", "01_", "female", "male", "OAF",
        "LABEL_0", "LABEL_1", "label 0", "LABEL_happy",
        "arousal", "valence", "dominance", "activation", "emotion",
        "Angry music", "Happy music", "not angry", "anger_level", "anger level", "unangry", "very sad", "angry sad",
        "anger/disgust", "angry/", "happy|sad", "happysad", "Bang", "Speech", "Crying, sobbing", "Screaming",
        "W", "L", "E", "A", "F", "T", "N", "a", "f", "h", "n", "sa", "su",
        "normal", "none", "nan", "whisper", "silence", "aggressive", "1989", "100 happy", "O", "X",
)  # fmt: skip


@pytest.mark.parametrize("emotion", LABELS)
def test_a_label_of_a_known_model_or_corpus_names_its_emotion(emotion: str) -> None:
    assert {label: emotion_of(label) for label in LABELS[emotion]} == dict.fromkeys(LABELS[emotion], emotion)


def test_what_is_not_the_whole_name_of_one_emotion_stays_unmapped() -> None:
    assert [label for label in UNMAPPED if emotion_of(label) is not None] == []


def test_no_alias_names_two_classes_in_any_of_its_spellings() -> None:
    claims: dict[str, set[str]] = defaultdict(set)
    for name, entry in vocabulary().items():
        claims[normalise(name)].add(name)
        for language, aliases in entry.aliases.items():
            for alias in aliases:
                for spelling in spellings(alias, language):
                    claims[spelling].add(name)
    assert {spelling: names for spelling, names in claims.items() if len(names) > 1} == {}


def test_every_alias_and_every_canonical_name_resolves_to_its_class_in_any_case() -> None:
    wrong = [
        (alias, name, emotion_of(form))
        for name, entry in vocabulary().items()
        for aliases in ((name,), *entry.aliases.values())
        for alias in aliases
        for form in (alias, alias.upper(), alias.lower(), alias.title(), f"01_{alias}", f"female_{alias}")
        if emotion_of(form) != name
    ]
    assert wrong == []


def test_aliases_are_listed_once_and_none_is_a_single_letter() -> None:
    lists = [aliases for entry in vocabulary().values() for aliases in entry.aliases.values()]
    assert [aliases for aliases in lists if len(aliases) != len(set(aliases))] == []
    assert [alias for aliases in lists for alias in aliases if len(alias) < 2] == []


FOLDED = {
    "": "", "a\u0308rger": "ärger", "Pleasant_Surprise": "pleasant surprise",
    "pleasant\u2011surprise": "pleasant surprise", "01Neutral": "neutral", "1-neutral": "neutral",
    "(2) neutral": "neutral", "LABEL_2: neutral": "neutral", "LABEL_2_neutral": "neutral",
    "label2 - neutral": "neutral", "LABEL_2": "label 2", "LABEL_neutral": "label neutral", "123neutral": "123neutral",
    "neutral 2": "neutral 2", "2": "2", "happy_male": "happy", "male": "male", "oaf": "oaf", "angry oaf": "angry oaf",
    "\ufeffsad\u200b": "sad", "👍🏽 happy": "happy", "شـــادی": "شادی", "بی‌طرف": "بی طرف",
}  # fmt: skip


def test_the_stripped_forms_are_exactly_the_documented_ones() -> None:
    assert {label: normalise(label) for label in FOLDED} == FOLDED


def test_a_user_may_write_any_alias_and_an_unknown_emotion_is_refused() -> None:
    assert resolve_emotion("Joy") == "happiness"
    with pytest.raises(RequestError, match="unknown emotion 'angerr'; did you mean 'anger'"):
        resolve_emotion("angerr")
    with pytest.raises(RequestError, match="unknown emotion 'xylophone'; the classes are neutral, anger"):
        resolve_emotion("xylophone")
