"""What `leaderboard.md` says about a corpus beside scores: contents, failures, agreement of candidates."""

from collections.abc import Mapping, Sequence

from benchmark.reporting.escaping import markdown_text
from benchmark.reporting.markdown import Column, bullets, first_of, mark_repaired, markdown_table, section
from benchmark.reporting.numbers import counted, duration, fraction, is_known
from benchmark.results.analyses import CorpusAgreement, PairAgreement, Voter
from benchmark.results.leaderboard import CorpusSummary, Leaderboard, LeaderboardRow
from benchmark.results.left_out import LeftOut

_SECONDS_PER_HOUR = 3600
_MOST_LABELS = 40
_MOST_REASONS = 10
_MOST_EMOTIONS = 4
_MOST_PAIRS = 45
_MORE_IN_JSON = "and {:,} more (all in `leaderboard.json`)"
_CHANNELS = {"left": "the left channel", "right": "the right channel", "each": "each channel a clip of its own"}
_AGREEMENT_MODELS = {
    "dawid-skene": "the model of Dawid and Skene",
    "one-coin": "the one-coin model (there are fewer than 50 clips per class, too few for a probability of each answer "
    "to each truth)",
}


def corpus_description(corpus: CorpusSummary, rows: Sequence[LeaderboardRow]) -> list[str]:
    """Write what a reader has to know about a corpus, on which these are the rows."""
    renamed = {label: emotion for label, emotion in corpus.label_emotions.items() if label != emotion}
    facts = [
        _size_and_source(corpus),
        _emotions(corpus, rows),
        _renamed("Merged", corpus.merge),
        _renamed("Labels read as", renamed),
        _scored_clips(corpus),
        _few_texts(corpus),
        _raters(corpus),
    ]
    return [" ".join(filter(None, facts)), *left_out_list(corpus.left_out)]


def left_out_list(lines: Sequence[LeftOut]) -> list[str]:
    """List what was left out of a corpus or treated specially; no blocks if nothing was."""
    return section("Left out, or treated specially:", bullets(markdown_text(line.sentence) for line in lines))


def why_unlabelled(corpus: CorpusSummary) -> str:
    """The reason why a corpus without a label that maps to an emotion has no ranking."""
    if not corpus.clips:
        return "not one clip could be read"
    if corpus.tied_clips + corpus.minority_clips == corpus.clips:
        return "its raters agree on no clip"
    if corpus.unscored_labels:
        return "none of its labels means an emotion"
    return "without labels nobody can say what is right"


def why_unranked(corpus: CorpusSummary, rows: Sequence[LeaderboardRow]) -> str:
    """The reason why no row of a labelled corpus has a rank."""
    scored = [row for row in rows if is_known(row.uar)]
    if not scored:
        return "no candidate has answered all clips"
    if len(corpus.emotion_clips) == 1:
        return "all scored clips have one emotion"
    if all(row.seen == "yes" for row in scored):
        return "all candidates were trained on it; `--rank-seen` ranks them all the same"
    if corpus.speakers is None:
        unnamed = next((line.clips for line in corpus.left_out if line.kind == "no-speaker"), corpus.clips)
        return (
            f"{counted(unnamed, 'clip')} {'names' if unnamed == 1 else 'name'} no speaker, and clips of one speaker "
            "are not independent (`--speaker-pattern` takes speakers from file names; `bench corpus` offers patterns)"
        )
    return "ranks need scored clips of three speakers, and of two for each emotion"


def corpus_warnings(corpus: CorpusSummary) -> list[str]:
    """Write what affects all scores on a corpus."""
    name = markdown_text(corpus.name)
    warnings = []
    if corpus.synthetic:
        warnings.append(
            f"**{name} is synthetic**: a program made its voices. Scores on it show that bench works and compare "
            "nothing that matters for recordings of people."
        )
    if corpus.failure:
        warnings.append(f"**{name}**: {markdown_text(corpus.failure)}")
    return warnings


