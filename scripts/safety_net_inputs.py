"""What the safety net gives to the command line: wrong requests, broken files, recordings and plug-ins."""

import json
import shutil
import tomllib
from pathlib import Path

import numpy as np
import soundfile

RATE = 16_000

SIGNATURES = """
import dataclasses, enum, inspect, re
import benchmark

def plain(value):
    # Modules may move: only the last part of a dotted name counts.
    text = re.sub(r"<class '(.*?)'>", r"\\1", str(value))
    text = re.sub(r"\\b(?:[A-Za-z_]\\w*\\.)+([A-Za-z_]\\w*)", r"\\1", text)
    return re.sub(r" at 0x[0-9a-f]+", "", text)

for name in sorted(benchmark.__all__):
    member = getattr(benchmark, name)
    if inspect.isclass(member) and issubclass(member, BaseException):
        print(name, [plain(base) for base in member.__mro__])
        continue
    if inspect.isclass(member):
        public = [field for field in dir(member) if not field.startswith("_")]
        print(name, "members:", " ".join(public))
    for parameter in inspect.signature(member).parameters.values():
        print(name, parameter.kind.name, plain(parameter))
"""

_DEMO = ("--candidates", "demo")
_RUN = ("run", *_DEMO)
MISTAKES: tuple[tuple[tuple[str, ...], dict[str, str]], ...] = (
    (("verifi",), {}),
    ((), {}),
    (("run", "--min-emotions", "many"), {}),
    (("run", "--min-emotions", "0"), {}),
    (("run", "--device", "tpu"), {}),
    (("run", "--no-such-option"), {}),
    (("run", "--corpus"), {}),
    ((*_RUN, "--corpus", "nowhere"), {}),
    ((*_RUN, "--corpus", "folder:nowhere"), {}),
    ((*_RUN, "--corpus", "demo:short"), {}),
    ((*_RUN, "--corpus", "table:nowhere.csv"), {}),
    ((*_RUN, "--corpus", "table:no-files.csv"), {}),
    ((*_RUN, "--corpus", "table:ragged.csv"), {}),
    ((*_RUN, "--corpus", "table:empty.csv"), {}),
    ((*_RUN, "--corpus", "table:binary.csv"), {}),
    ((*_RUN, "--corpus", "table:good.csv", "--by", "nothing"), {}),
    ((*_RUN, "--corpus", "folder:empty-folder"), {}),
    ((*_RUN, "--corpus", "folder:broken-audio"), {}),
    ((*_RUN, "--corpus", "hf:org/dataset"), {}),
    ((*_RUN, "-m", ""), {}),
    ((*_RUN, "--backend", "abacus", "--corpus", "demo"), {}),
    ((*_RUN, "--dtype", "float8"), {}),
    ((*_RUN, "--merge", "calm"), {}),
    ((*_RUN, "--merge", "anger=fear", "--merge", "fear=anger"), {}),
    ((*_RUN, "--merge-preset", "nothing"), {}),
    ((*_RUN, "--perturb", "speed:9"), {}),
    ((*_RUN, "--metric", "nowhere.py"), {}),
    ((*_RUN, "--metric", "bad-metric.py", "--corpus", "demo", "-m", "hubert-german", "--limit", "7"), {}),
    ((*_RUN, "--limit", "0"), {}),
    ((*_RUN, "--sample", "-1"), {}),
    ((*_RUN, "--min-speech", "2"), {}),
    ((*_RUN, "--speaker", "nobody", "--corpus", "demo"), {}),
    ((*_RUN, "--jobs", "0"), {}),
    (_RUN, {"BENCH_CACHE": "file"}),
    (_RUN, {"BENCH_LIMIT": "many"}),
    (_RUN, {"BENCH_CORPUS": "folder:nowhere", "BENCH_QUIET": "1"}),
    ((*_RUN, "--corpus", "demo", "--min-emotions", "99", "-o", "file"), {}),
    (("candidates", "--candidates", "nowhere.yaml"), {}),
    (("candidates", "--candidates", "not-yaml.yaml"), {}),
    (("candidates", "--candidates", "unknown-field.yaml"), {}),
    (("candidates", "--candidates", "wrong-version.yaml"), {}),
    (("candidates", "--candidates", "wrong-status.yaml"), {}),
    (("candidates", "--candidates", "twice.yaml"), {}),
    (("candidates", "--candidates", "unknown-emotion.yaml"), {}),
    (("candidates", "--candidates", "empty.yaml"), {}),
    (("candidates", "--candidates", "empty-folder"), {}),
    (("verify", "-m", "./empty-folder"), {}),
    (("verify", "-m", "./nowhere"), {}),
    (("verify", "--depth", "deep"), {}),
    (("verify", *_DEMO, "--max-download-gb", "-1"), {}),
    (("verify", *_DEMO, "--log-file", "nowhere/log.txt", "--depth", "inspect"), {}),
    (("labels", "./nowhere"), {}),
    (("labels",), {}),
    (("labels", *_DEMO, "table:no-label-column.csv"), {}),
    (("labels", "nobody", *_DEMO), {}),
    (("discover", "--sort", "beauty"), {}),
    (("discover", "--limit", "0"), {}),
    (("discover",), {}),
    (("recommend",), {}),
    (("recommend", "--run", "not-a-run.json"), {}),
    (("report", "--run", "nowhere"), {}),
    (("ensemble", "a", "b"), {}),
    (("compare", "a"), {}),
    (("compare", "a", "b"), {}),
    (("corpus",), {}),
    (("corpus", "folder:empty-folder"), {}),
    (("corpus", "demo", "--channel", "middle"), {}),
    (("predict", *_DEMO, "hubert-german"), {}),
    (("predict", *_DEMO, "hubert-german", "nowhere.wav"), {}),
    (("predict", *_DEMO, "hubert-german", "broken-audio/text.wav"), {}),
    (("predict", *_DEMO, "hubert-german", "good.wav", "--hop", "0"), {}),
    (("predict", *_DEMO, "hubert-german", "good.wav", "--json", "--format", "csv"), {}),
    (("predict", *_DEMO, "hubert-german", "good.wav", "-o", "out"), {}),
    (("publish",), {}),
    (("publish", "--repo", "no-owner"), {}),
    (("publish", "--repo", "me/results"), {}),
    (("cache",), {}),
    (("cache", "prune", "--yes"), {}),
    (("cache", "ls", "--older-than", "soon"), {}),
    (("cache", "ls", "--kind", "jewels"), {}),
    (("cache", "ls"), {"BENCH_CACHE": "file"}),
)
"""Arguments and environment variables of requests that are wrong, or that find nothing."""

