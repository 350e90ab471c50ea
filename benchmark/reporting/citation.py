"""What a paper quotes with the scores of a run: a sentence with the signature for each corpus, and a BibTeX entry."""

from dataclasses import asdict, dataclass

from benchmark.reporting.escaping import markdown_text, plain_text
from benchmark.reporting.leaderboard_tables import INTERVALS
from benchmark.reporting.markdown import bullets, code_span, section
from benchmark.reporting.numbers import counted
from benchmark.results.leaderboard import ALL_CORPORA, CorpusSummary, Leaderboard

ADVICE = (
    "Quote the signature with every score. Scores with one signature are of the same clips and labels under the same "
    "rules and may be compared; `docs/protocol.md` explains its parts."
)


@dataclass(frozen=True, kw_only=True)
class Citation:
    """What to quote with the scores on one corpus, or with those over several (`*`).

    Attributes:
        text: The score, the corpus, the intervals and the version of bench, in words; not escaped.
        signatures: Of all rows; more than one where some have out-of-fold answers.
    """

    corpus: str
    text: str
    signatures: tuple[str, ...]


def citations(leaderboard: Leaderboard) -> list[Citation]:
    """The citations of all corpora with scores, then that of the summary over several."""
    signatures: dict[str, dict[str, None]] = {}
    for row in leaderboard.rows:
        if row.corpus is not None and row.signature is not None:
            signatures.setdefault(row.corpus, {})[row.signature] = None
    described = {corpus.name: _described(leaderboard, corpus) for corpus in leaderboard.corpora}
    described[ALL_CORPORA] = (
        f"The mean of (UAR − 1/K)/(1 − 1/K) over {', '.join(map(plain_text, leaderboard.summary_corpora))}"
    )
    return [
        Citation(
            corpus=name,
            text=f"{text}, measured with {_tool(next(iter(signatures[name])))}",
            signatures=tuple(signatures[name]),
        )
        for name, text in described.items()
        if name in signatures
    ]


def citation_section(leaderboard: Leaderboard) -> list[str]:
    """Write what to quote, in Markdown; no blocks where nothing has a score."""
    listed = [
        f"{markdown_text(citation.text)}: {', '.join(map(code_span, citation.signatures))}"
        for citation in citations(leaderboard)
    ]
    return section("## What to cite", ADVICE, bullets(listed))


def bibtex(leaderboard: Leaderboard) -> str:
    """Write the entry of bench, in the version that scored; empty where nothing has a score."""
    known = citations(leaderboard)
    if not known:
        return ""
    version = _tool(known[0].signatures[0]).removeprefix("bench ")
    return (
        "@software{bench,\n"
        "  title = {{bench}: which speech-emotion model to use, and whether to trust the answer},\n"
        "  author = {{The ser-bench contributors}},\n"
        f"  version = {{{version}}},\n"
        f"  year = {{{leaderboard.created.year}}},\n"
        "  note = {Python package ser-bench}\n"
        "}"
    )


def citation_data(leaderboard: Leaderboard) -> dict[str, object] | None:
    """The same for programs; None where nothing has a score."""
    known = citations(leaderboard)
    return {"corpora": list(map(asdict, known)), "bibtex": bibtex(leaderboard)} if known else None


def corpus_size(corpus: CorpusSummary) -> str:
    """The clips, emotions and speakers that scores on a corpus rest on, in words."""
    facts = [counted(sum(corpus.emotion_clips.values()), "clip"), counted(len(corpus.emotion_clips), "emotion")]
    if corpus.speakers is not None:
        facts.append(counted(corpus.unheard_speakers or corpus.speakers, "speaker"))
    return ", ".join(facts)


def _described(leaderboard: Leaderboard, corpus: CorpusSummary) -> str:
    kinds = {row.interval for row in leaderboard.rows if row.corpus == corpus.name and row.interval is not None}
    names = [kind.name for name, kind in INTERVALS.items() if name in kinds and (name != "wilson" or len(kinds) == 1)]
    if names and corpus.rare_emotions:
        names[-1] += f", without {', '.join(corpus.rare_emotions)}"
    facts = "; ".join([corpus_size(corpus), *names])
    return f"Unweighted average recall (UAR) on {plain_text(corpus.name)} ({facts})"


def _tool(signature: str) -> str:
    return signature.partition("|")[0].replace(":", " ")
