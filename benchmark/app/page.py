"""The page and the endpoint `/predict`, in Gradio."""

import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gradio as gr

from benchmark.app.answers import Answerer, Recording, answer_content
from benchmark.app.drawing import START, answers_html, problem_html
from benchmark.demo.files import DemoClip, demo_clips
from benchmark.errors import BenchError
from benchmark.reporting.escaping import markdown_text
from benchmark.reporting.timelines import timelines_csv, timelines_json
from benchmark.results.environment import Environment
from benchmark.results.timelines import Timeline, Timelines

_Answer = tuple[str, dict[str, Any], dict[str, Any]]

_EXAMPLES = ("anger", "happiness", "sadness")
_MOST_WAITING = 16
_KEPT_S, _CLEANED_EVERY_S = 3600, 600
_ENDPOINT = "predict"
# One recording is answered at a time: models share the cores.
_SHARED = {"concurrency_id": "models", "concurrency_limit": 1}


def build_page(answerer: Answerer, folder: Path) -> gr.Blocks:
    """Build the page; `launch` serves it.

    Args:
        answerer: Answers the recordings.
        folder: Results to download are written there; the one that Gradio keeps uploads in.
    """
    candidates = answerer.candidates
    names = list(candidates.subjects)
    with gr.Blocks(title="bench app", analytics_enabled=False, delete_cache=(_CLEANED_EVERY_S, _KEPT_S)) as page:
        gr.Markdown(f"# Which emotion?\n\n{_introduction(answerer)}")
        with gr.Row():
            with gr.Column(scale=2, min_width=300):
                audio = _sent_audio(sources=["upload", "microphone"], label="Recording")
                chosen = gr.Dropdown(names, value=names[:1], multiselect=True, label="Candidates, the first at length")
                with gr.Row():
                    ask = gr.Button("Ask", variant="primary")
                    ask_all = gr.Button("Ask all candidates")
                gr.Examples([[str(clip.path)] for clip in _examples()], audio, label="Examples: synthetic voices")
            with gr.Column(scale=3, min_width=300):
                shown = gr.HTML(START, label="Answer")
                with gr.Row():
                    files = [gr.DownloadButton(name, visible=False) for name in ("JSON", "CSV")]

        def answer(path: str | None, models: Sequence[str]) -> Iterator[_Answer]:
            yield from _answers(answerer, path, models, folder)

        outputs = [shown, *files]
        private = {"api_visibility": "private", **_SHARED}
        gr.on([ask.click, audio.change], answer, [audio, chosen], outputs, **private)
        ask_all.click(lambda: names, None, chosen, api_visibility="private").then(
            answer, [audio, chosen], outputs, **private
        )
        _add_endpoint(answerer)
    return page.queue(max_size=_MOST_WAITING)


def _sent_audio(**options: Any) -> gr.Audio:
    """Audio that is sent, never fetched: Gradio would download an address that a program names."""
    audio = gr.Audio(type="filepath", buttons=["download"], **options)
    take = audio.async_move_resource_to_block_cache

    async def take_sent(path: str | Path | None) -> str | None:
        if str(path or "").lower().startswith(("http://", "https://")):
            raise gr.Error("The app fetches nothing: send the recording itself.", print_exception=False)
        taken: str | None = await take(path)
        return taken

    audio.async_move_resource_to_block_cache = take_sent
    return audio


def _add_endpoint(answerer: Answerer) -> None:
    """Let programs ask one candidate, by `gradio_client` or over HTTP."""

    def predict(audio: str | None, candidate: str = "") -> dict[str, Any]:
        try:
            if audio is None:
                raise gr.Error("Send a recording as `audio`.", print_exception=False)
            ((_, timeline),) = answerer.answers(audio, [candidate] if candidate else [])
            return answer_content(timeline, answerer.candidates.flags(timeline.model))
        except BenchError as error:
            raise gr.Error(str(error), print_exception=False) from error

    audio, candidate = _sent_audio(visible=False), gr.Textbox(visible=False)
    result, button = gr.JSON(visible=False), gr.Button(visible=False)
    button.click(predict, [audio, candidate], result, api_name=_ENDPOINT, **_SHARED)


def _answers(answerer: Answerer, path: str | None, models: Sequence[str], folder: Path) -> Iterator[_Answer]:
    """The page's answers, one candidate more each time, and at the end the files."""
    hidden = gr.update(visible=False)
    if path is None:
        yield START, hidden, hidden
        return
    timelines: list[Timeline] = []
    run = answerer.candidates.run
    try:
        for recording, timeline in answerer.answers(path, models):
            timelines.append(timeline)
            flags = [answerer.candidates.flags(own.model) for own in timelines]
            html = answers_html(recording, timelines, flags, "" if run is None else run.title)
            yield html, hidden, hidden
        as_json, as_csv = _files(answerer, recording, timelines, folder)
        yield html, as_json, as_csv
    except BenchError as error:
        yield problem_html(str(error)), hidden, hidden


def _files(
    answerer: Answerer, recording: Recording, timelines: Sequence[Timeline], folder: Path
) -> Iterator[dict[str, Any]]:
    result = Timelines(
        created=datetime.now(UTC),
        environment=Environment.here(),
        timelines=tuple(timelines),
        refused=answerer.candidates.refused,
    )
    own = Path(tempfile.mkdtemp(dir=folder))
    for suffix, text in (("json", timelines_json(result)), ("csv", timelines_csv(result))):
        path = own / f"{Path(recording.clip.name).stem}.{suffix}"
        path.write_text(text, encoding="utf-8")
        yield gr.update(value=str(path), visible=True)


def _introduction(answerer: Answerer) -> str:
    candidates = answerer.candidates
    pick = "" if candidates.pick is None else f" **{markdown_text(candidates.pick)}** is the pick of it."
    run = "" if candidates.run is None else f" Flags are from {markdown_text(candidates.run.title)}.{pick}"
    limits = f"{answerer.options.max_clip_mb:g} MB and {answerer.options.max_minutes:g} minutes"
    return (
        f"At most {limits}. Recordings stay on this machine and are deleted within "
        f"{(_KEPT_S + _CLEANED_EVERY_S) // 60} minutes.{run} No model reads a person's emotion with certainty."
    )


def _examples() -> list[DemoClip]:
    labelled = {clip.emotion: clip for clip in demo_clips() if clip.speaker == "f1"}
    return [*(labelled[emotion] for emotion in _EXAMPLES), *demo_clips("long")]
