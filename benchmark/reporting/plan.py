"""What `bench plan` writes: the designs that answer a question, and what each costs."""

from collections.abc import Callable

from benchmark.reporting.escaping import markdown_text
from benchmark.reporting.markdown import Column, bullets, document, markdown_table
from benchmark.reporting.numbers import counted, duration, fraction
from benchmark.scoring.planning import Amount, CorpusPlan, Plan, StudyDesign
from benchmark.scoring.power import MOST_SPEAKERS

_FEW_SPEAKERS = 2
DesignColumn = Column[StudyDesign]


def plan_markdown(plan: Plan) -> str:
    """Write a plan for people, as a document in Markdown that is as readable in a terminal."""
    return document(
        [
            "# Plan",
            f"**The run is incomplete**: {markdown_text(plan.gaps)}." if plan.gaps else "",
            *(block for corpus in plan.corpora for block in _corpus(corpus, plan)),
            "Assumed:",
            bullets(map(markdown_text, plan.assumptions)),
        ]
    )


def _corpus(corpus: CorpusPlan, plan: Plan) -> list[str]:
    blocks = [] if corpus.corpus is None else [f"## {markdown_text(corpus.corpus)}"]
    left_out = [f"**{markdown_text(name)}**: {markdown_text(reason)}" for name, reason in corpus.left_out.items()]
    if corpus.problem is not None:
        return [*blocks, markdown_text(corpus.problem), bullets(left_out)]
    blocks.append(_question(corpus, plan))
    blocks.append(_present(corpus, plan))
    blocks.append(markdown_table(corpus.designs, _COLUMNS if corpus.speakers else _ASSUMED_COLUMNS))
    blocks += ["Not compared:", bullets(left_out)] if left_out else []
    return blocks


def _question(corpus: CorpusPlan, plan: Plan) -> str:
    gap = f"a difference in UAR of {fraction(corpus.difference)}"
    names = [f"**{markdown_text(name)}**" for name in corpus.candidates]
    if not names:
        what = f"To find {gap}"
    elif len(names) == _FEW_SPEAKERS:
        what = f"To tell {names[0]} from {names[1]} ({gap})"
    else:
        what = f"To tell {names[0]} from the other {len(names) - 1} candidates ({gap} from the next)"
    whose = "that a single run leaves (10 to 90 %)" if corpus.speakers else "of the spread between speakers"
    often = f"in {100 * plan.wanted:.0f} % of such studies"
    return f"{what} {often}. In brackets: the range {whose}; ∞ is over {MOST_SPEAKERS:,}."


def _present(corpus: CorpusPlan, plan: Plan) -> str:
    if not corpus.speakers:
        return ""
    present = f"{counted(corpus.speakers, 'speaker')} with {counted(corpus.clips, 'clip')}"
    text = (
        f"This run has {present}, which find {fraction(corpus.detectable)} in {100 * plan.wanted:.0f} % of such runs."
    )
    if corpus.same_speakers_clips is None:
        return f"{text} More clips of these speakers alone would not do."
    if corpus.same_speakers_clips * corpus.speakers <= corpus.clips:
        return text
    return f"{text} {corpus.same_speakers_clips:,} clips of each of these speakers would do."


def _amount(
    pick: Callable[[StudyDesign], Amount | None], write: Callable[[float], str]
) -> Callable[[StudyDesign], str]:
    def cell(design: StudyDesign) -> str:
        amount = pick(design)
        if amount is None:
            return ""
        value, low, high = (
            "∞" if number is None else write(number) for number in (amount.value, amount.low, amount.high)
        )
        return f"{value} [{low}–{high}]"

    return cell


_CLIPS = DesignColumn("clips per speaker", lambda design: f"{design.clips_per_speaker:,}", numeric=True)
_SPEAKERS = DesignColumn("speakers", _amount(lambda design: design.speakers, "{:,.0f}".format))
_ASSUMED_COLUMNS = (_CLIPS, _SPEAKERS, DesignColumn("labels", _amount(lambda design: design.labels, "{:,.0f}".format)))
_COLUMNS = (
    _CLIPS,
    _SPEAKERS,
    DesignColumn("more speakers", _amount(lambda design: design.more_speakers, "{:,.0f}".format)),
    DesignColumn("more labels", _amount(lambda design: design.more_labels, "{:,.0f}".format)),
    DesignColumn("compute time", _amount(lambda design: design.compute_s, duration)),
)
