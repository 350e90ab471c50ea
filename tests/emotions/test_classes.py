import pytest

from benchmark.emotions.classes import Kind, emotion_class, label_codes, packaged, vocabulary
from benchmark.errors import RequestError


def test_every_class_of_the_field_is_of_its_kind() -> None:
    names = {kind: {name for name, entry in vocabulary().items() if entry.kind is kind} for kind in Kind}
    assert names[Kind.COARSE] == {"positive", "negative", "activated", "deactivated"}
    assert names[Kind.RESIDUAL] == {"other", "unknown"}
    assert names[Kind.EMOTION] >= {
        "anger", "boredom", "calm", "contempt", "disgust", "embarrassment", "enthusiasm", "fear", "happiness",
        "neutral", "sadness", "surprise", "anxiety", "hurt", "frustration", "excitement", "amusement", "confusion",
        "disappointment", "love", "pride", "relief", "shame", "guilt", "sarcasm", "tenderness", "interest", "stress",
    }  # fmt: skip


def test_only_the_name_of_a_class_is_a_class() -> None:
    with pytest.raises(RequestError, match="unknown emotion 'neutrall'; did you mean 'neutral'"):
        emotion_class("neutrall")


@pytest.mark.parametrize(
    ("corpus", "codes"),
    [
        ("emodb", "W=anger L=boredom E=disgust A=fear F=happiness T=sadness N=neutral"),
        ("savee", "a=anger d=disgust f=fear h=happiness n=neutral sa=sadness su=surprise"),
        ("crema-d", "ANG=anger DIS=disgust FEA=fear HAP=happiness NEU=neutral SAD=sadness"),
        ("emovo", "rab=anger dis=disgust pau=fear gio=happiness tri=sadness sor=surprise neu=neutral"),
        ("ravdess", "01=neutral 02=calm 03=happiness 04=sadness 05=anger 06=fear 07=disgust 08=surprise"),
        ("tess", "angry=anger disgust=disgust fear=fear happy=happiness neutral=neutral ps=surprise sad=sadness"),
    ],
)
def test_a_corpus_is_read_by_its_own_codes(corpus: str, codes: str) -> None:
    assert label_codes(corpus) == dict(pair.split("=") for pair in codes.split())


def test_every_code_means_a_canonical_class() -> None:
    meant = {emotion for codes in packaged("codes.yaml").values() for emotion in codes.values()}
    assert meant <= set(vocabulary())


def test_an_unknown_corpus_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(RequestError, match="unknown label codes 'ravdes'; did you mean 'ravdess'"):
        label_codes("ravdes")
    with pytest.raises(RequestError, match="the known ones are aesdd, cafe"):
        label_codes("nothing")
