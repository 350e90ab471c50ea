"""How well bench orders candidates without labels, where the labels are known and merely hidden from it.

    python -m scripts.unlabelled_order --models ../shared/models --work /tmp/hidden --write

Runs checkpoints and noisy copies of them on labelled corpora, and holds the order by accuracy estimated from agreement
alone, and by two simpler baselines, against the true one. Prints tables, and with `--write` puts them into
docs/unlabelled.md. Answers are kept below `--work`, so that a second call runs no model.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import yaml

from benchmark.api.run import RunOutcome, run
from benchmark.demo.files import registry_path
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.runs import RunRecord, load_run
from benchmark.settings import Settings
from scripts.generated_sections import write_section
from scripts.hidden_labels import Hidden, candidate_tables, hidden_corpora, tables
from scripts.noisy_checkpoints import Member, with_noisy_copies

PAGE = Path(__file__).parents[1] / "docs" / "unlabelled.md"
SEED = 20_260_301
NOISES, DEMO_NOISES = (0.5, 1.0, 2.0), (1.0,)
LEAST_CLIPS = 400
DEMO = (
    *("wav2vec2-english", "hubert-german", "wavlm-korean", "ast-english-five", "wav2vec2-four"),
    *("wav2vec2-foreign-head", "hubert-always-neutral"),
)


def shared_members(models: Path, folder: Path, noises: Sequence[float] = NOISES) -> tuple[Member, ...]:
    """The checkpoints of a registry of local folders, with their noisy copies."""
    listed = yaml.safe_load((models / "candidates.yaml").read_text(encoding="utf-8"))["candidates"]
    originals = [
        Member(each["id"], (models / each["id"]).resolve(), each["id"], 0.0, each["trained_on"][0]) for each in listed
    ]
    return with_noisy_copies(originals, folder, noises=noises, seed=SEED)


def demo_members(
    folder: Path, names: Sequence[str] = DEMO, noises: Sequence[float] = DEMO_NOISES
) -> tuple[Member, ...]:
    """The demo's checkpoints, with a noisy copy of each that is good for anything."""
    place = registry_path().parent / "checkpoints"
    originals = [Member(name, place / name, name, 0.0, "synthetic-voice") for name in names]
    skilled = [member for member in originals if not member.name.endswith(("neutral", "foreign-head"))]
    copies = with_noisy_copies(skilled, folder, noises=noises, seed=SEED + 1000)
    return (*copies, *(member for member in originals if member not in skilled))


def ask(members: Sequence[Member], corpora: dict[str, dict[str, object]], work: Path, *, limit: int) -> RunOutcome:
    """Run everybody on everything, without timing anybody.

    Args:
        members: The candidates.
        corpora: As a registry describes them.
        work: Where answers and reports are kept.
        limit: Clips per corpus at most.

    Returns:
        What came of it.
    """
    listed = [{"id": str(member.folder), "name": member.name, "trained_on": [member.trained_on]} for member in members]
    registry = work / "candidates.yaml"
    registry.parent.mkdir(parents=True, exist_ok=True)
    content = {"version": 1, "candidates": listed, "corpora": corpora}
    registry.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return run(
        registry,
        limit=limit,
        latency_seconds=0,
        find_speech=False,
        output=work / "reports",
        settings=Settings(cache=work / "cache"),
    )


def hide(record: RunRecord, members: Sequence[Member], work: Path) -> tuple[Hidden, ...]:
    """Join what everybody answered with what they are, corpus by corpus."""
    return hidden_corpora(record, PredictionStore(work / "cache").read, members)


def shared_corpora(models: Path) -> dict[str, dict[str, object]]:
    """The corpora beside the shared checkpoints, and the demo's."""
    ravdess = f"table:{(models / '../corpora/ravdess/metadata.csv').resolve()}"
    emodb = f"table:{(models / '../corpora/emodb_4class/metadata.csv').resolve()}"
    return {
        "ravdess": {"source": ravdess, "language": "en"},
        "ravdess-heldout": {"source": ravdess, "language": "en", "speakers": ["21", "22", "23", "24"]},
        "emodb-4": {"source": emodb, "language": "de"},
        "demo": {"source": "demo:"},
    }


def main() -> None:
    """Ask everybody, print the tables, and write them into the page where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=480)
    parser.add_argument("--stored", action="store_true", help="take the last run below --work as it is")
    parser.add_argument("--write", action="store_true", help="put the orders into docs/unlabelled.md")
    options = parser.parse_args()
    if options.limit < LEAST_CLIPS:
        parser.error(f"--limit: at least {LEAST_CLIPS} clips, or the order is that of chance")
    members = (*shared_members(options.models, options.work / "copies"), *demo_members(options.work / "copies"))
    if options.stored:
        record = load_run(options.work / "cache")
    else:
        record = ask(members, shared_corpora(options.models), options.work, limit=options.limit).record
    corpora = hide(record, members, options.work)
    content = tables(corpora)
    print(content, candidate_tables(corpora), sep="\n")
    if options.write:
        write_section(PAGE, "unlabelled-order", content)


if __name__ == "__main__":
    main()