def flag_reasons(rows: Sequence[LeaderboardRow]) -> list[str]:
    """Write the figures behind the flags of the rows; what holds for several candidates once."""
    candidates: dict[tuple[str, str], dict[str, None]] = {}
    for row in rows:
        for flag, reason in row.flag_reasons.items():
            name = mark_repaired(row.candidate, repaired="repaired" in row.flags)
            candidates.setdefault((flag, reason), {})[name] = None
    everybody = len({row.candidate for row in rows})
    reasons = [
        f"{'all' if len(names) == everybody > 1 else ', '.join(names)}, **{markdown_text(flag)}**: "
        f"{markdown_text(reason)}"
        for (flag, reason), names in candidates.items()
    ]
    return section("What the flags rest on:", bullets(reasons))


def failed_clips_list(leaderboard: Leaderboard, corpus: str) -> list[str]:
    """List how many clips of a corpus each candidate could not process, and why; no blocks if nothing failed."""
    listed = []
    for failed in leaderboard.failed_clips:
        if failed.corpus == corpus:
            example = f", such as {markdown_text(failed.examples[0])}" if failed.examples else ""
            listed.append(
                f"**{markdown_text(failed.candidate)}**: {counted(failed.clips, 'clip')}{example}: "
                f"{markdown_text(failed.reason)}"
            )
    more = counted(len(listed) - _MOST_REASONS, "reason")
    return section(
        "Clips that a candidate could not process count as answered wrongly by it (`failed_clips` in "
        "`leaderboard.json`):",
        bullets(first_of(listed, _MOST_REASONS, rest=f"{more} more")),
    )


def agreement_section(leaderboard: Leaderboard, corpus: str) -> list[str]:
    """Write how far candidates agree on a corpus without labels; no blocks on other corpora, and without voters."""
    agreement = next((agreement for agreement in leaderboard.agreements if agreement.corpus == corpus), None)
    if agreement is None or not agreement.voters:
        return []
    return [
        "### What they answer, and how far they agree",
        "In the order of the registry; **this is no ranking**.",
        markdown_table(agreement.voters, _VOTER_COLUMNS),
        _agreement_note(agreement),
        *_pairs(agreement),
    ]


def _size_and_source(corpus: CorpusSummary) -> str:
    speakers = "" if corpus.speakers is None else f" by {counted(corpus.speakers, 'speaker')}"
    text = (
        f"{counted(corpus.clips, 'clip')}{speakers}, {duration(corpus.hours * _SECONDS_PER_HOUR)}, "
        f"from {markdown_text(corpus.source)}"
    )
    if corpus.selection:
        text += f", only {markdown_text(corpus.selection)}"
    if corpus.channel != "mix":
        text += f", {_CHANNELS.get(corpus.channel, markdown_text(corpus.channel))}"
    if corpus.speech_share is not None:
        return f"{text}. Somebody speaks for {corpus.speech_share:.0%} of the time."
    return f"{text}."


def _emotions(corpus: CorpusSummary, rows: Sequence[LeaderboardRow]) -> str:
    if not corpus.emotion_clips:
        return ""
    number = len(corpus.emotion_clips)
    text = f"{counted(number, 'emotion')}: {_clips_by_name(corpus.emotion_clips)}. "
    text += f"Guessing gives a UAR of {1 / number:.3g}"
    majority = next((row.majority_accuracy for row in rows if row.majority_accuracy is not None), None)
    if majority is not None:
        most_frequent = max(corpus.emotion_clips, key=lambda emotion: corpus.emotion_clips[emotion])
        text += f"; always answering *{markdown_text(most_frequent)}*, an accuracy of {fraction(majority)}"
    return text + "."


def _renamed(title: str, names: Mapping[str, str]) -> str:
    pairs = [f"{markdown_text(old)} → {markdown_text(new)}" for old, new in names.items()]
    return f"{title}: {', '.join(first_of(pairs, _MOST_LABELS, rest=_MORE_IN_JSON))}." if pairs else ""


