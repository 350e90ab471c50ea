import json
import tomllib
from pathlib import Path

import yaml

from benchmark.reporting.citation import bibtex, citation_section, citations
from benchmark.reporting.csv_and_json import leaderboard_json
from benchmark.results.leaderboard import Leaderboard
from tests.reporting.conftest import board, described, scored

ROOT = Path(__file__).parents[2]
SIGNATURE = "bench:0.1.0|uar|open|K8|spk24|jk-t|seed0|clips:9f3a61c2"
OUT_OF_FOLD = SIGNATURE.replace("|clips", "|oof|clips")
SUMMARY = "bench:0.1.0|adjusted_uar|open|corpora2|clips:aaaaaaaa"


def several_corpora() -> Leaderboard:
    rows = (
        scored("a", signature=SIGNATURE),
        scored("adapted", signature=OUT_OF_FOLD, interval="wilson"),
        scored("a", corpus="calls", signature=SIGNATURE, interval="clips"),
        scored("a", corpus="*", uar=None, adjusted_uar=0.5, signature=SUMMARY),
    )
    corpora = (
        described(),
        described("calls", speakers=None, rare_emotions=("fear",)),
        described("unlabelled", emotion_clips={}),
    )
    return board(*rows, corpora=corpora, summary_corpora=("ravdess", "calls"))


def test_each_corpus_with_scores_and_the_summary_have_a_sentence_and_their_signatures() -> None:
    ravdess, calls, summary = citations(several_corpora())
    assert ravdess.text == (
        "Unweighted average recall (UAR) on ravdess (1,440 clips, 8 emotions, 24 speakers; 95 % interval over "
        "speakers), measured with bench 0.1.0"
    )
    assert ravdess.signatures == (SIGNATURE, OUT_OF_FOLD)
    assert "(1,440 clips, 8 emotions; 95 % interval over clips, at least so wide, without fear)" in calls.text
    assert "over ravdess, calls" in summary.text
    assert summary.signatures == (SUMMARY,)


def test_without_scores_there_is_nothing_to_cite() -> None:
    nothing = board(scored("a", uar=None, rank=None))
    assert citation_section(nothing) == []
    assert json.loads(leaderboard_json(nothing))["cite"] is None


def test_json_with_a_citation_can_be_read_again() -> None:
    written = several_corpora()
    assert Leaderboard.parse(leaderboard_json(written).encode(), "leaderboard.json") == written


def test_the_entry_says_what_the_citation_file_says() -> None:
    known = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert known["version"] == tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    entry = bibtex(several_corpora())
    assert known["title"] in entry.replace("{bench}", "bench")
    assert f"author = {{{{{known['authors'][0]['name']}}}}}" in entry
    assert f"version = {{{known['version']}}}" in entry
