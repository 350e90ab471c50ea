"""What the class that a checkpoint was saved from tells of its task, as far as a name can tell it."""

import re
from collections.abc import Iterable

from benchmark.results.status import Status

_TASK = re.compile(r"For(?P<task>[A-Z]\w*)$")
_OTHER_TASKS = frozenset(
    {
        *("CTC", "ConditionalGeneration", "SpeechSeq2Seq", "CausalLM"),
        *("XVector", "AudioFrameClassification", "TokenClassification"),
        *("TextToSpeech", "SpeechToSpeech", "SpeechToText", "TextToSpectrogram", "AudioTokenization"),
    }
)
_PRE_TRAINING_TASKS = frozenset({"PreTraining", "MaskedLM"})
_BARE = re.compile(
    r"(TF|Flax)?(AST|Data2VecAudio|Hubert|SEWD?|UniSpeech(Sat)?|Wav2Vec2(Bert|Conformer)?|WavLM|Whisper)(Model|Encoder)"
)


def status_of(architectures: Iterable[str]) -> Status | None:
    """Tell what the classes speak for that a checkpoint was saved from.

    Only transformers' own names count. Everybody names classes of their own as they like, and what those hold shows
    when the weights are looked at.

    Args:
        architectures: As the configuration claims.

    Returns:
        `wrong-task` or `no-head`; None where the names speak for neither.

    Examples:
        >>> status_of(["Wav2Vec2ForCTC"]), status_of(["WavLMModel"]), status_of(["HubertForSequenceClassification"])
        (<Status.WRONG_TASK: 'wrong-task'>, <Status.NO_HEAD: 'no-head'>, None)
        >>> status_of(["MyEmotionModel"]) is None
        True
    """
    statuses = {_status_of(name) for name in architectures}
    if not statuses or None in statuses:
        return None
    return Status.WRONG_TASK if Status.WRONG_TASK in statuses else Status.NO_HEAD


def _status_of(name: str) -> Status | None:
    match = _TASK.search(name)
    if match is None:
        return Status.NO_HEAD if _BARE.fullmatch(name) else None
    if match["task"] in _OTHER_TASKS:
        return Status.WRONG_TASK
    return Status.NO_HEAD if match["task"] in _PRE_TRAINING_TASKS else None
