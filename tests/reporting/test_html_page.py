"""The page in a real browser: it opens, sorts, filters, plays, and does nothing else."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from benchmark.reporting import numbers
from benchmark.reporting.writing import write_leaderboard
from benchmark.results.leaderboard import Leaderboard
from performance.leaderboard_page import large_leaderboard
from scripts.chromium import find_chromium, open_chromium
from tests.support.finished_runs import FinishedRun, corpus, verification
from tests.support.report_pages import HOSTILE, hostile_page, usual_page, write_page

DESKTOP = ViewportSize(width=1280, height=900)
PHONE = ViewportSize(width=375, height=740)
EVALUATED = {"wav2vec2-english", "hubert-german", "hubert-always-neutral"}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    executable = find_chromium()
    if executable is None:
        reason = "there is no Chromium here; install one (Debian: apt-get install chromium) or set BENCH_CHROMIUM"
        if os.environ.get("BENCH_REQUIRE_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    with open_chromium(executable) as browser:
        yield browser


@dataclass
class Opened:
    """A page in a browser, with what it said and asked for."""

    path: Path
    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def rows(self) -> Locator:
        return self.page.locator("#board tbody tr")

    def column(self, title: str) -> list[str]:
        titles = [text.strip() for text in self.page.locator("#board thead th").all_inner_texts()]
        number = titles.index(title) + 1
        return self.page.locator(f"#board tbody tr > :nth-child({number})").all_inner_texts()

    def go(self, at: str) -> None:
        """Follow a link within the page, which is not loaded again."""
        self.page.goto(self.path.as_uri() + at)

    def start_again(self) -> None:
        """Show what a reader sees first: everything, in the order of the ranking."""
        self.go("#overview")
        corpora = self.page.get_by_label("Corpus", exact=True)
        self.page.get_by_role("button", name="Reset").click()
        corpora.select_option(index=1)
        corpora.select_option(index=0)
        self.page.evaluate("window.scrollTo(0, 0); document.activeElement.blur()")
        self.page.mouse.move(0, 0)
        expect(self.page.locator("#plot svg").first).to_be_visible()
        self.settle()

    def settle(self) -> None:
        """Wait until events of scrolling, which hides hints, have come, as they do before a frame is drawn."""
        self.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


class Opener:
    """Opens pages as a reader would, and watches them."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser

    def __call__(self, path: Path, *, viewport: ViewportSize = DESKTOP) -> Opened:
        opened = Opened(path, self.browser.new_page(viewport=viewport, color_scheme="light"))
        opened.page.on("console", lambda message: opened.complaints.append(message.text))
        opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        opened.page.on("request", lambda request: opened.requests.append(request.url))
        opened.page.goto(path.as_uri())
        return opened


@pytest.fixture(scope="module")
def open_page(chromium: Browser) -> Opener:
    return Opener(chromium)


