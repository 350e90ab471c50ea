import pytest

from benchmark.results.description import CorpusDescription, KnownOutputs
from benchmark.scoring.coverage import coverage_of


def corpus(**classes: int) -> CorpusDescription:
    fields = dict.fromkeys(
        ("selection", "duration_s", "level_db", "bandwidth_hz", "speech_share", "text_tie", "speaker_tie")
    )
    counts: dict[str, dict[str, int]] = {
        key: {} for key in ("speakers", "sexes", "languages", "sampling_rates", "channels")
    }
    numbers = dict.fromkeys(("available_clips", "unlabelled", "clipped", "telephone", "silent"), 0)
    return CorpusDescription.model_validate(
        {
            **fields,
            **counts,
            **numbers,
            "created": "2026-01-01T00:00:00Z",
            "name": "ravdess",
            "source": "",
            "synthetic": False,
            "channel": "mix",
            "clips": [],
            "hours": 0.0,
            "labels": [],
            "classes": classes,
            "merge": {"calm": "neutral"},
            "identical": [],
        }
    )


def test_coverage_is_the_share_of_clips_after_merges() -> None:
    known = KnownOutputs(candidate="a", known_from="registry", emotions=("calm", "anger", None))
    found = coverage_of(known, corpus(neutral=6, anger=2, fear=2))
    assert (found.covered, found.missing, found.coverage) == (("neutral", "anger"), ("fear",), 0.8)


def test_nothing_is_claimed_of_a_candidate_whose_outputs_nobody_knows() -> None:
    found = coverage_of(KnownOutputs(candidate="a", known_from="nothing"), corpus(anger=1))
    assert (found.covered, found.missing, found.coverage) == ((), (), None)


def test_a_corpus_without_emotions_has_no_coverage() -> None:
    known = KnownOutputs(candidate="a", known_from="registry", emotions=("anger",))
    assert coverage_of(known, corpus()).coverage is None


@pytest.mark.parametrize(("trained_on", "seen"), [(("ravdess",), "yes"), (("tess",), "no"), (None, "unknown")])
def test_whether_it_was_trained_on_the_corpus_is_told(trained_on: tuple[str, ...] | None, seen: str) -> None:
    known = KnownOutputs(candidate="a", known_from="registry", emotions=("anger",), trained_on=trained_on)
    assert coverage_of(known, corpus(anger=1)).seen == seen
