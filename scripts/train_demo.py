"""Train the demo's checkpoints, on synthetic speakers that its corpus does not hold.

    OMP_WAIT_POLICY=PASSIVE python -m scripts.train_demo [--out FOLDER] [--only-later]

It takes some fifteen minutes on two cores, and writes the same weights each time on one machine. With `--only-later` it
keeps the first eight checkpoints as they are and trains the two that came after them, in some five minutes.
"""

import argparse
import time
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from transformers import AutoConfig, AutoModelForAudioClassification

from benchmark.demo.files import checkpoints_path, demo_clips
from scripts.demo.clips import TrainingClips, training_clips
from scripts.demo.measuring import listen, score
from scripts.demo.recipes import make_untrained, train_others, train_seven
from scripts.demo.saving import save
from scripts.demo.wavlm_and_ast import train_five, train_korean

THREADS = 2
GOOD = ("wav2vec2-english", "hubert-german", "wavlm-korean")
CLASSIFIERS = (*GOOD, "ast-english-five", "wav2vec2-four", "hubert-always-neutral")

SUMMARY = """# The demo

A registry, a corpus and tiny checkpoints that need no network, to show the way of a candidate and to test it.
**All of it is synthetic**: a program makes the voices (`scripts/demo/voice.py`), and the checkpoints have heard
nothing else. No score here says anything about real speech, and no checkpoint here is for use.

- `registry.yaml` lists the candidates, good and bad, with the status that each should get.
- `recordings/` was made by `python -m scripts.write_recordings`: the {clips} clips of `demo:` (seven emotions, eight
  speakers); by three other speakers, the {recordings} clips of `demo:unlabelled` and `demo:long`,
  which lasts {long_s:.0f} s; and the probes that verification gives to every model.
- `checkpoints/` was made by `python -m scripts.train_demo`, on 48 other synthetic speakers and other texts.

UAR on the corpus, seven classes, with the interval of the jackknife over speakers, as measured when they were made:

| checkpoint | emotions it knows | UAR | 95 % interval |
| --- | --- | --- | --- |
{rows}

Emotions that a checkpoint does not know count as missed. Of the clips, {agreements}.
"""


def main() -> None:
    """Train, save, listen to the held-out speakers, and write down what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--out", type=Path, default=checkpoints_path().parent, help="where README.md and checkpoints/ go"
    )
    parser.add_argument("--only-later", action="store_true", help="keep the first eight checkpoints of --out")
    arguments = parser.parse_args()
    out: Path = arguments.out
    torch.set_num_threads(THREADS)
    torch.use_deterministic_algorithms(True)
    started = time.monotonic()
    clips = training_clips()
    print(f"{len(clips.samples)} clips made in {time.monotonic() - started:.0f} s")
    if not arguments.only_later:
        train_first(clips.normalised(), out / "checkpoints")
    train_later(clips, out / "checkpoints")
    print(f"trained and saved after {time.monotonic() - started:.0f} s")
    text = summary(out / "checkpoints")
    (out / "README.md").write_text(text, encoding="utf-8")
    print(text)


def train_first(clips: TrainingClips, folder: Path) -> None:
    """Train and save the first eight.

    Args:
        clips: Normalised clips.
        folder: Where each gets a folder.
    """
    models = train_seven(clips)
    models |= train_others(models["wav2vec2-english"], models["hubert-german"], clips) | make_untrained()
    for name, model in models.items():
        save(model, folder / name)


def train_later(clips: TrainingClips, folder: Path) -> None:
    """Train and save those that came later.

    Args:
        clips: Clips as they were spoken.
        folder: Where each gets a folder, and the first eight have theirs.
    """
    german = AutoModelForAudioClassification.from_pretrained(folder / "hubert-german", dtype=torch.float32)
    save(train_korean(german, clips.normalised()), folder / "wavlm-korean")
    save(train_five(clips), folder / "ast-english-five")


def summary(folder: Path) -> str:
    """Listen to the held-out speakers, and write down what was measured.

    Args:
        folder: That of the checkpoints.
    """
    held_out = list(demo_clips())
    answers = {name: listen(folder / name, held_out) for name in CLASSIFIERS}
    lines = []
    for name, given in answers.items():
        found = score(given, held_out)
        known = AutoConfig.from_pretrained(folder / name).num_labels
        lines.append(f"| {name} | {known} | {found.uar:.2f} | {found.low:.2f} to {found.high:.2f} |")
    agreements = []
    for first, second in combinations(GOOD, 2):
        share = np.mean([one == other for one, other in zip(answers[first], answers[second], strict=True)])
        agreements.append(f"{first} and {second} agree on {share:.0%}")
    return SUMMARY.format(
        rows="\n".join(lines),
        agreements=",\n".join(agreements),
        clips=len(held_out),
        recordings=len(list(demo_clips("unlabelled"))),
        long_s=next(demo_clips("long")).waveform().duration_s,
    )


if __name__ == "__main__":
    main()