@pytest.fixture(scope="module")
def demo_page(open_page: Opener, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    return open_page(usual_page(tmp_path_factory.mktemp("demo")))


@pytest.fixture
def demo(demo_page: Opened) -> Opened:
    """The page of a usual run, loaded once for all tests."""
    demo_page.start_again()
    return demo_page


@pytest.fixture(scope="module")
def hostile(open_page: Opener, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    return open_page(hostile_page(tmp_path_factory.mktemp("hostile")))


@pytest.fixture(scope="module")
def real(open_page: Opener, demo_run: Path) -> Opened:
    """The page of a run of real models, which other tests share."""
    return open_page(demo_run / "reports" / "leaderboard.html")


@pytest.mark.parametrize("name", ["demo", "real"])
def test_a_page_opens_sorts_and_shows_a_candidate_without_a_complaint_or_a_request(
    name: str, request: pytest.FixtureRequest
) -> None:
    opened: Opened = request.getfixturevalue(name)
    page = opened.page
    expect(page.locator("#plot svg").first).to_be_visible()
    best = opened.column("UAR")[0]
    page.get_by_role("button", name="UAR", exact=True).click()
    page.get_by_role("button", name="UAR", exact=True).click()
    assert page.locator("#board th[aria-sort]", has_text="UAR").first.get_attribute("aria-sort") == "ascending"
    scores = [float(text.split()[0]) for text in opened.column("UAR")]
    assert scores == sorted(scores)
    assert best in opened.column("UAR")
    opened.rows().first.get_by_role("link").click()
    expect(page.get_by_role("heading", name="What it takes for what")).to_be_visible()
    expect(page.get_by_role("heading", name="What the verdict rests on")).to_be_visible()
    page.go_back()
    expect(opened.rows().first).to_be_visible()
    assert opened.complaints == []
    assert [url for url in opened.requests if not url.startswith((opened.path.as_uri(), "data:audio"))] == []
    assert opened.path.stat().st_size < 3_000_000


def test_recordings_that_are_embedded_play(demo: Opened) -> None:
    audio = demo.page.locator("#clips audio").first
    assert str(audio.get_attribute("src")).startswith("data:audio/flac;base64,")
    audio.evaluate("(audio) => audio.play()")
    demo.page.wait_for_timeout(300)
    assert audio.evaluate("(audio) => audio.currentTime") > 0
    assert audio.evaluate("(audio) => audio.duration") > 1
    assert demo.complaints == []
    expect(demo.page.locator("footer")).to_contain_text(re.compile(r"holds \d+ recordings: who gets the page"))


def test_recordings_that_are_linked_play_from_their_files(hostile: Opened) -> None:
    audio = hostile.page.locator("#clips audio[src^='../']").first
    assert re.fullmatch(r"\.\./recordings/\d+%20%231%3F%2520%20javascript%3A\.wav", str(audio.get_attribute("src")))
    audio.evaluate("(audio) => audio.play()")
    hostile.page.wait_for_timeout(300)
    assert audio.evaluate("(audio) => audio.currentTime") > 0
    assert hostile.complaints == []


def test_a_recording_that_is_gone_says_so(hostile: Opened, open_page: Opener, tmp_path: Path) -> None:
    alone = tmp_path / "sent" / "leaderboard.html"
    alone.parent.mkdir()
    alone.write_bytes(hostile.path.read_bytes())
    opened = open_page(alone)
    player = opened.page.locator("#clips .player", has=opened.page.locator("audio[src^='../']")).first
    player.locator("audio").evaluate("(audio) => audio.load() || audio.play().catch(() => null)")
    expect(player.get_by_text("cannot be played")).to_be_visible()


def test_ties_are_marked(hostile: Opened) -> None:
    ranks = [text.split()[0] for text in hostile.column("rank")]
    assert ranks == ["=1"] * len(HOSTILE)


def test_what_comes_from_outside_stays_text_everywhere(hostile: Opened) -> None:
    page = hostile.page
    shown = hostile.column("candidate")
    assert set(shown) == {text.replace("\u202e", "") for text in HOSTILE}
    for summary in page.locator("summary").all():
        summary.click()
    links = page.locator("a").evaluate_all("(links) => links.map((link) => link.getAttribute('href'))")
    assert [href for href in links if not re.match(r"#|\.\./recordings/", href)] == []
    for number in range(len(HOSTILE) * 2):
        hostile.go(f"#candidate-{number}")
        expect(page.locator("#candidate-title")).to_contain_text(HOSTILE[number % len(HOSTILE)].replace("\u202e", ""))
    hostile.go("#candidate-99")
    expect(hostile.rows().first).to_be_visible()
    assert page.title() == "Speech-emotion leaderboard"
    assert "\u202e" not in page.locator("body").inner_text()
    assert page.locator("body img, body b b, body iframe").count() == 0
    assert hostile.complaints == []


def test_filters_leave_what_is_wanted_and_say_how_many_that_is(demo: Opened) -> None:
    page = demo.page
    assert demo.rows().count() == 3
    page.get_by_label("Search", exact=True).fill("german")
    assert demo.column("candidate") == ["hubert-german"]
    expect(page.get_by_role("status")).to_have_text("1 of 3 rows on demo; 0 of 1 candidate not evaluated.")
    page.get_by_label("Search", exact=True).fill("Freude")  # what one of its labels is called
    assert demo.column("candidate") == ["hubert-german"]
    page.get_by_role("button", name="Reset").click()
    assert demo.rows().count() == 3
    page.get_by_label("Status", exact=True).select_option("wrong-task")
    assert demo.rows().count() == 0
    expect(page.locator("#others tbody tr")).to_have_count(1)
    page.get_by_role("button", name="Reset").click()
    page.get_by_label("Emotions", exact=True).select_option("at least 7")
    assert set(demo.column("candidate")) == EVALUATED


def test_without_labels_there_are_answers_and_agreement_and_no_scores(demo: Opened) -> None:
    page = demo.page
    page.get_by_label("Corpus", exact=True).select_option("demo-unlabelled")
    titles = [text.strip() for text in page.locator("#board thead th").all_inner_texts()]
    assert "UAR" not in titles
    assert "rank" not in titles
    assert "top answer" in titles
    expect(page.locator("#plot-section")).to_be_hidden()
    expect(page.get_by_role("tab")).to_have_text(["Most disagreed on"])
    expect(page.get_by_role("heading", name="What they answer, and how far they agree")).to_be_visible()
    demo.rows().first.get_by_role("link").click()
    expect(page.get_by_role("heading", name="What it answers", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", name="What it takes for what")).to_have_count(0)
    assert demo.complaints == []


def test_flags_are_explained_on_focus_and_in_text(demo: Opened) -> None:
    page = demo.page
    chip = page.locator("#board .chip", has_text="collapsed")
    chip.scroll_into_view_if_needed()
    demo.settle()
    chip.focus()
    expect(page.get_by_role("tooltip")).to_contain_text("answers are one emotion")
    assert chip.get_attribute("aria-describedby") == "hint"
    page.keyboard.press("Escape")
    expect(page.get_by_role("tooltip")).to_be_hidden()
    chip.hover()
    expect(page.get_by_role("tooltip")).to_be_visible()
    expect(page.locator(".legend")).to_contain_text("collapsed: At least 90 %")


def test_everything_can_be_reached_with_the_keyboard(demo: Opened) -> None:
    page = demo.page
    page.reload()  # so that the first key comes before everything else
    focused = page.locator(":focus")
    page.keyboard.press("Tab")
    expect(focused).to_have_text("Skip to the table")
    page.keyboard.press("Enter")
    for label in ("corpus", "text", "emotions", "status"):
        page.keyboard.press("Tab")
        expect(focused).to_have_attribute("name", label)
    page.keyboard.press("Tab")
    expect(focused).to_have_text("Reset")
    page.keyboard.press("Tab")
    expect(focused).to_have_role("region")
    for title in ("rank", "candidate"):
        page.keyboard.press("Tab")
        expect(focused).to_have_text(title)
    page.keyboard.press("Enter")
    expect(page.locator("#board th", has_text="candidate")).to_have_attribute("aria-sort", "ascending")
    first = page.locator("#board tbody a").first
    name = first.inner_text()
    first.focus()
    page.keyboard.press("Enter")
    expect(focused).to_have_text(name)
    expect(focused).to_have_attribute("id", "candidate-title")
    page.get_by_role("tab").first.focus()
    page.keyboard.press("ArrowRight")
    expect(focused).to_have_text("demo-unlabelled")
    expect(focused).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Home")
    expect(focused).to_have_text("demo")
    page.get_by_role("link", name="All candidates").focus()
    page.keyboard.press("Enter")
    expect(focused).to_have_text(name)


STRUCTURE = """
() => {
  const all = (what) => [...document.querySelectorAll(what)];
  const complaints = [];
  const ids = all("[id]").map((each) => each.id);
  complaints.push(...ids.filter((id, place) => ids.indexOf(id) !== place).map((id) => `two elements are #${id}`));
  for (const field of all("select, input")) if (!field.labels.length) complaints.push(`${field.name} has no label`);
  for (const table of all("table")) {
    if (!table.caption?.textContent.trim()) complaints.push("a table has no caption");
    for (const th of table.querySelectorAll("th")) if (!th.scope) complaints.push(`no scope: ${th.textContent}`);
  }
  for (const each of all("button, a[href], summary")) {
    if (!each.textContent.trim() && !each.ariaLabel) complaints.push("something to press has no name");
  }
  for (const svg of all("svg:not([aria-hidden])")) {
    const named = svg.closest("[aria-label], [role=graphics-document]");
    if (!named) complaints.push("a plot has no name");
  }
  for (const each of all("[aria-labelledby], [aria-controls], [aria-describedby]")) {
    for (const name of ["aria-labelledby", "aria-controls", "aria-describedby"]) {
      const id = each.getAttribute(name);
      if (id && !document.getElementById(id)) complaints.push(`${name} names #${id}, which is not there`);
    }
  }
  const headings = all("h1, h2, h3, h4, h5, h6").filter((each) => each.offsetParent);
  const levels = headings.map((each) => Number(each.tagName[1]));
  levels.forEach((level, place) => {
    if (place && level > levels[place - 1] + 1) complaints.push(`heading ${place} skips a level`);
  });
  return complaints;
}
"""


@pytest.mark.parametrize("at", ["", "#candidate-0"])
def test_the_structure_is_one_that_screen_readers_know(demo: Opened, at: str) -> None:
    if at:
        demo.go(at)
    demo.page.locator("svg").first.wait_for(state="attached")
    demo.page.wait_for_timeout(300)
    for summary in demo.page.locator("summary:visible").all():
        summary.click()
    assert demo.page.evaluate(STRUCTURE) == []


CONTRASTS = """
() => {
  const style = getComputedStyle(document.documentElement);
  const channels = (name) => {
    const value = style.getPropertyValue(`--${name}`).trim();
    return [1, 3, 5].map((at) => parseInt(value.slice(at, at + 2), 16) / 255);
  };
  const light = (name) => {
    const [r, g, b] = channels(name).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const pairs = ["ink", "soft", "accent", "right", "grave"].flatMap((one) => [[one, "paper"], [one, "raised"]]);
  return Object.fromEntries(pairs.map(([one, other]) => [`${one} on ${other}`, contrast(one, other)]));
}
"""


@pytest.mark.parametrize("dark", [False, True])
def test_light_and_dark_follow_the_reader_and_can_be_read(demo: Opened, dark: bool) -> None:
    page = demo.page
    page.emulate_media(color_scheme="dark" if dark else "light")
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = sum(int(part) for part in re.findall(r"\d+", background)[:3]) / 3
    assert (brightness < 60) if dark else (brightness > 240)
    weak = {pair: round(found, 2) for pair, found in page.evaluate(CONTRASTS).items() if found < 4.5}
    page.emulate_media(color_scheme="light")
    assert weak == {}


def test_a_phone_shows_all_of_it_without_scrolling_sideways(
    demo_page: Opened, hostile: Opened, open_page: Opener
) -> None:
    for path in (demo_page.path, hostile.path):
        opened = open_page(path, viewport=PHONE)
        for at in ("", "#candidate-0"):
            if at:
                opened.go(at)
            opened.page.wait_for_timeout(300)
            assert not opened.page.evaluate("document.documentElement.scrollWidth > window.innerWidth")


def test_on_paper_there_is_nothing_to_press(demo: Opened) -> None:
    demo.page.emulate_media(media="print")
    expect(demo.page.locator("#filters")).to_be_hidden()
    expect(demo.page.locator("#board table")).to_be_visible()
    demo.page.emulate_media(media="screen")


def test_a_run_of_one_candidate_and_a_run_of_none_have_pages(open_page: Opener, tmp_path: Path) -> None:
    for number in (1, 0):
        folder = tmp_path / str(number)
        folder.mkdir()
        finished = FinishedRun(folder / "cache", *([corpus()] if number else []))
        if number:
            finished.add(verification("alone"))
        record = finished.record(verifications=tuple(finished.verifications) or (verification("idle"),))
        opened = open_page(write_page(record, folder, embed=0))
        assert opened.rows().count() == number
        expect(opened.page.locator("#others tbody tr")).to_have_count(1 - number)
        opened.page.wait_for_timeout(200)
        assert opened.complaints == []


def test_two_hundred_candidates_on_five_corpora_open_sort_and_fit(open_page: Opener, tmp_path: Path) -> None:
    write_leaderboard(large_leaderboard(), tmp_path)
    path = tmp_path / "leaderboard.html"
    assert path.stat().st_size < 3_000_000
    opened = open_page(path)
    opened.rows().nth(199).wait_for()
    opened.page.get_by_role("button", name="p50 ms").click()
    times = [float(text.replace(",", "")) for text in opened.column("p50 ms")]
    assert times == sorted(times)
    opened.page.get_by_label("Corpus", exact=True).select_option("every corpus")
    assert opened.rows().count() == 1000
    assert opened.complaints == []


WRITTEN = (0, 1, 0.5, 0.125, 0.375, 0.715, 0.9949, 0.995, 0.997, 0.9995, 0.99999, 0.0001, 0.00049, 0.004, 0.005, 1 / 3)
AMOUNTS = (0, 0.042, 0.0995, 0.5, 1.005, 3.14159, 9.994, 9.995, 12.25, 42.04, 99.94, 99.96, 100.5, 101.5, 1234.5, 1e6)


def test_numbers_are_written_as_in_the_other_reports(demo: Opened) -> None:
    page = demo.page
    assert page.evaluate("(values) => values.map(numbers.fraction)", list(WRITTEN)) == list(
        map(numbers.fraction, WRITTEN)
    )
    assert page.evaluate("(values) => values.map(numbers.quantity)", list(AMOUNTS)) == list(
        map(numbers.quantity, AMOUNTS)
    )
    assert page.evaluate("(values) => values.map(numbers.milliseconds)", list(AMOUNTS[1:])) == list(
        map(numbers.milliseconds, AMOUNTS[1:])
    )
    counts = (950, 4_300, 94_568_000, 315_438_000)
    assert page.evaluate("(values) => values.map(numbers.weights)", list(counts)) == list(
        map(numbers.parameter_count, counts)
    )


def test_a_board_without_its_run_still_has_a_page(
    realistic_board: Leaderboard, open_page: Opener, tmp_path: Path
) -> None:
    write_leaderboard(realistic_board, tmp_path)
    opened = open_page(tmp_path / "leaderboard.html")
    opened.rows().first.get_by_role("link").click()
    expect(opened.page.locator("#candidate-title")).to_be_visible()
    assert opened.complaints == []
