from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmark.audio.measuring import Acoustics
from benchmark.reporting.corpus import write_description
from benchmark.results.corpus_description import CorpusDescription, Coverage
from benchmark.results.runs import ClipRecord, CorpusRecord
from benchmark.scoring.corpus_description import describe

SOUND = Acoustics(sampling_rate=16_000, channels=1, level_db=-26.0, clipped_share=0.0, bandwidth_hz=7_800.0)


def description(name: str = "콜센터 2026/01", label: str = "분노") -> CorpusDescription:
    clips = (
        ClipRecord(clip="a|b.wav", clip_hash="h1", duration_s=2.0, label=label, speaker="<script>", speech_share=0.0),
        ClipRecord(clip="twin.wav", clip_hash="h1", duration_s=2.0, label=label, speaker="مريم"),
        ClipRecord(clip="😡.wav", clip_hash=None, duration_s=None, failure="The file is empty (0 bytes)."),
    )
    corpus = CorpusRecord(name=name, source="folder:x", clips=clips, available_clips=3, merge={"calm": "neutral"})
    return describe(corpus, [SOUND, SOUND, None], created=datetime(2026, 1, 1, tzinfo=UTC), notes=["One | note."])


def page_of(clips: tuple[ClipRecord, ...], folder: Path, **changes: object) -> str:
    corpus = CorpusRecord(name="calls", source="folder:x", clips=clips, available_clips=len(clips))
    described = describe(corpus, [SOUND] * len(clips), created=datetime(2026, 1, 1, tzinfo=UTC))
    path, _ = write_description(described.model_copy(update=changes), folder)
    return path.read_text(encoding="utf-8")


def test_names_of_any_script_become_file_names_and_never_leave_the_folder(tmp_path: Path) -> None:
    markdown, document = write_description(description(), tmp_path)
    assert [markdown.name, document.name] == ["corpus-콜센터-2026-01.md", "corpus-콜센터-2026-01.json"]
    assert CorpusDescription.model_validate_json(document.read_text(encoding="utf-8")) == description()
    outside = write_description(description("../../etc/passwd"), tmp_path / "reports")
    assert {path.parent for path in outside} == {tmp_path / "reports"}


def test_every_script_survives_on_the_page_and_nothing_of_it_becomes_markup(tmp_path: Path) -> None:
    path, _ = write_description(description(label="분노 😡 غضب"), tmp_path)
    page = path.read_text(encoding="utf-8")
    for text in (
        "분노 😡 غضب",
        "مريم",
        "&lt;script&gt;",
        "a\\|b.wav, twin.wav",
        "such as 😡.wav (The file is empty (0 bytes)): it is left out",
    ):
        assert text in page
    assert "<script>" not in page
    assert "calm → neutral" in page


@pytest.mark.parametrize(
    ("label", "sentence"), [("분노", "`covers` is the share"), (None, "there is nothing to cover")]
)
def test_coverage_is_explained_only_where_there_is_something_to_cover(
    label: str | None, sentence: str, tmp_path: Path
) -> None:
    clips = (ClipRecord(clip="a.wav", clip_hash="h1", duration_s=2.0, label=label),)
    candidate = Coverage(candidate="a", known_from="nothing", seen="unknown")
    page = page_of(clips, tmp_path, candidates=(candidate,))
    assert sentence in page
    assert ("`covers`" in page, "No clip has a label" in page) == (label is not None, label is None)


def test_an_empty_corpus_has_a_page_too(tmp_path: Path) -> None:
    assert "No clip has a label" in page_of((), tmp_path)
