"""What `leaderboard.md` says of a corpus before it shows any score on it."""

from collections.abc import Sequence

from benchmark.reporting.escaping import markdown_text
from benchmark.reporting.markdown import Column, bullets, mark_repaired, markdown_table
from benchmark.reporting.numbers import counted, duration, fraction, is_known
from benchmark.results.analyses import CorpusAgreement, FailedClips, PairAgreement, Voter
from benchmark.results.leaderboard import CorpusSummary, Leaderboard, LeaderboardRow
from benchmark.results.runs import ClipRecord

_SECONDS_PER_HOUR = 3600


_LISTED_CLIPS = 10


_CHANNELS = {"left": "the left channel", "right": "the right channel", "each": "each channel a clip of its own"}


_LISTED_LABELS = 40


def corpus_description(corpus: CorpusSummary, rows: Sequence[LeaderboardRow]) -> list[str]:
    """Write what a reader has to know of a corpus.

    Args:
        corpus: What the candidates heard.
        rows: The rows on this corpus.

    Returns:
        Blocks of Markdown.
    """
    facts = [
        _what_it_is(corpus),
        _emotions(corpus, rows),
        _named("Merged", corpus.merge),
        _named("Labels read as", {k: v for k, v in corpus.label_emotions.items() if k != v}),
        _unscored(corpus),
        _raters(corpus),
    ]
    return [" ".join(fact for fact in facts if fact), *_unreadable(corpus.unreadable)]


def is_labelled(corpus: CorpusSummary) -> bool:
    """Tell whether there is anything to score on a corpus: clips whose label maps to an emotion."""
    return bool(corpus.emotion_clips)


def why_nothing_is_ranked(corpus: CorpusSummary) -> str:
    """Say why a corpus that is not labelled has no ranking; `is_labelled` tells whether it is."""
    if not corpus.clips:
        return "not one clip could be read"
    if corpus.tied_clips + corpus.minority_clips == corpus.clips:
        return "its raters agree on no clip"
    if corpus.unscored_labels:
        return "none of its labels means an emotion"
    return "without labels nobody can say what is right"


def why_without_ranks(corpus: CorpusSummary, rows: Sequence[LeaderboardRow]) -> str:
    """Say why no row of a corpus that is labelled has a rank."""
    scored = [row for row in rows if is_known(row.uar)]
    if not scored:
        return "no candidate has answered all clips"
    if len(corpus.emotion_clips) == 1:
        return "all scored clips have one emotion"
    if all(row.seen == "yes" for row in scored):
        return "all candidates were trained on it; `--rank-seen` ranks them all the same"
    if corpus.speakers is None:
        return "nobody knows who speaks in each clip, and clips of one speaker are not independent"
    return "ranks need scored clips of three speakers, and of two for each emotion"


def corpus_warnings(corpus: CorpusSummary) -> list[str]:
    """Write what changes how all scores on a corpus are to be read, one sentence or two each."""
    name = markdown_text(corpus.name)
    warnings = []
    if corpus.synthetic:
        warnings.append(
            f"**{name} is synthetic**: a program made its voices. Scores on it show that bench works and compare "
            "nothing that matters for recordings of people."
        )
    if corpus.unreadable:
        total = corpus.clips + len(corpus.unreadable)
        warnings.append(
            f"**{len(corpus.unreadable):,} of {counted(total, 'clip')} of {name} could not be read** and "
            f"{'is' if len(corpus.unreadable) == 1 else 'are'} left out for all candidates."
        )
    if corpus.no_speech:
        warnings.append(
            f"**In {counted(corpus.no_speech, 'clip')} of {name} nobody speaks**, as far as a voice-activity detector "
            "can tell, which takes some screams for noise; what a model answers to silence is no emotion. "
            "`--skip-silence` leaves such clips out."
        )
    if corpus.unscored_labels:
        clips = sum(corpus.unscored_labels.values())
        warnings.append(
            f"**{counted(clips, 'clip')} of {name} {'is' if clips == 1 else 'are'} not scored**, since "
            f"{'its label maps' if clips == 1 else 'their labels map'} to no emotion: "
            f"{_counts(corpus.unscored_labels)}. If one is an emotion, say so under `labels:` of the corpus in "
            "the registry."
        )
    return warnings


def flag_reasons(rows: Sequence[LeaderboardRow]) -> list[str]:
    """Write what exactly the flags of the rows rest on, where they say more than their name; each candidate once."""
    reasons = dict.fromkeys(
        f"{mark_repaired(row.candidate, repaired='repaired' in row.flags)}, **{markdown_text(flag)}**: "
        f"{markdown_text(reason)}"
        for row in rows
        for flag, reason in row.flag_reasons.items()
    )
    return ["What the flags rest on:", bullets(reasons)] if reasons else []


