import pytest

from benchmark.scoring.trained_on import Seen, main_name, seen


@pytest.mark.parametrize(
    ("trained_on", "corpus", "expected"),
    [
        (None, "ravdess", Seen.UNKNOWN),
        ((), "ravdess", Seen.NO),
        (("RAVDESS",), "ravdess", Seen.YES),
        (("cremad",), "CREMA-D", Seen.YES),
        (("crema_d",), "crema-d", Seen.YES),
        (("tess", "savee"), "ravdess", Seen.NO),
        (("ravdess", "ravdess-train"), "ravdess-heldout", Seen.NO),
        (("emodb",), "emodb-4", Seen.YES),
        (("emodb-4",), "Berlin Emo-DB", Seen.YES),
        (("my-calls-1",), "my-calls-2", Seen.NO),
        (("ravdess",), "someone/RAVDESS", Seen.YES),
        (("team-a/calls",), "team-b/calls", Seen.NO),
        (("분노-말뭉치",), "분노 말뭉치", Seen.YES),
        (("+++",), "---", Seen.NO),
    ],
)
def test_names_are_compared_whole_after_spelling_and_known_other_names(
    trained_on: tuple[str, ...] | None, corpus: str, expected: Seen
) -> None:
    assert seen(trained_on, corpus) is expected


def test_names_that_merely_begin_like_a_corpus_are_others() -> None:
    assert main_name("tessellation") != main_name("tess")
