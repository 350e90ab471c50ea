"""How far a candidate's answers survive what was done to the audio."""

from benchmark.results.schema import Stored


class Robustness(Stored):
    """One candidate on one corpus under one perturbation. Fractions are 0–1, None means unknown.

    Attributes:
        candidate: What tables call it.
        corpus: What tables call it.
        perturbation: What was done to every clip, such as `noise:20dB`.
        clips: Clips that are compared: those that the candidate answered as they are.
        unchanged: Share of them with the same answer to the perturbed clip.
        failed_clips: Those of them that it could not process perturbed; counted as changed, and as answered wrongly.
        untouched_clips: Clips of the corpus that came as they are, since there was nothing to take away from them.
        uar: Open UAR on the clips as they are; None without labels.
        perturbed_uar: Open UAR on the same clips, perturbed.
        uar_loss: The first less the second, from −1 to 1, with its 95 % interval in uar_loss_low and uar_loss_high.
        interval: How the interval was made: `speakers`, `wilson` or `clips`.
        problem: Why nothing is told, in a sentence; None where something is.
    """

    candidate: str
    corpus: str
    perturbation: str
    clips: int = 0
    unchanged: float | None = None
    failed_clips: int = 0
    untouched_clips: int = 0
    uar: float | None = None
    perturbed_uar: float | None = None
    uar_loss: float | None = None
    uar_loss_low: float | None = None
    uar_loss_high: float | None = None
    interval: str | None = None
    problem: str | None = None