def _raters(corpus: CorpusSummary) -> str:
    if not corpus.rated_clips:
        return ""
    text = f"Several raters have heard {counted(corpus.rated_clips, 'clip')}"
    if corpus.tied_clips or corpus.minority_clips:
        text += (
            f"; not scored are {counted(corpus.tied_clips, 'clip')} with a tie and "
            f"{counted(corpus.minority_clips, 'clip')} on which no majority agrees"
        )
    if is_known(corpus.human_uar):
        text += (
            f". One rater predicts what the others say with a UAR of {fraction(corpus.human_uar)} and an accuracy of "
            f"{fraction(corpus.human_accuracy)}: no model can be asked for much more"
        )
    return text + "."


def _what_it_is(corpus: CorpusSummary) -> str:
    parts = [counted(corpus.clips, "clip")]
    if corpus.speakers is not None:
        parts.append(f"by {counted(corpus.speakers, 'speaker')}")
    description = (
        f"{' '.join(parts)}, {duration(corpus.hours * _SECONDS_PER_HOUR)}, from {markdown_text(corpus.source)}"
    )
    if corpus.clips + len(corpus.unreadable) < corpus.available_clips:
        description += f" (of {corpus.available_clips:,} that it holds)"
    if corpus.selection:
        description += f", only {markdown_text(corpus.selection)}"
    if corpus.channel != "mix":
        description += f", {_CHANNELS.get(corpus.channel, markdown_text(corpus.channel))}"
    if corpus.silent_clips:
        description += f", without {counted(corpus.silent_clips, 'clip')} of too little speech"
    if corpus.speakers is None:
        description += "; nobody knows how many speakers"
    speech = "" if corpus.speech_share is None else f" Somebody speaks for {corpus.speech_share:.0%} of the time."
    return f"{description}.{speech}"


def _emotions(corpus: CorpusSummary, rows: Sequence[LeaderboardRow]) -> str:
    if not corpus.emotion_clips:
        return ""
    number = len(corpus.emotion_clips)
    text = f"{counted(number, 'emotion')}: {_counts(corpus.emotion_clips)}. Guessing gives a UAR of {1 / number:.3g}"
    majority = next((row.majority_accuracy for row in rows if row.majority_accuracy is not None), None)
    most_frequent = max(corpus.emotion_clips, key=lambda emotion: corpus.emotion_clips[emotion])
    if majority is not None:
        text += f"; always answering *{markdown_text(most_frequent)}*, an accuracy of {fraction(majority)}"
    return text + "."


def _unscored(corpus: CorpusSummary) -> str:
    scored = sum(corpus.emotion_clips.values())
    apart = sum(corpus.unscored_labels.values()) + corpus.tied_clips + corpus.minority_clips
    without = corpus.clips - scored - apart
    if not scored or not (apart or without):
        return ""
    unlabelled = f"; {without:,} {'has' if without == 1 else 'have'} no label" if without else ""
    return f"Scored: {counted(scored, 'clip')}{unlabelled}."


def _named(title: str, renamed: dict[str, str]) -> str:
    if not renamed:
        return ""
    shown = [f"{markdown_text(old)} → {markdown_text(new)}" for old, new in list(renamed.items())[:_LISTED_LABELS]]
    return f"{title}: {', '.join([*shown, *_rest(len(renamed) - _LISTED_LABELS)])}."


def _counts(counts: dict[str, int]) -> str:
    shown = [f"{markdown_text(name)} {number:,}" for name, number in list(counts.items())[:_LISTED_LABELS]]
    return ", ".join([*shown, *_rest(len(counts) - _LISTED_LABELS)])


def _unreadable(clips: Sequence[ClipRecord]) -> list[str]:
    if not clips:
        return []
    shown = [
        f"{markdown_text(clip.clip)}: {markdown_text(clip.failure or 'no reason known')}"
        for clip in clips[:_LISTED_CLIPS]
    ]
    return ["Clips that could not be read:", bullets([*shown, *_rest(len(clips) - _LISTED_CLIPS)])]


def _rest(number: int) -> list[str]:
    return [f"and {number:,} more (all in `leaderboard.json`)"] if number > 0 else []


_LISTED_REASONS = 10


