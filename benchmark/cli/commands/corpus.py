"""`bench corpus`: describe a corpus."""

from dataclasses import replace
from typing import TYPE_CHECKING

from benchmark.options.declare import command
from benchmark.options.model_commands import DescribeRequest
from benchmark.options.shared import ConsoleOptions

if TYPE_CHECKING:
    from benchmark.results.corpus_description import CorpusDescription


@command
def corpus(*, options: DescribeRequest, console: ConsoleOptions) -> int:
    """Describe a corpus: labels, speakers, sound, identical clips, and what the candidates could cover of it.

    Loads no model of emotion, and writes corpus-NAME.md and corpus-NAME.json.
    """
    from benchmark.corpora.spec_syntax import require_corpora

    require_corpora([options.corpus], options.candidates)
    from benchmark.api.corpus import describe_corpus_with
    from benchmark.cli.console import open_console
    from benchmark.cli.summaries import finish, run_command
    from benchmark.reporting.csv_and_json import corpus_json
    from benchmark.reporting.next_steps import after_description

    outcome = describe_corpus_with(replace(options, progress=open_console(console)))
    if console.as_json:
        print(corpus_json(outcome.description), end="")
    else:
        _print(outcome.description)
    then = after_description(outcome.description, run_command(options, options.corpus))
    return finish(outcome, quiet=console.quiet, then=then)


def _print(described: "CorpusDescription") -> None:
    from benchmark.cli.summaries import print_left_out
    from benchmark.cli.tables import Column, print_line, print_table
    from benchmark.reporting.corpus import counts, readable, sound_facts, suspects_sentence, ties
    from benchmark.reporting.numbers import counted, fraction
    from benchmark.scoring.corpus_description import CORPUS_FLAGS

    labels = [
        (
            label.label,
            label.emotion or "– (unmapped)",
            "" if label.index is None else str(label.index),
            f"{label.clips:,}",
        )
        for label in described.labels
    ]
    if labels and described.unlabelled:
        labels.append(("– (no label)", "", "", f"{described.unlabelled:,}"))
    print_table(
        ["label", "emotion", Column("class", number=True), Column("clips", number=True)],
        labels,
        title=f"{described.name}: {readable(described)}, {counted(len(described.classes), 'class', 'classes')}",
    )
    if not described.classes:
        print_line("No clip has a label that means an emotion.")
        print_line("")
    print_table(
        ["what", "measured"],
        [
            ("speakers", str(len([name for name in described.speakers if name])) if described.speakers else ""),
            ("sex", counts(described.sexes)),
            ("language", counts(described.languages)),
            *sound_facts(described),
            *ties(described),
        ],
    )
    print_table(
        ["candidate", "known from", Column("covers", number=True), "cannot say", "seen"],
        [
            (
                candidate.candidate,
                candidate.known_from,
                fraction(candidate.coverage),
                ", ".join(candidate.missing),
                candidate.seen,
            )
            for candidate in described.candidates
        ],
    )
    if described.suspects:
        print_table(
            ["clip", "label", "likelier"],
            [
                (
                    suspect.clip,
                    f"{suspect.label} {fraction(suspect.label_probability)}",
                    f"{suspect.likelier} {fraction(suspect.likelier_probability)}",
                )
                for suspect in described.suspects
            ],
            title="labels that may be wrong",
        )
    print_left_out(described.left_out)
    lines = [
        *filter(None, [suspects_sentence(described)]),
        *(f"{flag}: {CORPUS_FLAGS[flag]}" for flag in described.flags),
        *described.notes,
    ]
    for line in lines:
        print_line(line)