_REGISTRIES = {
    "not-yaml.yaml": "candidates: [a\n",
    "unknown-field.yaml": "version: 1\ncandidates:\n  - {id: org/a, colour: red}\n",
    "wrong-version.yaml": "version: 99\ncandidates: []\n",
    "wrong-status.yaml": "version: 1\ncandidates:\n  - {id: org/a, expect: splendid}\n",
    "twice.yaml": "version: 1\ncandidates:\n  - {id: org/a}\n  - {id: org/a}\n",
    "unknown-emotion.yaml": "version: 1\ncandidates:\n  - {id: org/a, labels: {LABEL_0: splendour}}\n",
    "empty.yaml": "",
}
_TABLES = {
    "no-label-column.csv": "file,mood\ngood.wav,happy\n",
    "no-files.csv": "file,label\nnowhere.wav,happy\n",
    "ragged.csv": 'file,label\ngood.wav,happy,more,and more\n"good.wav\n',
    "empty.csv": "",
    "good.csv": "file,label,speaker\ngood.wav,happy,a\n",
}


def write_mistakes(folder: Path) -> None:
    """Write the files that `MISTAKES` names."""
    (folder / "empty-folder").mkdir()
    (folder / "broken-audio").mkdir()
    (folder / "broken-audio" / "text.wav").write_text("no audio", encoding="utf-8")
    (folder / "broken-audio" / "empty.mp3").write_bytes(b"")
    (folder / "file").write_text("", encoding="utf-8")
    (folder / "not-a-run.json").write_text("{}", encoding="utf-8")
    (folder / "bad-metric.py").write_text("raise RuntimeError('bad metric')\n", encoding="utf-8")
    (folder / "binary.csv").write_bytes(bytes(range(256)))
    for name, content in {**_REGISTRIES, **_TABLES}.items():
        (folder / name).write_text(content, encoding="utf-8")
    soundfile.write(folder / "good.wav", _noise(2.0, seed=1), RATE)


