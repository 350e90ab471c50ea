from benchmark.reporting.agreement import agreement_section
from benchmark.results.agreement import CorpusAgreement, PairAgreement, Voter


def described(**changes: object) -> CorpusAgreement:
    content = {
        "corpus": "calls",
        "clips": 40,
        "shared_emotions": ("anger", "neutral"),
        "voters": (
            Voter(candidate="a", clips=40, distribution={"neutral": 0.75, "anger": 0.25}, confidence=0.8,
                  majority_agreement=0.9, estimated_accuracy=0.85),
            Voter(candidate="copy", clips=40, distribution={"neutral": 1.0}, confidence=0.7, twin_of="a"),
        ),
        "pairs": (PairAgreement(first="a", second="b", agreement=0.5, kappa=0.125),),
        "alpha": 0.31,
        "model": "one-coin",
    }  # fmt: skip
    return CorpusAgreement.model_validate(content | changes)


def test_the_section_tells_its_limits_beside_its_numbers() -> None:
    text = "\n\n".join(agreement_section(described()))
    assert "this is no ranking" in text
    assert "assumes that errors are independent" in text
    assert "one-coin" in text
    assert "neutral 0.75, anger 0.25" in text
    assert "alpha of them all is 0.31" in text
    assert "| a and b" in text


def test_where_nothing_is_estimated_the_reason_stands_there() -> None:
    text = "\n\n".join(agreement_section(described(model=None, problem="There are 2 voters.", pairs=())))
    assert "There are 2 voters." in text
    assert "estimated from agreement" not in text


def test_kappa_is_explained_where_it_stands() -> None:
    assert "kappa takes off" in "\n\n".join(agreement_section(described()))
    one_clip = PairAgreement(first="a", second="b", agreement=1.0, kappa=None)
    text = "\n\n".join(agreement_section(described(pairs=(one_clip,))))
    assert "How often two agree." in text
    assert "kappa" not in text


def test_without_voters_there_is_no_section() -> None:
    assert agreement_section(described(voters=())) == []


def test_names_from_outside_cannot_write_markdown(hostile: str) -> None:
    voter = Voter(candidate=hostile, clips=1, distribution={hostile: 1.0}, confidence=0.5, twin_of=hostile)
    pair = PairAgreement(first=hostile, second=hostile, agreement=1.0, kappa=None)
    text = "\n\n".join(agreement_section(described(voters=(voter,), pairs=(pair,))))
    assert "<script>" not in text
    assert "\x1b" not in text
