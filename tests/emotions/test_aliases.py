"""Which emotion a label names."""

from collections import defaultdict

import pytest

from benchmark.emotions.aliases import emotion_of, normalise, resolve_emotion, spellings
from benchmark.emotions.classes import vocabulary
from benchmark.errors import RequestError

LABELS_OF_CANDIDATES = {
    "Aniemore/wavlm-emotion-russian-resd": {
        "anger": "anger", "disgust": "disgust", "enthusiasm": "enthusiasm", "fear": "fear",
        "happiness": "happiness", "neutral": "neutral", "sadness": "sadness",
    },
    "DunnBC22/wav2vec2-base-Speech_Emotion_Recognition": {
        "SAD": "sadness", "ANGRY": "anger", "DISGUST": "disgust", "FEAR": "fear", "HAPPY": "happiness",
        "NEUTRAL": "neutral",
    },
    "xbgoose/hubert-large-speech-emotion-recognition-russian-dusha-finetuned": {
        "neutral": "neutral", "angry": "anger", "positive": "positive", "sad": "sadness", "other": "other",
    },
    "superb/wav2vec2-base-superb-er": {"neu": "neutral", "hap": "happiness", "ang": "anger", "sad": "sadness"},
    "ehcalabres/wav2vec2-lg-xlsr-en-speech-emotion-recognition": {
        "angry": "anger", "calm": "calm", "disgust": "disgust", "fearful": "fear", "happy": "happiness",
        "neutral": "neutral", "sad": "sadness", "surprised": "surprise",
    },
    "jungjongho/wav2vec2-xlsr-korean-speech-emotion-recognition": {
        "기쁨": "happiness", "당황": "embarrassment", "분노": "anger", "불안": "anxiety", "슬픔": "sadness",
    },
    "emotion2vec/emotion2vec_plus_large": {
        "生气/angry": "anger", "厌恶/disgusted": "disgust", "恐惧/fearful": "fear", "开心/happy": "happiness",
        "中立/neutral": "neutral", "其他/other": "other", "难过/sad": "sadness", "吃惊/surprised": "surprise",
        "<unk>": "unknown",
    },
}  # fmt: skip