def _clips_by_name(clips: Mapping[str, int]) -> str:
    listed = [f"{markdown_text(name)} {number:,}" for name, number in clips.items()]
    return ", ".join(first_of(listed, _MOST_LABELS, rest=_MORE_IN_JSON))


def _scored_clips(corpus: CorpusSummary) -> str:
    scored = sum(corpus.emotion_clips.values())
    return f"Scored: {counted(scored, 'clip')}." if 0 < scored < corpus.clips else ""


def _few_texts(corpus: CorpusSummary) -> str:
    if corpus.few_texts is None:
        return ""
    texts = counted(corpus.few_texts, "text")
    return f"Every score **holds for these sentences**: speakers share them, and an emotion has only {texts}."


def _raters(corpus: CorpusSummary) -> str:
    if not corpus.rated_clips:
        return ""
    text = f"Several raters have heard {counted(corpus.rated_clips, 'clip')}"
    if is_known(corpus.human_uar):
        text += (
            f". One rater predicts what the others say with a UAR of {fraction(corpus.human_uar)} and an accuracy of "
            f"{fraction(corpus.human_accuracy)}: no model can be asked for much more"
        )
    return text + "."


def _distribution(voter: Voter) -> str:
    shares = list(voter.distribution.items())
    listed = [f"{markdown_text(name)} {fraction(share)}" for name, share in shares[:_MOST_EMOTIONS]]
    rest = sum(share for _, share in shares[_MOST_EMOTIONS:])
    return ", ".join([*listed, f"others {fraction(rest)}"] if rest else listed)


_VOTER_COLUMNS = (
    Column[Voter]("candidate", lambda voter: markdown_text(voter.candidate)),
    Column[Voter]("answers", _distribution),
    Column[Voter]("confidence", lambda voter: fraction(voter.confidence), numeric=True),
    Column[Voter]("with the majority", lambda voter: fraction(voter.majority_agreement), numeric=True),
    Column[Voter]("accuracy if errors are independent", lambda voter: fraction(voter.estimated_accuracy), numeric=True),
    Column[Voter]("counted with", lambda voter: markdown_text(voter.twin_of or "")),
)
_PAIR_COLUMNS = (
    Column[PairAgreement]("candidates", lambda pair: f"{markdown_text(pair.first)} and {markdown_text(pair.second)}"),
    Column[PairAgreement]("the same answer", lambda pair: fraction(pair.agreement), numeric=True),
    Column[PairAgreement](
        "Cohen's kappa", lambda pair: "" if pair.kappa is None else f"{pair.kappa:.2f}", numeric=True
    ),
)


def _agreement_note(agreement: CorpusAgreement) -> str:
    sentences = []
    if agreement.alpha is not None:
        sentences.append(f"Krippendorff's alpha of them all is {agreement.alpha:.2f} (1: all agree; 0: as by chance).")
    if agreement.problem is not None:
        sentences.append(agreement.problem)
    if agreement.model is not None:
        shared = ", ".join(map(markdown_text, agreement.shared_emotions))
        sentences.append(
            f"Accuracy is estimated from agreement alone, with "
            f"{_AGREEMENT_MODELS.get(agreement.model, agreement.model)}, over {shared} and, as one class of its own, "
            "every other answer. It assumes that errors are independent; candidates that were trained on the same "
            "recordings err alike, and what they get wrong together counts as right here. Hold it against the two "
            "columns before it, which know no more, and against labels as soon as there are some."
        )
    return " ".join(sentences)


def _pairs(agreement: CorpusAgreement) -> list[str]:
    # Below every kappa, which is -1 at least.
    shown = sorted(agreement.pairs, key=lambda pair: -2.0 if pair.kappa is None else -pair.kappa)[:_MOST_PAIRS]
    rest = len(agreement.pairs) - len(shown)
    meaning = "; kappa takes off what chance would give" if any(pair.kappa is not None for pair in shown) else ""
    more = f" {counted(rest, 'pair')} more in `leaderboard.json`." if rest else ""
    return section(f"How often two agree{meaning}.{more}", markdown_table(shown, _PAIR_COLUMNS))
