"""What `bench corpus` writes: `corpus-<name>.md` and `.json`, all there is to know before anyone trusts a score."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmark.reporting.csv_and_json import corpus_json
from benchmark.reporting.escaping import markdown_text
from benchmark.reporting.leaderboard_corpora import left_out_list
from benchmark.reporting.markdown import Column, bullets, document, first_of, markdown_table, section
from benchmark.reporting.numbers import UNKNOWN, counted, duration, fraction, moment
from benchmark.results.corpus_description import CorpusDescription, Coverage, DescribedClip, DescribedLabel, Spread
from benchmark.results.files import FileSet
from benchmark.results.training_record import SuspectedLabel
from benchmark.scoring.corpus_description import CORPUS_FLAGS, is_telephone
from benchmark.scoring.suspected_labels import PRECISION_OF_SUSPECTS
from benchmark.scoring.telling_recordings import silence_against_guessing

_SECONDS_PER_HOUR = 3600
_MOST_LISTED = 20
_UNSAFE = re.compile(r"[^\w.-]+")
_LONGEST_NAME = 80


def write_description(description: CorpusDescription, folder: Path) -> tuple[Path, ...]:
    """Write the description of a corpus into a folder, which is created where it is missing.

    Returns:
        The Markdown and the JSON file.

    Raises:
        RequestError: The folder cannot be written.
        UnavailableError: The disk is full or fails.
    """
    stem = f"corpus-{file_stem(description.name)}"
    with FileSet() as files:
        return (
            files.write(folder / f"{stem}.md", corpus_markdown(description)),
            files.write(folder / f"{stem}.json", corpus_json(description)),
        )


def file_stem(name: str) -> str:
    """Turn the name of a corpus into one that every file system accepts; letters of all scripts stay.

    Examples:
        >>> file_stem("my-calls"), file_stem("../콜센터 2026"), file_stem("***")
        ('my-calls', '콜센터-2026', 'unnamed')
    """
    return _UNSAFE.sub("-", unicodedata.normalize("NFC", name)).strip(".-")[:_LONGEST_NAME] or "unnamed"


def corpus_markdown(corpus: CorpusDescription) -> str:
    """Write the description of a corpus for people, as a document in Markdown."""
    speakers = sum(1 for name in corpus.speakers if name)
    people = [
        f"speakers: {speakers} ({markdown_text(counts(corpus.speakers))})",
        f"sex: {markdown_text(counts(corpus.sexes))}",
        f"language: {markdown_text(counts(corpus.languages))}",
    ]
    return document(
        [
            f"# The corpus {markdown_text(corpus.name)}",
            _source(corpus),
            *left_out_list(corpus.left_out),
            *section(
                "## Before you trust a score on it",
                bullets(f"**{flag}**: {CORPUS_FLAGS.get(flag, '')}" for flag in corpus.flags),
            ),
            "## Labels",
            *_labels(corpus),
            "## Who speaks",
            bullets(people),
            "## Sound",
            markdown_table(sound_facts(corpus), _FACT_COLUMNS),
            *_clip_lists(corpus),
            "## Ties",
            *_ties(corpus),
            *_suspects(corpus),
            "## What the candidates could cover",
            *_coverage(corpus),
            *section("## How it was read", bullets(map(markdown_text, corpus.notes))),
        ]
    )


def readable(corpus: CorpusDescription) -> str:
    """The number of readable clips, and of how many."""
    clips = sum(clip.clip_hash is not None for clip in corpus.clips)
    return f"{counted(clips, 'readable clip')} of {corpus.available_clips:,}"


def sound_facts(corpus: CorpusDescription) -> list[tuple[str, str]]:
    """The measurements of the recordings, as pairs of a name and a text."""
    band = corpus.bandwidth_hz
    kilohertz = band and Spread(low=band.low / 1000, median=band.median / 1000, high=band.high / 1000)
    knows_speech = corpus.speech_share is not None
    return [
        ("audio", duration(corpus.hours * _SECONDS_PER_HOUR)),
        ("duration (min – median – max)", spread(corpus.duration_s, "s")),
        ("sampling rate", counts({f"{rate} Hz": clips for rate, clips in corpus.sampling_rates.items()})),
        ("recorded channels", counts(corpus.channels)),
        ("effective bandwidth", spread(kilohertz, "kHz")),
        ("telephone band saved wider", counted(corpus.telephone, "clip")),
        ("level (RMS)", spread(corpus.level_db, "dBFS")),
        ("clipped", counted(corpus.clipped, "clip")),
        ("speech", f"{corpus.speech_share:.0%} of the time" if knows_speech else "not looked for"),
        ("nobody speaks", counted(corpus.silent, "clip") if knows_speech else "not looked for"),
        ("unreadable", counted(sum(clip.clip_hash is None for clip in corpus.clips), "clip")),
        ("identical audio", counted(len(corpus.identical), "group")),
        ("changed copies", counted(len(corpus.near_copies), "pair")),
    ]


def spread(values: Spread | None, unit: str) -> str:
    """Write minimum, median and maximum of a quantity.

    Examples:
        >>> spread(Spread(low=1.43, median=2.6, high=8.98), "s"), spread(None, "s")
        ('1.4 – 2.6 – 9.0 s', '')
    """
    return "" if values is None else f"{values.low:,.1f} – {values.median:,.1f} – {values.high:,.1f} {unit}"


def counts(values: Mapping[str, int]) -> str:
    """Write the first twenty of several counts on one line.

    Examples:
        >>> counts({"de": 339, "": 2})
        'de 339, unknown 2'
    """
    return ", ".join(first_of([f"{name or 'unknown'} {number:,}" for name, number in values.items()], _MOST_LISTED))


_FACT_COLUMNS: tuple[Column[tuple[str, str]], ...] = (
    Column("what", lambda fact: fact[0]),
    Column("measured", lambda fact: markdown_text(fact[1])),
)
_LABEL_COLUMNS: tuple[Column[DescribedLabel], ...] = (
    Column("label", lambda label: markdown_text(label.label)),
    Column("emotion", lambda label: markdown_text(label.emotion or "– (unmapped)")),
    Column("class", lambda label: "" if label.index is None else str(label.index), numeric=True),
    Column("clips", lambda label: f"{label.clips:,}", numeric=True),
)
SUSPECT_COLUMNS: tuple[Column[SuspectedLabel], ...] = (
    Column("clip", lambda suspect: markdown_text(suspect.clip)),
    Column("label", lambda suspect: f"{suspect.label} {fraction(suspect.label_probability)}"),
    Column("likelier", lambda suspect: f"{suspect.likelier} {fraction(suspect.likelier_probability)}"),
)
"""Of a table of suspected labels."""
_COVERAGE_COLUMNS: tuple[Column[Coverage], ...] = (
    Column("candidate", lambda coverage: markdown_text(coverage.candidate)),
    Column("status", lambda coverage: coverage.status or ""),
    Column("known from", lambda coverage: coverage.known_from),
    Column("covers", lambda coverage: fraction(coverage.coverage), numeric=True),
    Column("cannot say", lambda coverage: markdown_text(", ".join(coverage.missing))),
    Column("seen", lambda coverage: coverage.seen),
)


def _source(corpus: CorpusDescription) -> str:
    sentences = [
        f"{readable(corpus)}, {duration(corpus.hours * _SECONDS_PER_HOUR)}, from {markdown_text(corpus.source)}."
    ]
    if corpus.selection:
        sentences.append(f"Only {markdown_text(corpus.selection)}.")
    if corpus.channel != "mix":
        sentences.append(f"Channel: {corpus.channel}.")
    if corpus.synthetic:
        sentences.append("**Its voices are synthetic**: nothing follows for people's.")
    return " ".join([*sentences, f"Described {moment(corpus.created)}."])


def _labels(corpus: CorpusDescription) -> list[str]:
    classes = "No clip has a label that means an emotion."
    if corpus.classes:
        number = len(corpus.classes)
        classes = (
            f"{counted(number, 'class', 'classes')}, indices 0 to {number - 1}: "
            f"{markdown_text(counts(corpus.classes))}."
        )
    merged = ", ".join(f"{markdown_text(old)} → {markdown_text(new)}" for old, new in corpus.merge.items())
    return [
        markdown_table(corpus.labels, _LABEL_COLUMNS),
        classes,
        f"Merged: {merged}." if merged else "",
    ]


def ties(corpus: CorpusDescription) -> list[tuple[str, str]]:
    """What may give the emotion away, with how far it does, as pairs of texts."""
    names = {"text": ("V", corpus.text_tie), "speaker": ("V", corpus.speaker_tie)}
    quantities = {"duration": ("ε", corpus.length_tie), "level": ("ε", corpus.level_tie)}
    measured = [
        (f"{name} and emotion", UNKNOWN if tie is None else f"{measure} = {tie:.2f}")
        for name, (measure, tie) in (names | quantities).items()
    ]
    if corpus.silence_uar is not None and corpus.silence_uar_low is not None:
        told = silence_against_guessing(corpus.silence_uar, corpus.silence_uar_low, len(corpus.classes))
        measured.append(("linear model on duration, level and pauses", told))
    return measured


def _ties(corpus: CorpusDescription) -> list[str]:
    return [
        bullets(f"{name}: {tie}" for name, tie in ties(corpus)),
        "V: Cramér's with Bergsma's correction, over the texts and speakers that occur at least twice. ε: correlation "
        "ratio after Kelley. 0.3 and more is tied.",
    ]


def _coverage(corpus: CorpusDescription) -> list[str]:
    if not corpus.candidates:
        return ["The registry has no candidates."]
    meaning = "Without labels there is nothing to cover."
    if corpus.classes:
        meaning = (
            "`covers` is the share of the scored clips whose emotion a candidate can express. Empty: nobody has looked "
            "at its labels yet; `bench verify` does."
        )
    return [markdown_table(corpus.candidates, _COVERAGE_COLUMNS), meaning]


def suspects_sentence(corpus: CorpusDescription) -> str:
    """Say by whose answers labels are suspected, and what that is worth; nothing where nobody asked."""
    if corpus.suspects is None:
        return ""
    by = f"by the stored answers of {', '.join(corpus.suspects_by)}"
    if not corpus.suspects:
        return f"No label is suspected, {by}."
    return f"{counted(len(corpus.suspects), 'label')} may be wrong, {by}: listen to the clips. {PRECISION_OF_SUSPECTS}"


def _suspects(corpus: CorpusDescription) -> list[str]:
    if corpus.suspects is None:
        return []
    table = [markdown_table(corpus.suspects, SUSPECT_COLUMNS)] if corpus.suspects else []
    return ["## Labels that may be wrong", markdown_text(suspects_sentence(corpus)), *table]


def _clip_lists(corpus: CorpusDescription) -> list[str]:
    def names(belongs: Callable[[DescribedClip], object]) -> list[str]:
        return [markdown_text(clip.clip) for clip in corpus.clips if belongs(clip)]

    lists = {
        "Identical, sample by sample": [", ".join(map(markdown_text, group.clips)) for group in corpus.identical],
        "Changed copies": [
            f"{' and '.join(map(markdown_text, copy.clips))} (likeness {copy.likeness:.2f})"
            for copy in corpus.near_copies
        ],
        "A telephone's band": names(is_telephone),
        "Clipped": names(lambda clip: clip.clipped_share),
    }
    rest = "and {:,} more (all in the JSON file)"
    return [
        block
        for title, texts in lists.items()
        for block in section(f"{title}:", bullets(first_of(texts, _MOST_LISTED, rest=rest)))
    ]
