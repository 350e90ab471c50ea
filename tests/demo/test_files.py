from benchmark.demo.files import checkpoints_path, registry_path
from benchmark.registry.loading import load_registry
from benchmark.results.status import Status


def test_the_registry_holds_one_candidate_of_every_kind() -> None:
    registry = load_registry(registry_path())

    assert {candidate.name: candidate.expect for candidate in registry.candidates} == {
        "wav2vec2-english": Status.USABLE,
        "hubert-german": Status.USABLE,
        "wavlm-korean": Status.USABLE,
        "ast-english-five": Status.USABLE,
        "wav2vec2-four": Status.USABLE,
        "hubert-always-neutral": Status.USABLE,
        "wav2vec2-foreign-head": Status.REPAIRED,
        "wav2vec2-dimensional": Status.DIMENSIONAL,
        "wav2vec2-ctc": Status.WRONG_TASK,
        "wavlm-encoder": Status.NO_HEAD,
        "gone": Status.NOT_FOUND,
    }
    assert {name: corpus.source for name, corpus in registry.corpora.items()} == {
        "demo": "demo:",
        "demo-unlabelled": "demo:unlabelled",
        "demo-long": "demo:long",
    }


def test_every_candidate_but_the_one_that_is_gone_has_its_folder_and_every_folder_its_candidate() -> None:
    folders = {candidate.local_path for candidate in load_registry(registry_path()).candidates}
    assert {path for path in folders if path is not None and path.is_dir()} == set(checkpoints_path().iterdir())
    assert checkpoints_path() / "gone" in folders


def test_all_of_it_is_small_enough_for_a_package() -> None:
    folder = registry_path().parent
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 6_000_000


def test_whatever_a_person_may_open_says_that_it_is_synthetic() -> None:
    for folder in (registry_path().parent, *checkpoints_path().iterdir()):
        text = (folder / "README.md").read_text(encoding="utf-8")
        assert "synthetic" in text
        assert "for use" in text
