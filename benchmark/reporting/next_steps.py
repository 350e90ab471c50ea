"""The end of a command in a terminal: what speaks against trusting its result, and what to do next."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from benchmark.reporting.compare import comparison_summary
from benchmark.reporting.escaping import markdown_text
from benchmark.reporting.leaderboard_tables import evaluated_rows, possible_bests, ranked_rows
from benchmark.reporting.markdown import bullets
from benchmark.reporting.numbers import counted
from benchmark.results.comparison import RunComparison
from benchmark.results.corpus_description import CorpusDescription
from benchmark.results.leaderboard import CorpusSummary, Leaderboard, LeaderboardRow
from benchmark.results.status import Verdict
from benchmark.results.verification import Verification, VerificationReport
from benchmark.scoring.flags import Flag
from benchmark.scoring.guessing import SIGNIFICANCE
from benchmark.scoring.ranking import SPEAKERS_TO_CHOOSE, too_few_to_choose

# The sentence that names a candidate says these of it.
_SAID = frozenset({Flag.AT_CHANCE, Flag.CANNOT_TELL, Flag.COLLAPSED, Flag.SEPARATING, Flag.NO_LABELS})


def doubts(leaderboard: Leaderboard) -> list[str]:
    """What speaks against trusting those that are named as the best, by corpus, as blocks of Markdown."""
    blocks = []
    for corpus in leaderboard.corpora:
        flags = {flag for row in _named(leaderboard, corpus) for flag in row.flags} - _SAID
        listed = [f"**{flag}**: {flag.meaning}" for flag in Flag if flag in flags]
        if listed:
            blocks += [f"Before you trust this on **{markdown_text(corpus.name)}**:", bullets(listed)]
    return blocks


def after_run(leaderboard: Leaderboard, run: str | None = None) -> str:
    """What to do after a run, in a sentence; empty where it has no row.

    Args:
        run: By what it was selected; None for the latest.
    """
    selected = _selected(run)
    rows = [row for row in evaluated_rows(leaderboard) if row.corpus is not None]
    labelled = [corpus for corpus in leaderboard.corpora if corpus.emotion_clips]
    if rows and not labelled:
        return f"Next: `bench next{selected}` chooses the clips to label first."
    if rows and all((corpus.guessing_p or 0.0) > SIGNIFICANCE for corpus in labelled):
        source = shlex.quote(labelled[0].source)
        return f"Next: try other candidates with -m, or train one: `bench train --corpus {source}`."
    if len({row.candidate for row in rows}) == 1:
        return (
            "Next: repeat the run with a second -m to compare it with another; stored answers are not computed again."
        )
    if any(row.rank is not None for row in rows):
        undecided = any(
            len(_named(leaderboard, corpus)) > 1 or too_few_to_choose(corpus.speakers) for corpus in labelled
        )
        plan = f"; `bench plan{selected}` says how many more speakers would decide" if undecided else ""
        return f"Next: `bench recommend{selected}` chooses by your limits{plan}."
    if any(corpus.speakers is None for corpus in labelled):
        return "Next: say who speaks, by --column speaker=NAME or --speaker-pattern, so that candidates can be ranked."
    return ""  # the answer says why


def after_verification(report: VerificationReport, run: str) -> str:
    """What to do after a verification, in a sentence; `run` is the command that measures the same candidates."""
    usable = sum(candidate.verdict is Verdict.USABLE for candidate in report.candidates)
    if not usable:
        return "None of them can be used: name others with -m, such as one that `bench candidates` lists as usable."
    what = "it" if usable == 1 else f"the {usable} usable ones"
    return f"Next: `{run}` measures {what} on your recordings."


def after_description(corpus: CorpusDescription, run: str) -> str:
    """What a corpus can be used for, and what to do next; `run` is the command that measures candidates on it."""
    clips = sum(clip.clip_hash is not None for clip in corpus.clips)
    speakers = sum(1 for name in corpus.speakers if name)
    if not clips:
        return ""
    if not corpus.classes:
        return f"Without labels no candidate can be scored, only how varied its answers are. Next: `{run}`."
    what = f"{counted(len(corpus.classes), 'emotion')} in {counted(clips, 'clip')}"
    if too_few_to_choose(speakers):
        return (
            f"{what} can be scored, but {counted(speakers, 'known speaker')} {'is' if speakers == 1 else 'are'} too "
            f"few to choose a candidate, which takes {SPEAKERS_TO_CHOOSE}. Next: `{run}`."
        )
    return f"{what} of {speakers} speakers can be scored. Next: `{run}`."


def after_recommendation(pick: Verification, files: Sequence[Path], run: str | None) -> str:
    """The pick, and how to use it, in two sentences; `run` as for `after_run`."""
    if pick.is_imported:
        return f"The pick is {pick.candidate}, a table of answers: use what gave them."
    if not files:
        command = f"`bench recommend{_selected(run)} --write chosen.yaml`"
        return f"The pick is {pick.candidate}. Next: {command} keeps it, at its revision, for `bench predict`."
    words = ["bench", "predict", "--candidates", str(files[0]), pick.candidate, "RECORDING"]
    return f"The pick is {pick.candidate}. Registry: {files[0]}. Next: `{shlex.join(words)}` shows what it answers."


def after_comparison(comparison: RunComparison, files: Sequence[Path]) -> str:
    """What changed, and how to keep it or to make it a condition, in two sentences."""
    kept = f"Comparison: {files[0]}." if files else "Next: -o FILE keeps this for a pull request."
    gate = "" if comparison.gates else " `--fail-on` makes a change fail, such as in CI."
    return f"{comparison_summary(comparison)} {kept}{gate}"


def after_training(folder: Path, corpus: str) -> str:
    """What to do with a trained candidate, in a sentence."""
    run = shlex.join(["bench", "run", "-m", str(folder), "-m", "OTHER", "--corpus", corpus])
    predict = shlex.join(["bench", "predict", str(folder), "RECORDING"])
    return f"Next: `{run}` ranks it beside another candidate; `{predict}` shows what it answers."


def _selected(run: str | None) -> str:
    return "" if run is None else f" --run {shlex.quote(run)}"


def _named(leaderboard: Leaderboard, corpus: CorpusSummary) -> list[LeaderboardRow]:
    """The rows of a corpus that may be the best; where nothing is ranked, that with the highest UAR."""
    rows = [row for row in leaderboard.rows if row.corpus == corpus.name]
    if ranked := ranked_rows(rows):
        return possible_bests(ranked)
    return sorted((row for row in rows if row.uar is not None), key=lambda row: -(row.uar or 0.0))[:1]
