"""Train the demo's checkpoints, on synthetic speakers that its corpus does not hold.

    OMP_WAIT_POLICY=PASSIVE python -m scripts.train_demo [--out FOLDER]

It takes some ten minutes on two cores, and writes the same weights each time on one machine.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from benchmark.demo.corpus import demo_clips
from benchmark.demo.files import checkpoints_path
from scripts.demo.clips import training_clips
from scripts.demo.measuring import listen, score
from scripts.demo.recipes import make_untrained, train_others, train_seven
from scripts.demo.saving import save

THREADS = 2
CLASSIFIERS = ("wav2vec2-english", "hubert-german", "wav2vec2-four", "hubert-always-neutral")

SUMMARY = """# The demo

A registry, a corpus and tiny checkpoints that need no network, to show the way of a candidate and to test it.
**All of it is synthetic**: a program makes the voices (`benchmark/audio/voice/`), and the checkpoints have heard
nothing else. No score here says anything about real speech, and no checkpoint here is for use.

- `registry.yaml` lists the candidates, good and bad, with the status that each should get.
- `corpus.py` makes the {clips} clips: seven emotions, eight speakers. Nothing is stored.
- `checkpoints/` was made by `python -m scripts.train_demo`, on 48 other synthetic speakers and other texts.

UAR on the corpus, seven classes, with the interval of the jackknife over speakers, as measured when they were made:

| checkpoint | UAR | 95 % interval |
| --- | --- | --- |
{rows}

The first two agree on {agreement:.0%} of the clips.
"""


def main() -> None:
    """Train, save, listen to the held-out speakers, and write down what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--out", type=Path, default=checkpoints_path().parent, help="where README.md and checkpoints/ go"
    )
    out: Path = parser.parse_args().out
    torch.set_num_threads(THREADS)
    torch.use_deterministic_algorithms(True)
    started = time.monotonic()
    clips = training_clips()
    print(f"{len(clips.samples)} clips made in {time.monotonic() - started:.0f} s")
    models = train_seven(clips)
    models |= train_others(models["wav2vec2-english"], models["hubert-german"], clips) | make_untrained()
    for name, model in models.items():
        save(model, out / "checkpoints" / name)
    print(f"trained and saved after {time.monotonic() - started:.0f} s")
    held_out = list(demo_clips())
    answers = {name: listen(out / "checkpoints" / name, held_out) for name in CLASSIFIERS}
    lines = []
    for name, given in answers.items():
        found = score(given, held_out)
        lines.append(f"| {name} | {found.uar:.2f} | {found.low:.2f} to {found.high:.2f} |")
    good, other = (answers[name] for name in CLASSIFIERS[:2])
    agreement = np.mean([first == second for first, second in zip(good, other, strict=True)])
    text = SUMMARY.format(rows="\n".join(lines), agreement=agreement, clips=len(held_out))
    (out / "README.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
