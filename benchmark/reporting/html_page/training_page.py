"""`training.html`: the report of a training with its curves, in one file without scripts."""

from collections.abc import Sequence

from markupsafe import Markup, escape

from benchmark.reporting.escaping import plain_text
from benchmark.reporting.html_page.page import asset, block_html, policy
from benchmark.reporting.numbers import fraction
from benchmark.results.training_record import FoldRecord, TrainingRecord

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 640, 240, 48, 32, 12
_DASHES = ("", "6 3", "2 3", "8 3 2 3", "1 5")
_TICKS = 4


def training_html(record: TrainingRecord, before: Sequence[str], behind: Sequence[str]) -> str:
    """Write the page of a training.

    Args:
        before: Blocks of Markdown in front of the curves, with everything from outside escaped.
        behind: Blocks behind them.
    """
    styles = [asset(f"styles/{name}.css") for name in ("base", "tables", "training", "print")]
    title = escape(plain_text(record.name))
    parts = [
        Markup('<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'),
        Markup('<meta http-equiv="Content-Security-Policy" content="{}">').format(policy([], styles)),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Markup('<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">'),
        Markup("<title>{}: training</title>").format(title),
        *(Markup("<style>{}</style>").format(style) for style in styles),
        Markup("</head>\n<body>\n<main>"),
        block_html(before, deeper=0),
        *_curves(record.folds),
        block_html(behind, deeper=0),
        Markup("</main>\n</body>\n</html>\n"),
    ]
    return "\n".join(map(str, parts))


def _curves(folds: Sequence[FoldRecord]) -> list[Markup]:
    """The charts of all folds that were fitted in epochs."""
    fitted = [fold for fold in folds if fold.epochs]
    if not fitted:
        return []
    monitored = " and ".join(sorted({f"{fold.monitored} speakers" for fold in fitted if fold.monitored}))
    return [
        Markup("<h2>Curves</h2>"),
        Markup("<p>{}</p>").format(
            "A line per fit; fold and seed show where the pointer rests on it. The same numbers are in training.json."
        ),
        _chart(fitted, [[epoch.uar for epoch in fold.epochs] for fold in fitted], f"UAR on clips of {monitored}"),
        _chart(fitted, [[epoch.loss for epoch in fold.epochs] for fold in fitted], "training loss"),
    ]


def _chart(folds: Sequence[FoldRecord], curves: Sequence[Sequence[float | None]], title: str) -> Markup:
    """A line per fold over the epochs, from 0 to the largest value."""
    last = max(len(curve) for curve in curves)
    highest = max((value for curve in curves for value in curve if value is not None), default=0.0) or 1.0
    lines = [
        _line(fold, curve, last, highest, _DASHES[number % len(_DASHES)])
        for number, (fold, curve) in enumerate(zip(folds, curves, strict=True))
    ]
    return Markup(
        '<figure><figcaption>{}</figcaption>\n<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}</svg></figure>'
    ).format(title, _WIDTH, _HEIGHT, title, _axes(last, highest), Markup("\n").join(lines))


def _line(fold: FoldRecord, curve: Sequence[float | None], last: int, highest: float, dashes: str) -> Markup:
    points = " ".join(
        f"{_x(epoch, last):.1f},{_y(value, highest):.1f}" for epoch, value in enumerate(curve, 1) if value is not None
    )
    name = f"fold {fold.fold}, seed {fold.seed}"
    return Markup(
        '<polyline points="{}" fill="none" stroke="currentColor" stroke-width="1.5" stroke-dasharray="{}">'
        "<title>{}</title></polyline>"
    ).format(points, dashes, name)


def _axes(last: int, highest: float) -> Markup:
    text = Markup('<text x="{:.1f}" y="{:.1f}" font-size="11" text-anchor="{}" fill="currentColor">{}</text>')
    rule = Markup('<line x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}" stroke="currentColor" stroke-opacity="0.2"/>')
    values = [highest * tick / _TICKS for tick in range(_TICKS + 1)]
    epochs = sorted({1, *(max(1, round(last * tick / _TICKS)) for tick in range(1, _TICKS + 1))})
    parts = [rule.format(_LEFT, _WIDTH, _y(value, highest), _y(value, highest)) for value in values]
    parts += [text.format(_LEFT - 6, _y(value, highest) + 4, "end", fraction(value)) for value in values]
    parts += [text.format(_x(epoch, last), _HEIGHT - 18, "middle", str(epoch)) for epoch in epochs]
    parts.append(text.format(_WIDTH / 2, _HEIGHT - 4, "middle", "epoch"))
    return Markup("").join(parts)


def _x(epoch: int, last: int) -> float:
    return _LEFT + (_WIDTH - _LEFT - 10) * (epoch - 1) / max(last - 1, 1)


def _y(value: float, highest: float) -> float:
    return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - value / highest)
