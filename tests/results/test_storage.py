from pathlib import Path

import pytest

from benchmark.results.storage import candidate_folder

CACHE = Path("/cache")


SHA = "a" * 40


def test_a_hub_id_is_readable_in_the_store() -> None:
    assert candidate_folder(CACHE, "superb/hubert-large", SHA) == CACHE / "superb__hubert-large" / SHA


@pytest.mark.parametrize(
    "name",
    ["..", ".", "/", "", "../../etc/passwd", "a/../../b", "C:\\models\\x", "~/m\0x", "./мой", "x" * 5000, "\ud800"],
)
@pytest.mark.parametrize("revision", [SHA, "..", "", "../..", "refs/pr/1", "/abs"])
def test_no_id_and_no_revision_leads_out_of_the_store(name: str, revision: str) -> None:
    folder = candidate_folder(CACHE, name, revision)
    assert folder.parent.parent == CACHE
    assert not {"..", ".", ""} & set(folder.parts[2:])
    assert all(len(part) < 200 for part in folder.parts)


def test_folders_of_one_name_in_different_places_stay_apart() -> None:
    assert candidate_folder(CACHE, "./a/model", SHA) != candidate_folder(CACHE, "./b/model", SHA)
