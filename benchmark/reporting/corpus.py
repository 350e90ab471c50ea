"""`corpus-<name>.md`: what there is to know of a corpus before anyone trusts a score on it."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmark.reporting.csv_and_json import corpus_json
from benchmark.reporting.escaping import markdown_text
from benchmark.reporting.markdown import Column, bullets, document, markdown_table
from benchmark.reporting.numbers import UNKNOWN, counted, duration, fraction, moment
from benchmark.results.description import CorpusDescription, Coverage, DescribedClip, DescribedLabel, Spread
from benchmark.results.files import write_atomically
from benchmark.results.runs import SHORTEST_SPEECH_S
from benchmark.scoring.corpus_description import CORPUS_FLAGS, is_telephone

_SECONDS_PER_HOUR = 3600


_LISTED = 20


def corpus_markdown(corpus: CorpusDescription) -> str:
    """Write the description of a corpus for reading in a terminal, an editor or on a repository page.

    Args:
        corpus: The corpus, described.

    Returns:
        A Markdown document.
    """
    return document(
        [
            f"# The corpus {markdown_text(corpus.name)}",
            _what_it_is(corpus),
            "## Before you trust a score on it" if corpus.flags else "",
            bullets(f"**{flag}**: {CORPUS_FLAGS.get(flag, '')}" for flag in corpus.flags),
            "## Labels",
            _labels(corpus),
            "## Who speaks",
            _people(corpus),
            "## Sound",
            markdown_table(sound_facts(corpus), _FACT_COLUMNS),
            *_clip_lists(corpus),
            "## Ties",
            _ties(corpus),
            "## What the candidates could cover",
            _coverage(corpus),
            *(["## How it was read", bullets(markdown_text(note) for note in corpus.notes)] if corpus.notes else []),
        ]
    )


def spread(values: Spread | None, unit: str) -> str:
    """Write the smallest, the middle and the largest of a quantity.

    Examples:
        >>> spread(Spread(low=1.43, median=2.6, high=8.98), "s")
        '1.4 – 2.6 – 9.0 s'
        >>> spread(None, "s")
        ''
    """
    return "" if values is None else f"{values.low:,.1f} – {values.median:,.1f} – {values.high:,.1f} {unit}"


def readable(corpus: CorpusDescription) -> str:
    """Say how many clips could be read, and of how many."""
    clips = sum(clip.clip_hash is not None for clip in corpus.clips)
    return f"{counted(clips, 'readable clip')} of {corpus.available_clips:,}"


def sound_facts(corpus: CorpusDescription) -> list[tuple[str, str]]:
    """What was measured of the recordings: pairs of a name and a text, for tables of any kind."""
    band = corpus.bandwidth_hz
    kilohertz = band and Spread(low=band.low / 1000, median=band.median / 1000, high=band.high / 1000)
    speech = "not looked for" if corpus.speech_share is None else f"{corpus.speech_share:.0%} of the time"
    return [
        ("audio", duration(corpus.hours * _SECONDS_PER_HOUR)),
        ("duration (min – median – max)", spread(corpus.duration_s, "s")),
        ("sampling rate", counts({f"{rate} Hz": clips for rate, clips in corpus.sampling_rates.items()})),
        ("recorded channels", counts(corpus.channels)),
        ("effective bandwidth", spread(kilohertz, "kHz")),
        ("telephone band saved wider", counted(corpus.telephone, "clip")),
        ("level (RMS)", spread(corpus.level_db, "dBFS")),
        ("clipped", counted(corpus.clipped, "clip")),
        ("speech", speech),
        ("nobody speaks", counted(corpus.silent, "clip") if corpus.speech_share is not None else "not looked for"),
        ("unreadable", counted(sum(clip.clip_hash is None for clip in corpus.clips), "clip")),
        ("identical audio", f"{counted(len(corpus.identical), 'group')}"),
    ]


def counts(values: Mapping[str, int]) -> str:
    """Write counts on one line, the first twenty.

    Examples:
        >>> counts({"de": 339, "": 2})
        'de 339, unknown 2'
    """
    shown = [f"{name or 'unknown'} {number:,}" for name, number in list(values.items())[:_LISTED]]
    return ", ".join([*shown, *([f"and {len(values) - _LISTED:,} more"] if len(values) > _LISTED else [])])


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


_COVERAGE_COLUMNS: tuple[Column[Coverage], ...] = (
    Column("candidate", lambda each: markdown_text(each.candidate)),
    Column("status", lambda each: each.status or ""),
    Column("known from", lambda each: each.known_from),
    Column("covers", lambda each: fraction(each.coverage), numeric=True),
    Column("cannot say", lambda each: markdown_text(", ".join(each.missing))),
    Column("seen", lambda each: each.seen),
)


def _what_it_is(corpus: CorpusDescription) -> str:
    parts = [f"{readable(corpus)}, {duration(corpus.hours * _SECONDS_PER_HOUR)}, from {markdown_text(corpus.source)}."]
    if corpus.selection:
        parts.append(f"Only {markdown_text(corpus.selection)}.")
    if corpus.channel != "mix":
        parts.append(f"Channel: {corpus.channel}.")
    if corpus.synthetic:
        parts.append("**Its voices are synthetic**: nothing follows for people's.")
    return " ".join([*parts, f"Described {moment(corpus.created)}."])


def _labels(corpus: CorpusDescription) -> str:
    table = markdown_table(corpus.labels, _LABEL_COLUMNS)
    merged = ", ".join(f"{markdown_text(old)} → {markdown_text(new)}" for old, new in corpus.merge.items())
    texts = [
        table,
        f"{counted(len(corpus.classes), 'class', 'classes')}, indices 0 to {len(corpus.classes) - 1}: "
        f"{markdown_text(counts(corpus.classes))}."
        if corpus.classes
        else "No clip has a label that means an emotion.",
        f"Merged: {merged}." if merged else "",
        f"{counted(corpus.unlabelled, 'clip')} without a label." if corpus.unlabelled else "",
    ]
    return "\n\n".join(text for text in texts if text)


def _people(corpus: CorpusDescription) -> str:
    named = {name: clips for name, clips in corpus.speakers.items() if name}
    return bullets(
        [
            f"speakers: {len(named)} ({markdown_text(counts(corpus.speakers))})",
            f"sex: {markdown_text(counts(corpus.sexes))}",
            f"language: {markdown_text(counts(corpus.languages))}",
        ]
    )


def _ties(corpus: CorpusDescription) -> str:
    values = [("text", corpus.text_tie), ("speaker", corpus.speaker_tie)]
    return bullets(f"{name} and emotion: {UNKNOWN if tie is None else f'V = {tie:.2f}'}" for name, tie in values) + (
        "\n\nCramér's V with Bergsma's correction, over the texts and speakers that occur at least twice; "
        "0.3 and more is tied."
    )


def _coverage(corpus: CorpusDescription) -> str:
    if not corpus.candidates:
        return "The registry has no candidates."
    meaning = (
        "`covers` is the share of the scored clips whose emotion a candidate can express. Empty: nobody has looked at "
        "its labels yet; `bench verify` does."
        if corpus.classes
        else "Without labels there is nothing to cover."
    )
    return f"{markdown_table(corpus.candidates, _COVERAGE_COLUMNS)}\n\n{meaning}"


def _clip_lists(corpus: CorpusDescription) -> list[str]:
    silent = [
        clip
        for clip in corpus.clips
        if clip.speech_share is not None and clip.speech_share * (clip.duration_s or 0.0) < SHORTEST_SPEECH_S
    ]
    return [
        *_list("Unreadable", [f"{_name(clip)}: {markdown_text(clip.failure or '')}" for clip in _unreadable(corpus)]),
        *_list(
            "Identical, sample by sample",
            [", ".join(markdown_text(name) for name in group.clips) for group in corpus.identical],
        ),
        *_list("Nobody speaks in", [_name(clip) for clip in silent]),
        *_list("A telephone's band", [_name(clip) for clip in corpus.clips if is_telephone(clip)]),
        *_list("Clipped", [_name(clip) for clip in corpus.clips if clip.clipped_share]),
    ]


def _unreadable(corpus: CorpusDescription) -> Sequence[DescribedClip]:
    return [clip for clip in corpus.clips if clip.clip_hash is None]


def _name(clip: DescribedClip) -> str:
    return markdown_text(clip.clip)


def _list(title: str, texts: Sequence[str]) -> list[str]:
    if not texts:
        return []
    more = [f"and {len(texts) - _LISTED:,} more (all in the JSON file)"] if len(texts) > _LISTED else []
    return [f"{title}:", bullets([*texts[:_LISTED], *more])]


_UNSAFE = re.compile(r"[^\w.-]+")


_LONGEST = 80


def write_description(description: CorpusDescription, folder: Path) -> tuple[Path, ...]:
    """Write the description of a corpus.

    Args:
        description: The corpus, described.
        folder: Where reports go; created where it is missing.

    Returns:
        Where the files lie, the one for reading first.

    Raises:
        RequestError: The folder cannot be written.
        UnavailableError: The disk is full or fails.
    """
    stem = f"corpus-{file_stem(description.name)}"
    return (
        write_atomically(folder / f"{stem}.md", corpus_markdown(description)),
        write_atomically(folder / f"{stem}.json", corpus_json(description)),
    )


def file_stem(name: str) -> str:
    """Make of a corpus's name what every file system takes; letters of all scripts stay.

    Examples:
        >>> file_stem("my-calls"), file_stem("../콜센터 2026"), file_stem("***")
        ('my-calls', '콜센터-2026', 'unnamed')
    """
    return _UNSAFE.sub("-", unicodedata.normalize("NFC", name)).strip(".-")[:_LONGEST] or "unnamed"