def failed_clips_list(leaderboard: Leaderboard, corpus: str) -> list[str]:
    """List which candidate could not process how many clips of a corpus, and why.

    Args:
        leaderboard: The scored run.
        corpus: What tables call it.

    Returns:
        Blocks of Markdown; none where every candidate could process every clip.
    """
    found = [failed for failed in leaderboard.failed_clips if failed.corpus == corpus]
    if not found:
        return []
    more = len(found) - _LISTED_REASONS
    lines = [*map(_line, found[:_LISTED_REASONS]), *([f"{counted(more, 'reason')} more"] if more > 0 else [])]
    return [
        "Clips that a candidate could not process count as answered wrongly by it (`failed_clips` in "
        "`leaderboard.json`):",
        bullets(lines),
    ]


def _line(failed: FailedClips) -> str:
    such = "" if not failed.examples else f", such as {markdown_text(failed.examples[0])}"
    clips = counted(failed.clips, "clip")
    return f"**{markdown_text(failed.candidate)}**: {clips}{such}: {markdown_text(failed.reason)}"


_LISTED_EMOTIONS = 4


_LISTED_PAIRS = 45


_MODELS = {
    "dawid-skene": "the model of Dawid and Skene",
    "one-coin": "the one-coin model (there are fewer than 50 clips per class, too few for a probability of each answer "
    "to each truth)",
}


def agreement_section(agreement: CorpusAgreement) -> list[str]:
    """Write what can be said of candidates without labels.

    Args:
        agreement: How far they agree.

    Returns:
        Blocks of Markdown; none without voters.
    """
    if not agreement.voters:
        return []
    return [
        "### What they answer, and how far they agree",
        "In the order of the registry; **this is no ranking**.",
        markdown_table(agreement.voters, _VOTER_COLUMNS),
        _how_to_read(agreement),
        *_pairs(agreement),
    ]


def _distribution(voter: Voter) -> str:
    shares = list(voter.distribution.items())
    listed = [f"{markdown_text(name)} {fraction(share)}" for name, share in shares[:_LISTED_EMOTIONS]]
    rest = sum(share for _, share in shares[_LISTED_EMOTIONS:])
    return ", ".join([*listed, *([f"others {fraction(rest)}"] if rest else [])])


_VOTER_COLUMNS = (
    Column[Voter]("candidate", lambda voter: markdown_text(voter.candidate)),
    Column[Voter]("answers", _distribution),
    Column[Voter]("confidence", lambda voter: fraction(voter.confidence), numeric=True),
    Column[Voter]("with the majority", lambda voter: fraction(voter.majority_agreement), numeric=True),
    Column[Voter]("accuracy if errors are independent", lambda voter: fraction(voter.estimated_accuracy), numeric=True),
    Column[Voter]("counted with", lambda voter: markdown_text(voter.twin_of or "")),
)


def _how_to_read(agreement: CorpusAgreement) -> str:
    sentences = []
    if agreement.alpha is not None:
        sentences.append(f"Krippendorff's alpha of them all is {agreement.alpha:.2f} (1: all agree; 0: as by chance).")
    if agreement.problem is not None:
        sentences.append(agreement.problem)
    if agreement.model is not None:
        shared = ", ".join(map(markdown_text, agreement.shared_emotions))
        sentences.append(
            f"Accuracy is estimated from agreement alone, with {_MODELS.get(agreement.model, agreement.model)}, over "
            f"{shared} and, as one class of its own, every other answer. It assumes that errors are independent; "
            "candidates that were trained on the same recordings err alike, and what they get wrong together counts as "
            "right here. Hold it against the two columns before it, which know no more, and against labels as soon as "
            "there are some."
        )
    return " ".join(sentences)


def _pairs(agreement: CorpusAgreement) -> list[str]:
    if not agreement.pairs:
        return []
    shown = sorted(agreement.pairs, key=lambda pair: -2.0 if pair.kappa is None else -pair.kappa)[:_LISTED_PAIRS]
    rest = len(agreement.pairs) - len(shown)
    more = f" {counted(rest, 'pair')} more in `leaderboard.json`." if rest else ""
    columns = [
        Column[PairAgreement](
            "candidates", lambda pair: f"{markdown_text(pair.first)} and {markdown_text(pair.second)}"
        ),
        Column[PairAgreement]("the same answer", lambda pair: fraction(pair.agreement), numeric=True),
        Column[PairAgreement](
            "Cohen's kappa", lambda pair: "" if pair.kappa is None else f"{pair.kappa:.2f}", numeric=True
        ),
    ]
    meaning = "; kappa takes off what chance would give" if any(pair.kappa is not None for pair in shown) else ""
    return [f"How often two agree{meaning}.{more}", markdown_table(shown, columns)]
