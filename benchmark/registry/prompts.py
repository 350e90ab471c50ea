"""The prompts of zero-shot candidates, which compare audio with sentences."""

from typing import Any

from benchmark.emotions.aliases import resolve_emotion
from benchmark.errors import RequestError

FEWEST_EMOTIONS = 2
FEWEST_PHRASINGS = 3


def outputs_of(prompts: Any) -> dict[str, Any]:
    """The fields `labels` and `outputs` of a candidate with prompts; empty where an emotion is unknown.

    Examples:
        >>> outputs_of({"anger": ["a", "b", "c"], "sad": ["d", "e", "f"]})["outputs"]
        ['a', 'b', 'c', 'd', 'e', 'f']

    Raises:
        ValueError: The prompts cannot be compared with each other.
    """
    if not isinstance(prompts, dict) or not all(isinstance(texts, list | tuple) for texts in prompts.values()):
        raise ValueError("'prompts' leads from emotions to lists of sentences, such as anger: [an angry voice, …]")
    if len(prompts) < FEWEST_EMOTIONS:
        raise ValueError("'prompts' names fewer than two emotions; name all that the corpus has")
    try:
        emotions = [resolve_emotion(str(name)) for name in prompts]
    except RequestError:
        return {}  # said where the field is checked
    if twice := [name for name in emotions if emotions.count(name) > 1]:
        raise ValueError(f"'prompts' names {twice[0]} twice; join its lists")
    counts = {str(name): len(texts) for name, texts in prompts.items()}
    fewest = min(counts, key=lambda name: counts[name])
    if counts[fewest] < FEWEST_PHRASINGS:
        raise ValueError(
            f"{fewest!r} has {counts[fewest]} prompts, and at least {FEWEST_PHRASINGS} phrasings are needed, so that "
            "reports can say how much depends on them"
        )
    if len(set(counts.values())) > 1:
        raise ValueError("every emotion needs as many prompts as the others, in the same order of phrasings")
    labels = {" ".join(str(text).split()): str(name) for name, texts in prompts.items() for text in texts}
    if len(labels) < sum(counts.values()):
        raise ValueError("two prompts are the same; write each in its own words")
    return {"labels": labels, "outputs": list(labels)}
