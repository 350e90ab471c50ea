"""Hostile folders of models: configurations, weights, pickles, links and labels."""

import json
import os
import pickle
import shutil
import struct
import zipfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from benchmark.demo.files import registry_path
from tests.support.attacks import Arena, Attack, Kind, draw
from tests.support.hostile_tables import lay_out
from tests.support.hostile_texts import TEXTS, mutated

MODELS = registry_path().parent / "checkpoints"
BASES = ("wav2vec2-four", "wavlm-korean", "ast-english-five", "hubert-german", "wav2vec2-foreign-head")
HUGE = 2**31 - 1
VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    3,
    10**9,
    HUGE,
    2**63,
    10**30,
    1.5,
    float("nan"),
    float("inf"),
    1e308,
    "",
    "x",
    "16",
    [],
    {},
    [[]],
    {"a": 1},
    [0],
    [-1],
    [10**9] * 7,
    [1] * 100_000,
    {"0": "a"},
    {"0": 1},
    {"x": "a"},
    {"-1": "a"},
    ["a", "a"],
    "__import__('os').system('touch canary')",
    *TEXTS[:30],
)
WORTH_WARPING = (
    *(
        "model_type",
        "architectures",
        "id2label",
        "label2id",
        "num_labels",
        "hidden_size",
        "num_hidden_layers",
        "conv_dim",
    ),
    *(
        "conv_kernel",
        "conv_stride",
        "auto_map",
        "torch_dtype",
        "dtype",
        "problem_type",
        "quantization_config",
        "vocab_size",
    ),
    *("_name_or_path", "transformers_version", "num_attention_heads", "classifier_proj_size", "use_weighted_layer_sum"),
    *(
        "feature_extractor_type",
        "sampling_rate",
        "do_normalize",
        "feature_size",
        "num_mel_bins",
        "max_length",
        "chunk_length",
    ),
    *("hidden_act", "layer_norm_eps", "mask_time_prob", "is_encoder_decoder", "torchscript", "base_model_name_or_path"),
)


# Those of the repository, and those that somebody imports who takes the current folder for a library.
MODULES = (
    *("modeling", "configuration", "__init__", "setup", "conftest", "sitecustomize", "usercustomize", "handler"),
    *("torch", "numpy", "multiprocessing", "signal", "socket", "benchmark", "transformers", "json", "random", "pickle"),
)


