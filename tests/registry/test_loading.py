"""Reading a registry, selecting candidates, and what is said about a wrong registry."""

from pathlib import Path

import pytest

from benchmark.errors import RequestError
from benchmark.registry.loading import PACKAGED_FILE, find_registry, load_registry, select
from benchmark.registry.locations import resolved_source
from benchmark.registry.schema import Candidate, Registry
from tests.registry.conftest import Write

ROOT = Path(__file__).parents[2]
HEAD = "version: 1\ncandidates:\n"
EVERYTHING = """\
version: 1
candidates:
  - id: org/model
    name: short
    revision: main
    expect: repaired
    languages: [el, zh-CN]
    trained_on: [AESDD]
    labels: {LABEL_0: joy, "no": neutral}
    head: {kind: dense-out, pooling: sum, activation: relu}
    preprocessor: {sampling_rate: 16000, do_normalize: false}
    published: {corpus: aesdd, uar: 0.5}
    note: >
      two
      lines
  - id: ./local
    note:
corpora:
  calls: {source: "folder:calls/2026", language: ko, speakers: ["01"], columns: {file: clip}}
  acted: {source: "ravdess:../ravdess", merge: {calm: neutral}, labels: {x: joy}}
"""


def test_every_field_of_the_contract_is_read(write: Write, tmp_path: Path) -> None:
    registry = load_registry(write(EVERYTHING))
    first, second = registry.candidates
    assert first.model_dump(mode="json", exclude_defaults=True) == {
        "id": "org/model", "name": "short", "revision": "main", "expect": "repaired", "languages": ["el", "zh-CN"],
        "trained_on": ["aesdd"], "labels": {"LABEL_0": "happiness", "no": "neutral"},
        "head": {"pooling": "sum", "activation": "relu"},
        "preprocessor": {"sampling_rate": 16000, "do_normalize": False},
        "published": {"corpus": "aesdd", "uar": 0.5}, "note": "two lines",
    }  # fmt: skip
    assert second.model_dump(exclude_defaults=True) == {"id": "./local", "name": "local"}
    assert (first.local_path, second.local_path) == (None, tmp_path / "local")
    calls, acted = registry.corpora["calls"], registry.corpora["acted"]
    assert (calls.language, calls.speakers, calls.columns) == ("ko", ("01",), {"file": "clip"})
    assert (acted.merge, acted.labels) == ({"calm": "neutral"}, {"x": "happiness"})
    assert resolved_source(calls.source, registry.folder) == f"folder:{tmp_path}/calls/2026"
    assert resolved_source(acted.source, registry.folder) == f"ravdess:{tmp_path.parent}/ravdess"


def _entry(fields: str) -> str:
    return f"{HEAD}  - id: org/model\n    {fields}\n"