def write_broken_checkpoints(folder: Path, root: Path) -> tuple[str, ...]:
    """Write copies of a demo's checkpoint that are broken in different ways; returns their names."""
    source = root / "benchmark" / "demo" / "checkpoints" / "wav2vec2-four"
    weights, config = "model.safetensors", "config.json"
    names = (
        *("unnamed", "no-config", "config-no-json", "no-model-type", "unknown-type", "own-code", "no-weights"),
        *("truncated", "garbage", "pickle", "evil-pickle", "unlabelled", "wrong-count", "no-extractor", "wrong-shapes"),
    )
    for name in names:
        shutil.copytree(source, folder / name)
    _edit(folder / "unnamed" / config, id2label={str(index): f"LABEL_{index}" for index in range(4)}, label2id=None)
    (folder / "no-config" / config).unlink()
    (folder / "config-no-json" / config).write_text("{", encoding="utf-8")
    _edit(folder / "no-model-type" / config, model_type=None)
    _edit(folder / "unknown-type" / config, model_type="abacus")
    _edit(folder / "own-code" / config, model_type="abacus", auto_map={"AutoConfig": "x.Config"})
    (folder / "no-weights" / weights).unlink()
    whole = (folder / "truncated" / weights).read_bytes()
    (folder / "truncated" / weights).write_bytes(whole[: len(whole) // 2])
    (folder / "garbage" / weights).write_bytes(b"\xff" * 1000)
    for name, content in (("pickle", b"not a pickle"), ("evil-pickle", b"cposix\nsystem\n(S'touch evil'\ntR.")):
        (folder / name / weights).unlink()
        (folder / name / "pytorch_model.bin").write_bytes(content)
    _edit(folder / "unlabelled" / config, id2label=None, label2id=None)
    _edit(folder / "wrong-count" / config, id2label={"0": "angry", "1": "happy"}, label2id={"angry": 0, "happy": 1})
    (folder / "no-extractor" / "preprocessor_config.json").unlink()
    _edit(folder / "wrong-shapes" / config, hidden_size=24)
    (folder / "unexpected.yaml").write_text(
        f"version: 1\ncandidates:\n  - {{id: {folder / 'unnamed'}, expect: usable}}\n  - {{id: org/gone}}\n"
    )
    return names


def write_recordings(folder: Path, shared: Path) -> None:
    """Write a folder `calls`, a table `clips.csv` and a folder `casual` of recordings: of EmoDB where it is there."""
    clips = sorted((shared / "corpora" / "emodb_4class" / "audio").glob("*.flac"))[:12]
    voices = [soundfile.read(clip, dtype="float32")[0] for clip in clips] or [_noise(2.0, seed) for seed in range(12)]
    calls = folder / "calls"
    (calls / "anger").mkdir(parents=True)
    soundfile.write(calls / "long.wav", np.concatenate(voices), RATE)
    left, right = voices[0], np.resize(voices[1], voices[0].shape)
    soundfile.write(calls / "stereo.wav", np.stack([left, right], axis=1), RATE)
    soundfile.write(calls / "anger" / "short.ogg", voices[2][:4000], RATE)
    soundfile.write(calls / "anger" / "telephone.wav", voices[3][::2], 8000, subtype="ULAW")
    soundfile.write(calls / "silence.flac", np.zeros(RATE, dtype=np.float32), RATE)
    (calls / "text.wav").write_text("no audio", encoding="utf-8")
    (calls / "call.m4a").write_bytes(b"\0\0\0\x20ftypM4A \0\0\0\0" + bytes(100))
    cut = (calls / "long.wav").read_bytes()
    (calls / "cut.wav").write_bytes(cut[: len(cut) // 3])
    rows = ["file,label,speaker,sex,age,language"]
    (folder / "casual").mkdir()
    for number, voice in enumerate(voices):
        emotion = ("anger", "happiness", "neutral", "sadness")[number % 4]
        name = f"table/{number:02d}.flac"
        (folder / "table").mkdir(exist_ok=True)
        soundfile.write(folder / name, voice, RATE)
        soundfile.write(folder / "casual" / f"s{number // 4}{number % 2}_{emotion}_{number}.wav", voice, RATE)
        rows.append(f"{name},{emotion},s{number % 3},{'fm'[number % 2]},{20 + number},de")
    (folder / "clips.csv").write_text("\n".join([*rows, "table/gone.flac,anger,s1,f,20,de"]) + "\n", encoding="utf-8")


def write_plugin(root: Path, guide: str, folder: Path) -> Path:
    """Lay down the package of a guide as pip would; its files stand in fenced blocks with a file name."""
    files = {}
    for block in (root / "docs" / "guides" / f"{guide}.md").read_text(encoding="utf-8").split("```")[1::2]:
        head, _, content = block.partition("\n")
        _, _, name = head.strip().partition(" ")
        if name:
            files[name] = content
    project = tomllib.loads(files["pyproject.toml"])["project"]
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    metadata = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 1\n")
    lines = []
    for group, entries in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in entries.items())]
    (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def _noise(seconds: float, seed: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.random.default_rng(seed).normal(0, 0.05, round(seconds * RATE)).astype(np.float32)


def _edit(path: Path, **fields: object) -> None:
    content = json.loads(path.read_text(encoding="utf-8")) | fields
    kept = {name: value for name, value in content.items() if value is not None}
    path.write_text(json.dumps(kept), encoding="utf-8")