class Payload:
    """What creates a file when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.canary}",)


def copied(random: Random, folder: Path) -> Path:
    """Copy a working model to warp."""
    return Path(shutil.copytree(MODELS / random.choice(BASES), folder / "model"))


def judged(random: Random, *, never_usable: bool = False) -> Attack:
    """Verify the model, or have other commands read it; it may be usable unless nothing of it can be."""
    if never_usable or random.random() < 0.7:
        depth = () if never_usable else ("--depth", random.choice(("inspect", "load", "probe", "probe")))
        return Attack(("verify", "-m", "./model", "--json", *depth), usable=is_refused if never_usable else bool)
    return Attack(random.choice((("labels", "./model", "--json"), ("candidates", "-m", "./model", "--json"))))


def is_refused(report: Any) -> bool:
    return all(verdict["verdict"] != "usable" for verdict in report["candidates"])


def edit(path: Path, **fields: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | fields), encoding="utf-8", errors="surrogatepass")


def warped_config(random: Random, folder: Path) -> Attack:
    model = copied(random, folder)
    path = model / random.choice(("config.json", "config.json", "preprocessor_config.json"))
    known = list(json.loads(path.read_text("utf-8")))
    edit(
        path,
        **{random.choice((*known, *WORTH_WARPING)): random.choice(VALUES) for _ in range(random.choice((1, 1, 2, 6)))},
    )
    return judged(random)


def giant_config(random: Random, folder: Path) -> Attack:
    """Sizes that no machine can hold."""
    model = copied(random, folder)
    names = (
        "hidden_size", "num_hidden_layers", "intermediate_size", "vocab_size", "conv_dim", "num_attention_heads",
        "num_conv_pos_embeddings", "tdnn_dim", "max_length", "num_labels",
    )  # fmt: skip
    edit(
        model / "config.json",
        **{random.choice(names): random.choice((10**5, 10**6, 10**9, HUGE, [10**6] * 3)) for _ in range(2)},
    )
    return judged(random)


def no_json(random: Random, folder: Path) -> Attack:
    model = copied(random, folder)
    path = model / random.choice(("config.json", "config.json", "preprocessor_config.json"))
    contents = (
        b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 200_000, b'{"a":' * 90_000, b"1" * 9_999,
        b'{"model_type": 1e999}', b'{"a": NaN, "a": 2}', b"\x00" * 99, b'"' + b"x" * 30_000_000 + b'"',
    )  # fmt: skip
    path.write_bytes(random.choice((*contents, mutated(path.read_bytes(), random), mutated(path.read_bytes(), random))))
    return judged(random)


def remote_code(random: Random, folder: Path) -> Attack:
    """Code in the folder that configurations ask to run."""
    model = copied(random, folder)
    code = f"import os\nos.system('touch {folder.parent / 'canary'}')\nclass M: pass\n"
    for name in MODULES:
        (model / f"{name}.py").write_text(code)
        if random.random() < 0.5:
            (folder / f"{name}.py").write_text(code)
    auto = {
        "AutoConfig": "configuration.M",
        "AutoModelForAudioClassification": "modeling.M",
        "AutoFeatureExtractor": "modeling.M",
        "AutoModel": "modeling.M",
    }
    edit(
        model / "config.json", auto_map=auto, trust_remote_code=True,
        model_type=random.choice(("wav2vec2", "custom", "evil")),
    )  # fmt: skip
    edit(
        model / "preprocessor_config.json",
        auto_map=auto,
        feature_extractor_type=random.choice(("Wav2Vec2FeatureExtractor", "M")),
    )
    if random.random() < 0.5:  # so that it is loaded
        shutil.copytree(MODELS / "wav2vec2-four", folder / "model", dirs_exist_ok=True)
    return replace(judged(random), own_process=True)


def weights_header(random: Random, folder: Path) -> Attack:
    """A safetensors file whose header lies."""
    model = copied(random, folder)
    path = model / "model.safetensors"
    content = path.read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    header, data = json.loads(content[8 : 8 + length]), content[8 + length :]
    tensors = [name for name in header if name != "__metadata__"]
    for name in random.sample(tensors, random.choice((1, 3, len(tensors)))):
        entry = header[name]
        match random.randrange(7):
            case 0:
                entry["data_offsets"] = [
                    random.choice((-1, 0, 10**12, 2**63)),
                    random.choice((0, 10**12, 2**64, entry["data_offsets"][1])),
                ]
            case 1:
                entry["shape"] = random.choice(
                    ([], [0], [-1], [2**40, 2**40], [10**9], ["a"], None, entry["shape"] * 9)
                )
            case 2:
                entry["dtype"] = random.choice(("F64", "F16", "I8", "BOOL", "F8_E4M3", "X", None, 3, "F4"))
            case 3:
                entry["data_offsets"] = header[random.choice(tensors)]["data_offsets"]
            case 4:
                header[random.choice(("x" * 100_000, "a/../../b", "\u202e", "<b>", "classifier.weight "))] = entry
            case 5:
                header.pop(name, None)
                break
            case _:
                header["__metadata__"] = random.choice(
                    (None, 1, {"a": 1}, {"format": "tf"}, {"format": "\x1b[31m"}, {})
                )
    encoded = json.dumps(header).encode()
    size = random.choice((len(encoded), len(encoded), 0, len(encoded) + 99, 2**63 - 1, 100_000_001, 2**64 - 1))
    path.write_bytes(struct.pack("<Q", size) + encoded + data)
    return judged(random)


def weights_damaged(random: Random, folder: Path) -> Attack:
    model = copied(random, folder)
    path = model / "model.safetensors"
    content = path.read_bytes()
    match random.randrange(4):
        case 0:
            path.write_bytes(content[: random.randrange(len(content))])
        case 1:
            path.write_bytes(mutated(content[:4_000], random) + content[4_000:])
        case 2:
            path.write_bytes(random.randbytes(random.choice((0, 1, 8, 9, 10_000))))
        case _:
            path.write_bytes(content[: random.choice((0, 8, 2_000))] + b"\0" * random.randrange(9))
            os.truncate(path, random.choice((2, 200)) * 10**9)
    return judged(random, never_usable=True) if path.stat().st_size > 10**9 else judged(random)


@cache
def tensors() -> dict[str, torch.Tensor]:
    return dict(load_file(MODELS / "wav2vec2-four" / "model.safetensors"))


def pickles(random: Random, folder: Path) -> Attack:
    """Weights as a pickle that runs a command when it is loaded."""
    model = Path(shutil.copytree(MODELS / "wav2vec2-four", folder / "model"))
    (model / "model.safetensors").unlink()
    path = model / random.choice(
        ("pytorch_model.bin", "pytorch_model.bin", "training_args.bin", "optimizer.pt", "adapter_model.bin")
    )
    payload = Payload(folder.parent / "canary")
    match random.randrange(5):
        case 0:
            path.write_bytes(pickle.dumps(payload, protocol=random.randrange(5)))
        case 1:
            torch.save({**tensors(), f"x{random.random()}": payload}, path)
        case 2:
            torch.save({**tensors(), "x": payload}, path, _use_new_zipfile_serialization=False)
        case 3:
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr(
                    random.choice(("archive/data.pkl", "../../data.pkl", "data.pkl", "/data.pkl")),
                    pickle.dumps(payload),
                )
                archive.writestr("archive/version", "3\n")
        case _:
            path.write_bytes(
                b"\x80\x04cos\nsystem\n(V"
                + f"touch {folder.parent / 'canary'}".encode()
                + b"\ntR."
                + random.randbytes(8)
            )
    return judged(random, never_usable=True)


def pickle_damaged(random: Random, folder: Path) -> Attack:
    model = Path(shutil.copytree(MODELS / "wav2vec2-four", folder / "model"))
    (model / "model.safetensors").unlink()
    path = model / "pytorch_model.bin"
    torch.save(tensors(), path, _use_new_zipfile_serialization=random.random() < 0.8)
    content = path.read_bytes()
    match random.randrange(3):
        case 0:
            content = mutated(content[:5_000], random) + content[5_000:]
        case 1:
            content = content[:-5_000] + mutated(content[-5_000:], random)
        case _:
            content = content[: random.randrange(len(content))]
    path.write_bytes(content)
    return judged(random)


def index(random: Random, folder: Path) -> Attack:
    """An index of shards that names files elsewhere, or none, or wrong sizes."""
    model = copied(random, folder)
    target = random.choice(
        (
            "../model/model.safetensors",
            "/etc/passwd",
            "../../precious/diary.txt",
            "model.safetensors",
            "shard.safetensors",
            "",
            ".",
            "\0",
            "a" * 5_000,
            "http://127.0.0.1:9/x",
        )
    )
    names: Any = random.choice(
        (
            dict.fromkeys(("classifier.weight", "projector.weight"), target),
            target,
            None,
            [],
            {"a": 1},
            {"a": None},
            {str(number): target for number in range(100_000)},
        )
    )
    content = {
        "metadata": random.choice((None, {}, {"total_size": random.choice((-1, 10**30, "x"))})),
        "weight_map": names,
    }
    (model / "model.safetensors.index.json").write_text(
        json.dumps(random.choice((content, content, content, [], None, {})))
    )
    if random.random() < 0.8:
        (model / "model.safetensors").unlink()
    return judged(random)


def links(random: Random, folder: Path) -> Attack:
    """Files of the model that are links out of the folder, devices, pipes or folders."""
    model = copied(random, folder)
    for name in random.sample(
        (
            "config.json",
            "preprocessor_config.json",
            "model.safetensors",
            "README.md",
            "tokenizer.json",
            "pytorch_model.bin",
        ),
        2,
    ):
        path = model / name
        path.unlink(missing_ok=True)
        match random.randrange(4):
            case 0:
                path.symlink_to(
                    random.choice(
                        (
                            "/dev/zero",
                            "/dev/random",
                            "/etc/passwd",
                            "../../precious/diary.txt",
                            name,
                            "/proc/self/environ",
                            "/dev/stdin",
                        )
                    )
                )
            case 1:
                os.mkfifo(path)
            case 2:
                path.mkdir()
            case _:
                path.touch()
                os.truncate(path, random.choice((0, 3 * 10**9, 60 * 10**9)))
    return judged(random)


def labels(random: Random, folder: Path) -> Attack:
    """Names of outputs that are markup, commands, right to left, endless, or many."""
    model = copied(random, folder)
    count = len(json.loads((model / "config.json").read_text("utf-8"))["id2label"])
    names: dict[str, Any] = {str(number): random.choice(TEXTS) for number in range(count)}
    match random.randrange(4):
        case 0:
            names = {str(number): f"label{number}" for number in range(100_000 + random.randrange(100))}
        case 1:
            names[random.choice(("0", "-1", "x", "1.0", "01", "99999999999999999999", ""))] = random.choice(VALUES)
        case _:
            pass
    edit(
        model / "config.json",
        id2label=names,
        label2id=random.choice(
            (
                None,
                {},
                {"a": "b"},
                {
                    name: int(number) if number.isdigit() else 0
                    for number, name in names.items()
                    if isinstance(name, str)
                },
            )
        ),
    )
    return judged(random)


def litter(random: Random, folder: Path) -> Attack:
    """Tokenizers, adapters, cards and other files that no load needs and that libraries may read."""
    model = copied(random, folder)
    for name in (
        "tokenizer.json", "tokenizer_config.json", "vocab.json", "special_tokens_map.json", "added_tokens.json",
        "adapter_config.json", "generation_config.json", "processor_config.json", "README.md", "chat_template.json",
        "model.onnx", "tf_model.h5", "flax_model.msgpack",
    ):  # fmt: skip
        if random.random() < 0.5:
            (model / name).write_bytes(
                random.choice(
                    (
                        b"",
                        b"{",
                        b"[]",
                        b"null",
                        b'{"auto_map": {"AutoTokenizer": ["a.B", null]}}',
                        random.randbytes(99),
                        b"[" * 99_999,
                        b"---\nlicense: !!python/name:os.system\n---\n",
                        b"---\n" + b"a: &a [*a]\n" + b"---\n",
                        b"---\nlicense: [" + b"x," * 99_999 + b"]\n---\n",
                    )
                )
            )
    for number in range(random.choice((0, 0, 3_000))):
        (model / f"{number}.safetensors").touch()
    return judged(random)


def missing(random: Random, folder: Path) -> Attack:
    model = copied(random, folder)
    for name in random.sample(
        ("config.json", "preprocessor_config.json", "model.safetensors"), random.choice((1, 2, 3))
    ):
        (model / name).unlink()
    (model / f"{random.random()}").touch()
    if random.random() < 0.2:
        lay_out(folder)
        return Attack(("predict", "./model", "ok.wav", "--json"))
    return judged(random)


KINDS: dict[str, Kind] = {
    "config": warped_config, "config-2": warped_config, "config-3": warped_config, "giant": giant_config,
    "no-json": no_json, "remote-code": remote_code, "weights-header": weights_header,
    "weights-header-2": weights_header, "weights-damaged": weights_damaged, "pickles": pickles,
    "pickle-damaged": pickle_damaged, "index": index, "links": links, "labels": labels, "litter": litter,
    "missing": missing,
}  # fmt: skip


@pytest.mark.parametrize(("make", "seed"), draw(KINDS, 0.17))
def test_a_hostile_model_is_a_verdict(make: Kind, seed: str, arena: Arena) -> None:
    arena.withstands(make, seed)