def _corpus(fields: str) -> str:
    return f"{HEAD}  - id: org/model\ncorpora:\n  calls: {fields}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n", ":1: a registry is a mapping"),
        ("candidates: []\n", ":1: the version is missing; add the line 'version: 1'"),
        (HEAD + "  - id: a/b\n" * 10_001, ":2: 10,001 candidates are listed, and a registry may list 10,000; split it"),
        ("candidates: []\nversion: 2\n", ":2: version 2 was written for a newer bench"),
        ("version: 0\n", ":1: unknown version 0; write 'version: 1'"),
        ("version: true\n", ":1: unknown version True"),
        (f"version: 0x{'f' * 4000}\n", ":1: the number 0xfff.*… is too large; give a smaller one"),
        (f"version: -{'9' * 4000}\n", ":1: the number -999.*… is too large"),
        ("version: 1\n", "no candidates are listed; add one: '- id: organisation/name'"),
        ("version: 1\ncandidates: org/model\n",
         ":2: candidates of the registry must be a list; begin each with '- id: organisation/name'"),
        (f"{HEAD}  - id: a/b\ncandidate: 1\n",
         ":4: unknown field 'candidate' of the registry; did you mean 'candidates'?"),
        (_entry("langauge: [en]"), ":4: unknown field 'langauge' of candidate 'org/model'; did you mean 'languages'?"),
        (_entry("zzz: 1"), "unknown field 'zzz' of candidate 'org/model'; the fields are id, predictions, command"),
        (_entry("head: {kind: dense-out, pool: sum}"), "unknown field 'pool' .*; did you mean 'pooling'?"),
        (_entry("local_path: /etc"), "unknown field 'local_path'"),
        (f"{HEAD}  - name: x\n", ":3: candidate number 1 has no 'id'; add it"),
        (f"{HEAD}  - org/model\n", ":3: the entry of candidate number 1 must be a mapping of fields, not 'org/model'"),
        (f"{HEAD}  - id: a/b\n  - id: c/d\n  - id: A/b\n",
         ":5: candidate 'A/b' has the same model as 'a/b' in line 3; remove one"),
        (f"{HEAD}  - id: ./x\n  - {{id: ./y/../x, name: z}}\n", ":4: candidate './y/../x' has the same model"),
        (f"{HEAD}  - id: a/b\n    name: n\n  - id: c/d\n    name: N\n",
         ":6: candidate 'c/d' has the same name as 'a/b' in line 3; give one of them another"),
        (f"{HEAD}  - id: ./a/x\n  - id: ./b/x\n", ":4: candidate './b/x' has the same name as './a/x'"),
        (_entry("expect: usabel"), ":4: unknown status 'usabel' of candidate 'org/model'; did you mean 'usable'?"),
        (f"{HEAD}  - id: a/b\ncorpora:\n  c: {{source: x, channel: middle}}\n",
         "channel of corpus 'c' is 'middle', and must be 'mix', 'left', 'right' or 'each'"),
        (_entry("expect: zzz"), "unknown status 'zzz' of candidate 'org/model'; the words are not-found, gated"),
        (_entry("languages: en"),
         "languages of candidate 'org/model' must be a list in brackets, such as .en., not 'en'"),
        (_entry("languages: [english]"), "'english' is not a language code; write the ISO 639 code"),
        (_entry("revision: 1234567"), 'revision of candidate .* must be a text, not 1234567; quote it: "1234567"'),
        (_entry("revision: [a]"), r"revision of candidate 'org/model' must be a text, not \['a'\]$"),
        (_entry('name: ""'), "name of candidate 'org/model': it is empty"),
        (_entry('note: "a\\u001b[31m"'), "it holds control characters"),
        (_entry("labels: [a]"), "a list of labels, .outputs. and .sampling_rate. describe an ONNX file"),
        (_entry("labels:\n      a: joy\n      b: angerr"),
         ":6: labels → b of candidate 'org/model': unknown emotion 'angerr'; did you mean 'anger'"),
        (_entry("labels: {a: }"), ":4: labels → a of candidate 'org/model' is empty; write something, or remove it"),
        (_entry("labels: {a: null}"), 'must be a text, not None; quote it: "null"'),
        (_entry("head: {kind: strange}"),
         "head → kind of candidate 'org/model': unknown kind of head 'strange'; known are dense-out"),
        (_entry("head: dense-out"), "head of candidate 'org/model' must be a mapping of fields"),
        (_entry("preprocessor: {do_normalize: true}"), "candidate 'org/model' has no 'sampling_rate'"),
        (_entry("preprocessor: {sampling_rate: 16k}"), "must be a whole number, not '16k'"),
        (_entry("preprocessor: {sampling_rate: -1}"), "is -1: input should be greater than or equal to 1000"),
        (_entry("preprocessor: {sampling_rate: 16000, do_normalize: 3}"), "must be true or false, not 3"),
        (_entry("published: {corpus: ravdess}"), "a published score needs uar or accuracy"),
        (_entry("published: {corpus: ravdess, uar: 82}"), "is 82: input should be less than or equal to 1"),
        (_entry("published: {corpus: ravdess, uar: high}"), "must be a number, not 'high'"),
        (f"{HEAD}  - id: a/b/c\n", ":3: id of candidate 'a/b/c': 'a/b/c' is neither a folder nor a possible Hub id"),
        (f"{HEAD}  - id: ~nobody-has-this-name/x\n", "is not a path that can be followed"),
        (_corpus("{language: ko}"), ":5: corpus 'calls' has no 'source'; add it"),
        (_corpus("{source: x, speaker: []}"), "unknown field 'speaker' of corpus 'calls'; did you mean 'speakers'?"),
        (_corpus("{source: x, speakers: [01]}"), 'must be a text, not 1; quote it: "01"'),
        (_corpus("{source: x, speakers: []}"), "speakers of corpus 'calls': the list is empty"),
        (_corpus("{source: x, merge: {calm: neutrall}}"), "merge of corpus 'calls': unknown emotion 'neutrall'"),
        (_corpus("{source: x, columns: {lbel: y}}"), "unknown column 'lbel'; did you mean 'label'"),
        (_corpus("{source: ~nobody-has-this-name/x}"),
         "source of corpus 'calls': .* is not a path that can be followed"),
        (f"{HEAD}  - id: a/b\ncorpora: {{'a:b': {{source: x}}}}\n", "'a:b' cannot name a corpus"),
        (f"{HEAD}  - id: a/b\n    zz: 1\n    expect: nothing\n", r":4: unknown field 'zz' .* \(and 1 more\)$"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_with_the_line_of_the_file_and_the_fix(text: str, message: str, write: Write) -> None:
    path = write(text)
    with pytest.raises(RequestError, match=message) as caught:
        load_registry(path)
    assert str(caught.value).startswith(f"{path}:")
    assert "\n" not in str(caught.value)


def test_an_id_that_names_a_folder_beside_the_file_is_local(write: Write, tmp_path: Path) -> None:
    (tmp_path / "org" / "model").mkdir(parents=True)
    registry = load_registry(write(f"{HEAD}  - id: org/model\n  - id: org/other\n"))
    assert [candidate.local_path for candidate in registry.candidates] == [tmp_path / "org" / "model", None]
    assert [candidate.name for candidate in registry.candidates] == ["model", "org/other"]


def test_without_a_choice_the_file_of_this_folder_is_taken_or_the_packaged_one_and_announced(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    packaged = find_registry(None)
    assert packaged.path == PACKAGED_FILE
    assert "comes with bench" in (packaged.announced or "")
    write(f"{HEAD}  - id: org/mine\n")
    registry = find_registry(None)
    assert [candidate.id for candidate in registry.candidates] == ["org/mine"]
    assert (registry.announced, registry.title, registry.folder) == (None, "candidates.yaml", tmp_path)


def test_a_chosen_file_or_the_demo_is_read(write: Write) -> None:
    path = write(f"{HEAD}  - id: org/mine\n")
    chosen, demo = find_registry(str(path)), find_registry("demo")
    assert (chosen.title, chosen.announced) == (str(path), None)
    assert (demo.title, demo.announced is None) == ("demo", False)


def test_the_packaged_list_is_the_one_at_the_top_and_names_candidates_of_the_hub() -> None:
    assert PACKAGED_FILE.read_bytes() == (ROOT / "candidates.yaml").read_bytes()
    candidates = load_registry(PACKAGED_FILE).candidates
    assert len(candidates) == 26
    assert [entry.id for entry in candidates if entry.local_path is not None or entry.expect is None] == []


def test_the_shared_registry_names_local_checkpoints(shared: Path) -> None:
    models = shared / "models"
    registry = load_registry(models / "candidates.yaml")
    assert [candidate.local_path for candidate in registry.candidates] == [
        models / name for name in ("w2v2-ravdess", "ast-ravdess", "wavlm-ravdess", "hubert-emodb")
    ]
    assert registry.corpora["ravdess-heldout"].speakers == ("21", "22", "23", "24")
    source = resolved_source(registry.corpora["ravdess"].source, registry.folder)
    assert Path(source.removeprefix("table:")).is_file()


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Two candidates of the Hub and a local one, in a folder with another checkpoint."""
    for name in ("listed", "unlisted", "other/short"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return Registry(
        title="mine",
        candidates=(
            Candidate(id="superb/base-er", name="short", expect="usable"),
            Candidate(id="superb/large-er"),
            Candidate(id="./listed"),
        ),
    )


@pytest.mark.parametrize(
    ("models", "chosen"),
    [
        ([], ["superb/base-er", "superb/large-er", "./listed"]),
        (["short"], ["superb/base-er"]),
        (["superb/large-er", "superb/base-er"], ["superb/large-er", "superb/base-er"]),
        (["Superb/Base-ER"], ["superb/base-er"]),
        (["SUPERB/*", "short"], ["superb/base-er", "superb/large-er"]),
        (["s[h]ort"], ["superb/base-er"]),
        (["listed/../listed"], ["./listed"]),
        (["org/unlisted"], ["org/unlisted"]),
        (["./unlisted"], ["./unlisted"]),
        (["unlisted", "./unlisted/", "other/../unlisted"], ["unlisted"]),
        (["gpt2"], ["gpt2"]),
    ],
)
def test_models_are_found_by_name_id_pattern_or_path(models: list[str], chosen: list[str], registry: Registry) -> None:
    assert [candidate.id for candidate in select(registry, models).candidates] == chosen


def test_a_listed_candidate_keeps_what_the_registry_says_and_another_folder_is_local(
    registry: Registry, tmp_path: Path
) -> None:
    listed, unlisted = select(registry, ["superb/base-er", "unlisted"]).candidates
    assert (listed.expect, unlisted.local_path) == ("usable", tmp_path / "unlisted")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("nothing*", "no candidate of mine matches 'nothing.*'"),
        ("./missing", "there is no folder ./missing"),
        ("./unlisted/model.safetensors", r"^\./unlisted/model\.safetensors is a file; give the folder"),
        ("~nobody-has-this-name/x", "there is no folder"),
        ("shorty", "no candidate of mine is called 'shorty'; did you mean 'short'"),
        ("a/b/c", "model 'a/b/c': 'a/b/c' is neither a folder nor a possible Hub id"),
        ("x" * 300, "is neither a folder nor a possible Hub id"),
        ("", "model ''"),
    ],
)
def test_what_cannot_be_a_model_is_refused(model: str, message: str, registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "unlisted" / "model.safetensors").touch()
    with pytest.raises(RequestError, match=message):
        select(registry, [model])


def test_two_models_of_one_name_are_refused(registry: Registry) -> None:
    with pytest.raises(RequestError, match=r"superb/base-er and \./other/short are both called short"):
        select(registry, ["short", "./other/short"])
