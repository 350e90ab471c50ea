"""Sections of `leaderboard.md` on changed audio: which answers survive it, and what candidates listen to."""

from collections.abc import Callable, Mapping, Sequence

from benchmark.audio.perturbation import CUES
from benchmark.reporting.escaping import markdown_text
from benchmark.reporting.leaderboard_breakdown import Rows, first_rows, in_order
from benchmark.reporting.leaderboard_tables import candidate_name, is_at_least
from benchmark.reporting.markdown import Column, bullets, columns_of, joined, markdown_table, section
from benchmark.reporting.numbers import counted, fraction, is_known, signed
from benchmark.results.analyses import CandidateCues, Robustness
from benchmark.results.leaderboard import Leaderboard
from benchmark.scoring.flags import Flag


def robustness_sections(leaderboard: Leaderboard) -> list[str]:
    """Write which answers survive perturbed audio; no blocks without `--perturb`."""
    blocks: list[str] = []
    for corpus in leaderboard.corpora:
        rows = first_rows(leaderboard, corpus.name)
        results = [result for result in leaderboard.robustness if result.corpus == corpus.name]
        perturbed = in_order((result for result in results if result.perturbation not in CUES), rows)
        if perturbed:
            blocks += [f"### On {markdown_text(corpus.name)}", *_perturbed_blocks(perturbed, rows)]
    return section(
        "## How robust",
        "The same clips once more, perturbed (`--perturb`); `docs/protocol.md` says exactly how, and `robustness.csv` "
        "has every number. Nothing else in this report knows of these answers.",
        joined(blocks),
    )


def cue_sections(leaderboard: Leaderboard) -> list[str]:
    """Write what candidates listen to; no blocks without `--ablate`."""
    blocks: list[str] = []
    for corpus in leaderboard.corpora:
        rows = first_rows(leaderboard, corpus.name)
        results = [result for result in leaderboard.robustness if result.corpus == corpus.name]
        ablated = in_order((result for result in results if result.perturbation in CUES), rows)
        if ablated:
            cues = {own.candidate: own for own in leaderboard.cues if own.corpus == corpus.name}
            blocks += [f"### Cues on {markdown_text(corpus.name)}", *_cue_blocks(ablated, cues, rows)]
    return section(
        "## What they listen to",
        "The UAR that each cue is worth: what is lost when it is taken out of every clip (`--ablate`), and for the "
        "pauses what they score above guessing when all speech is silenced. In brackets the 95 % interval; **bold** "
        "where chance does not explain it (Holm over the cues of a candidate). Changed recordings are unlike those "
        "that a model was trained on, which may cost more than the cue alone.",
        joined(blocks),
    )


def _cue_blocks(ablated: Sequence[Robustness], cues: Mapping[str, CandidateCues], rows: Rows) -> list[str]:
    first = next((cues[name] for name in rows if name in cues), None)

    def worth(result: Robustness) -> str:
        text = _signed_interval(result.worth, result.worth_low, result.worth_high)
        own = cues.get(result.candidate)
        return f"**{text}**" if text and own is not None and result.perturbation in own.shown else text

    return [
        "" if first is None else f"**{markdown_text(first.candidate)}**: {markdown_text(first.sentence)}",
        _perturbation_table(ablated, worth, titles=CUES),
        bullets(_perturbation_remarks(ablated, rows)),
    ]


def _perturbed_blocks(perturbed: Sequence[Robustness], rows: Rows) -> list[str]:
    blocks = []
    if any(is_known(result.unchanged) for result in perturbed):
        clips = counted(max(result.clips for result in perturbed), "clip")
        blocks += [
            f"Share of the {clips} to which the answer stays the same:",
            _perturbation_table(perturbed, lambda result: fraction(result.unchanged)),
        ]
    if any(is_known(result.uar_loss) for result in perturbed):
        blocks += [
            f"Loss of UAR: that of the clips as they are less that of the perturbed, in brackets "
            f"{_loss_interval(perturbed)}; **bold** where it excludes 0.",
            _perturbation_table(perturbed, _uar_loss),
        ]
    return [*blocks, bullets(_perturbation_remarks(perturbed, rows))]


def _perturbation_table(
    perturbed: Sequence[Robustness], write: Callable[[Robustness], str], titles: Mapping[str, str] | None = None
) -> str:
    cells = {(result.candidate, result.perturbation): write(result) for result in perturbed}

    def cell(candidate: str, perturbation: str) -> str:
        return cells.get((candidate, perturbation), "")

    names = dict.fromkeys(result.perturbation for result in perturbed)
    headings = {name: markdown_text((titles or {}).get(name, name)) for name in names}
    columns = [Column[str]("candidate", markdown_text), *columns_of(headings, cell, numeric=True)]
    return markdown_table(list(dict.fromkeys(result.candidate for result in perturbed)), columns)


def _uar_loss(result: Robustness) -> str:
    loss, low, high = result.uar_loss, result.uar_loss_low, result.uar_loss_high
    text = _signed_interval(loss, low, high)
    return f"**{text}**" if text and is_known(low) and is_known(high) and (low > 0 or high < 0) else text


def _signed_interval(value: float | None, low: float | None, high: float | None) -> str:
    if not is_known(value):
        return ""
    if not is_known(low) or not is_known(high):
        return signed(value)
    return f"{signed(value)} [{signed(low)}, {signed(high)}]"


def _loss_interval(perturbed: Sequence[Robustness]) -> str:
    if any(is_at_least(result.interval) for result in perturbed):
        return (
            "the 95 % interval over clips, at least so wide: it is too narrow by what the clips of one speaker share "
            "(the speakers are unknown, too few, or cannot be left out in turn)"
        )
    return "the paired 95 % interval over speakers (Wilson's where nothing changes from one to the next)"


def _perturbation_remarks(perturbed: Sequence[Robustness], rows: Rows) -> list[str]:
    """Name candidates whose answers hardly vary, failures, and perturbations that left clips unchanged."""
    tested = [rows[name] for name in dict.fromkeys(result.candidate for result in perturbed) if name in rows]
    constant = [candidate_name(row) for row in tested if row.collapsed or Flag.NARROW in row.flags]
    remarks = []
    if constant:
        verb = "answers" if len(constant) == 1 else "answer"
        names = ", ".join(constant)
        remarks.append(f"{names} {verb} nearly always the same, whatever is heard: that is not robustness.")
    for result in perturbed:
        subject = f"**{markdown_text(result.candidate)}**, {markdown_text(result.perturbation)}"
        if result.problem is not None:
            remarks.append(f"{subject}: {markdown_text(result.problem)}")
        elif result.failed_clips:
            remarks.append(
                f"{subject}: {result.failed_clips:,} of {counted(result.clips, 'clip')} could not be processed when "
                "perturbed; they count as changed and as wrong."
            )
    untouched = {result.perturbation: result.untouched_clips for result in perturbed if result.untouched_clips}
    for name, clips in untouched.items():
        remarks.append(
            f"{markdown_text(name)} has nothing to remove from {counted(clips, 'clip')}, which came as they are."
        )
    return remarks
