from dataclasses import replace

import numpy as np

from benchmark.results.training_record import OutOfFold
from benchmark.scoring.out_of_fold import score_out_of_fold


def test_texts_that_speakers_share_widen_the_interval_as_on_a_leaderboard() -> None:
    cells = [(who, text, label) for who in range(6) for text in range(4) for label in range(2)]
    right = np.array([text == 0 or (who + text + label) % 2 == 0 for who, text, label in cells])
    first = np.array([label == 0 for _, _, label in cells]) == right
    answers = OutOfFold(
        clips=tuple(map(str, range(len(cells)))),
        clip_hashes=tuple(map(str, range(len(cells)))),
        speakers=tuple(f"s{who}" for who, _, _ in cells),
        folds=tuple(who % 2 for who, _, _ in cells),
        labels=tuple(("anger", "fear")[label] for _, _, label in cells),
        classes=("anger", "fear"),
        probabilities=np.stack([first, ~first], axis=1).astype(np.float32),
        texts=tuple(f"t{text}" for _, text, _ in cells),
    )
    scores = [score_out_of_fold(own, "probe") for own in (answers, replace(answers, texts=()))]
    assert [score.uar for score in scores] == [right.mean()] * 2
    wide, narrow = ((score.uar_high or 0.0) - (score.uar_low or 0.0) for score in scores)
    assert wide > narrow + 0.1