LABELS_OF_CORPORA = {
    "RAVDESS": {
        "01-neutral": "neutral", "02_calm": "calm", "03happy": "happiness", "04. sad": "sadness", "05 angry": "anger",
        "06Fearful": "fear", "07-disgust": "disgust", "08_Surprised": "surprise",
    },
    "CREMA-D": {
        "ANG": "anger", "DIS": "disgust", "FEA": "fear", "HAP": "happiness", "NEU": "neutral", "SAD": "sadness",
    },
    "TESS": {
        "OAF_angry": "anger", "OAF_Pleasant_surprise": "surprise", "YAF_pleasant_surprised": "surprise",
        "YAF_fear": "fear", "OAF_Sad": "sadness", "ps": "surprise", "pleasant_surprise": "surprise",
    },
    "EmoDB": {
        "Ärger": "anger", "Wut": "anger", "Ärger/Wut": "anger", "Aerger": "anger", "ÄRGER": "anger",
        "Langeweile": "boredom", "Ekel": "disgust", "Angst": "fear", "Freude": "happiness", "Trauer": "sadness",
        "neutral": "neutral",
    },
    "ESD": {
        "Angry": "anger", "Happy": "happiness", "Neutral": "neutral", "Sad": "sadness", "Surprise": "surprise",
        "生气": "anger", "快乐": "happiness", "中立": "neutral", "伤心": "sadness", "惊喜": "surprise",
    },
    "EMOVO": {
        "rab": "anger", "dis": "disgust", "pau": "fear", "gio": "happiness", "tri": "sadness", "sor": "surprise",
        "neu": "neutral", "rabbia": "anger", "disgusto": "disgust", "paura": "fear", "gioia": "happiness",
        "tristezza": "sadness", "sorpresa": "surprise", "neutrale": "neutral", "felicita": "happiness",
    },
    "IEMOCAP": {
        "ang": "anger", "hap": "happiness", "exc": "excitement", "sad": "sadness", "neu": "neutral",
        "fru": "frustration", "fea": "fear", "sur": "surprise", "dis": "disgust", "oth": "other", "xxx": "unknown",
    },
    "MELD": {
        "joy": "happiness", "surprise": "surprise", "anger": "anger", "disgust": "disgust", "fear": "fear",
        "sadness": "sadness", "neutral": "neutral",
    },
    "AI-Hub": {
        "기쁨": "happiness", "당황": "embarrassment", "분노": "anger", "불안": "anxiety", "슬픔": "sadness",
        "상처": "hurt", "중립": "neutral", "공포": "fear", "혐오": "disgust", "놀람": "surprise", "행복": "happiness",
    },
    "DUSHA and RESD": {
        "злость": "anger", "гнев": "anger", "Грусть": "sadness", "нейтральный": "neutral", "позитив": "positive",
        "радость": "happiness", "страх": "fear", "отвращение": "disgust", "энтузиазм": "enthusiasm",
        "другое": "other", "удивлённый": "surprise", "удивленный": "surprise",
    },
    "other languages": {
        "colère": "anger", "colere": "anger", "peur": "fear", "dégoût": "disgust", "alegría": "happiness",
        "alegria": "happiness", "miedo": "fear", "asco": "disgust", "raiva": "anger", "tédio": "boredom",
        "θυμός": "anger", "ΘΥΜΟΣ": "anger", "λύπη": "sadness", "kızgın": "anger", "KIZGIN": "anger",
        "kizgin": "anger", "mutlu": "happiness", "ÜZGÜN": "sadness", "İğrenme": "disgust", "غضب": "anger",
        "حزن": "sadness", "ترس": "fear", "شادی": "happiness", "عصباني": "anger", "غصہ": "anger",
        "गुस्सा": "anger", "ख़ुशी": "happiness",
        "złość": "anger", "zlosc": "anger", "marah": "anger", "sedih": "sadness", "tức giận": "anger",
        "buồn": "sadness", "怒り": "anger", "悲しみ": "sadness", "恐懼": "fear", "Überraschung": "surprise",
    },
    "spellings": {
        "digust": "disgust", "suprised": "surprise", "nuetral": "neutral",  # codespell:ignore
        "embarassed": "embarrassment",  # codespell:ignore
        "female_happy": "happiness", "happy_male": "happiness", "male-neutral": "neutral", "woman sad": "sadness",
        "01_female_angry": "anger", "😡 Angry": "anger", " 'calm' ": "calm", "Pleasant  Surprise": "surprise",
        "fears": "fear", "frustrated": "frustration", "bored": "boredom", "[happy]": "happiness", "sad.": "sadness",
    },
}  # fmt: skip

TABLES = LABELS_OF_CANDIDATES | LABELS_OF_CORPORA


UNMAPPED = (
        "", " ", "_", "😡", "3", "01", "01_", "female", "male", "OAF",
        "LABEL_0", "LABEL_1", "label 0", "LABEL_happy",
        "arousal", "valence", "dominance", "activation", "emotion",
        "Angry music", "Happy music", "not angry", "anger_level", "anger level", "unangry", "very sad", "angry sad",
        "anger/disgust", "angry/", "happy|sad", "happysad", "Bang", "Speech", "Crying, sobbing", "Screaming",
        "W", "L", "E", "A", "F", "T", "N", "a", "f", "h", "n", "sa", "su",
        "normal", "none", "nan", "whisper", "silence", "aggressive", "1989", "100 happy", "O", "X",
)  # fmt: skip


@pytest.mark.parametrize("table", TABLES)
def test_a_label_of_a_known_model_or_corpus_names_its_emotion(table: str) -> None:
    assert {label: emotion_of(label) for label in TABLES[table]} == TABLES[table]


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
    for name, entry in vocabulary().items():
        for language, aliases in entry.aliases.items():
            assert len(aliases) == len(set(aliases)), (name, language)
            assert all(len(alias) > 1 for alias in aliases), (name, language)


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
