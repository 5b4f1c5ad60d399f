"""The report in a browser: pictures, clicks, choices, dark mode, narrow screens and printing."""

import shutil
import time

import pytest

import harness
from harness.report.page import write_report
from tests.patience import PATIENCE

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")

SWEEP = {
    "name": "sweep",
    "question": "What does </script> do \u2028 to 'a' \"page\"?",
    "network": {"layers": [1, 2, 1], "activations": ["softplus", "identity"]},
    "data": {"generator": "dosage"},
    "training": {"epochs": 100, "learning_rate": 0.1, "tolerance": 0.66, "limit": 1e6},
    "initialisation": {"scheme": "normal", "scale": 2.0, "seed": 0},
    "grid": {"learning_rate": [0.02, 0.05, 0.1, 0.2, 0.9], "momentum": [0.0, 0.5], "init_id": 15},
    "record": {"epochs": {"log": 12}},
}

# In Plotly's state: the colour of each cell, the background, and the number of lines.
CELLS = "JSON.stringify(document.getElementById('map').data[0].z)"
PAPER = "document.getElementById('map')._fullLayout.paper_bgcolor"
LINES = "document.getElementById('falls').data.filter((t) => t.customdata).length"


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    harness.run(harness.Experiment.from_mapping(SWEEP), folder / "sweep")
    return write_report(folder / "sweep").path


@pytest.fixture(scope="module")
def chromium():
    with playwright.sync_playwright() as driver:
        # Chromium's sandbox does not run as root in a container.
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def new_page(chromium, **options):
    page = chromium.new_page(**options)
    page.set_default_timeout(1000 * PATIENCE)
    return page


@pytest.fixture(scope="module")
def opener(chromium, report):
    """Return a function that opens a report, and lists of its pages and of all errors."""
    pages, wrong = [], []

    def note(request):
        if not request.url.startswith(("file:", "data:", "blob:")):
            wrong.append(request.url)

    def open_page(path=report, **options):
        page = new_page(chromium, **({"viewport": {"width": 1200, "height": 900}} | options))
        pages.append(page)
        page.on("console", lambda message: wrong.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("requestfailed", lambda request: wrong.append(f"failed: {request.url}"))
        page.on("request", note)
        start = time.perf_counter()
        page.goto(path.as_uri())
        page.wait_for_selector("body[data-drawn]")
        print(f"opened in {time.perf_counter() - start:.2f} s")
        return page

    return open_page, pages, wrong


@pytest.fixture
def opened(opener):
    """Return a function that opens a report; afterwards, check that there were no errors."""
    open_page, pages, wrong = opener
    before = len(pages)
    yield open_page
    for page in pages[before:]:
        page.close()
    assert wrong == []


@pytest.fixture(scope="module")
def desk_page(opener):
    return opener[0]()


@pytest.fixture
def desk(desk_page, opener):
    """Return a page that several tests share, reset: opening one takes two seconds."""
    desk_page.locator("#colour").select_option("median")
    desk_page.locator("#spread-value").select_option(index=0)
    desk_page.locator("#view").select_option(index=1)  # a change resets the filters
    desk_page.locator("#view").select_option(index=0)
    yield desk_page
    assert opener[2] == []


def cell(page, x, y):
    """Return the position of a cell of the heat map on the screen."""
    page.locator("#map").scroll_into_view_if_needed()
    return page.evaluate(
        """([x, y]) => {
            const { _fullLayout: layout } = document.getElementById("map");
            const box = document.getElementById("map").getBoundingClientRect();
            return [box.left + layout.xaxis._offset + layout.xaxis.l2p(x),
                    box.top + layout.yaxis._offset + layout.yaxis.l2p(y)];
        }""",
        [x, y],
    )


INJECTED = """
<script>window.ran = "a script"</script>
<img src="data:," onerror="window.ran = 'a handler'">
<a id="injected" href="javascript:void(window.ran = 'a link')">link</a>
<script src="data:text/javascript,window.ran = 'a source'"></script>
"""


def test_injected_scripts_do_not_run(chromium, report, tmp_path):
    page = new_page(chromium)
    refused = []
    page.on("console", lambda message: refused.append(message.text))
    html = report.read_text("utf-8")
    injected = tmp_path / "report.html"
    injected.write_text(html.replace("<header>", INJECTED + "<header>", 1), "utf-8")
    page.goto(injected.as_uri())
    page.wait_for_selector("body[data-drawn]")  # the page's own scripts do run
    page.locator("#injected").click()
    assert page.evaluate("window.ran === undefined")
    assert sum("Content Security Policy" in text for text in refused) == 4
    page.close()


def until(page, expression):
    """Wait until an expression is true.

    Playwright's wait_for_function evaluates text in the page, which the page's policy forbids.
    """
    end = time.monotonic() + PATIENCE
    while not page.evaluate(expression):
        assert time.monotonic() < end, expression
        time.sleep(0.02)


def shown_runs(page):
    """Return the run ids in the table under the heat map."""
    return [int(text) for text in page.locator("#cell tbody th").all_inner_texts()]


def test_every_picture_is_drawn(desk):
    page = desk
    for name in (
        "map",
        "falls",
        "settings-plot",
        "ends-plot",
        "epochs-plot",
        "spread-plot",
        "fit-plot",
    ):
        assert page.locator(f"#{name} .main-svg").first.is_visible(), name
    assert page.locator("#no-axes").is_hidden()
    assert "What does </script> do" in page.locator(".question").inner_text()


def test_click_on_a_cell_shows_its_trajectories(desk, report):
    page = desk
    page.mouse.click(*cell(page, 1, 0))
    until(page, "document.getElementById('cell').innerText.includes('0.05')")
    runs = harness.open_results(report.parent).runs
    there = runs[(runs["learning_rate"] == 0.05) & (runs["momentum"] == 0.0)]
    assert set(shown_runs(page)) <= set(there["run_id"])
    assert len(shown_runs(page)) == page.evaluate(LINES) == 12
    row = page.locator("#cell tbody tr").first.inner_text().split()
    wanted = runs.iloc[int(row[0])]
    assert row[1:4] == [str(wanted["init_id"]), wanted["status"], str(wanted["epochs"])]
    assert float(row[4]) == pytest.approx(wanted["ssr_final"], rel=1e-3)
    assert "learning_rate == 0.05 and momentum == 0.0" in page.locator("#cell pre").inner_text()


def test_keys_move_between_cells(desk):
    page = desk
    page.mouse.click(*cell(page, 1, 0))
    before = shown_runs(page)
    page.locator("#map").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    assert "learning_rate == 0.1, momentum == 0.5" in page.locator("#cell").inner_text()
    assert len(shown_runs(page)) == 12
    assert not set(before) & set(shown_runs(page))


def test_controls_change_the_picture(desk):
    page = desk
    median = page.evaluate(CELLS)
    page.locator("#colour").select_option(label="share diverged")
    diverged = page.evaluate(CELLS)
    assert diverged != median
    assert "1" in diverged  # everything diverges at 0.9
    page.locator("#colour").select_option(label="median final SSR")
    assert page.evaluate(CELLS) == median
    page.locator("#filters select").select_option(label="3")
    same_rate = page.evaluate(CELLS)
    assert same_rate != median
    assert len(shown_runs(page)) == 1
    page.locator("#view").select_option(label="momentum \u00d7 init_id")
    assert page.locator("#map .xtitle").text_content() == "momentum"
    assert page.locator("#filters label").inner_text().startswith("learning_rate")
    assert page.evaluate(CELLS) != same_rate


def test_settings_are_set_beside_one_another(desk):
    page = desk
    names = "document.getElementById('settings-plot').data.map((t) => t.name).filter(Boolean)"
    shown = page.evaluate(names)
    assert shown[-1] == "learning_rate 0.9 (15 of 15 diverged)"
    assert shown[:-1] == [f"learning_rate {rate}" for rate in (0.02, 0.05, 0.1, 0.2)]
    page.locator("#settings-axis").select_option(label="momentum")
    assert page.evaluate(names) == ["momentum 0", "momentum 0.5"]


def test_tables_are_sorted_and_filtered(desk):
    page = desk
    table = page.locator("#outcome .wide").first
    column = "[...document.querySelectorAll('#outcome table')[0].tBodies[0].rows]"
    column += ".filter((row) => !row.hidden).map((row) => Number(row.cells[0].textContent))"
    before = page.evaluate(column)
    assert len(before) == 10
    table.get_by_role("button", name="run_id").click()
    assert page.evaluate(column) == sorted(before)
    table.get_by_role("button", name="run_id").click()
    assert page.evaluate(column) == sorted(before, reverse=True)
    page.locator("#outcome input").first.fill(str(before[0]))
    assert before[0] in page.evaluate(column)
    page.locator("#outcome input").first.fill("no such text")
    assert page.evaluate(column) == []
    page.locator("#outcome input").first.fill("")


def test_histogram_is_filtered_by_axis(desk):
    page = desk
    total = (
        "document.getElementById('spread-plot').data.flatMap((t) => t.y).reduce((a, b) => a + b)"
    )
    everything = page.evaluate(total)
    page.locator("#spread-value").select_option(label="0.9")
    assert page.evaluate(total) < everything
    assert "diverged are not shown" in page.locator("#spread-note").inner_text()


def test_pictures_are_dark_if_the_page_is(opened):
    page = opened(color_scheme="dark")
    dark = page.evaluate(PAPER)
    assert dark == page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.emulate_media(color_scheme="light")
    until(page, f"{PAPER} !== '{dark}'")
    assert page.evaluate(PAPER) == "rgb(255, 255, 255)"
    page.emulate_media(color_scheme="dark")
    until(page, f"{PAPER} === '{dark}'")


@pytest.mark.parametrize("width", [375, 1200])
def test_page_is_as_wide_as_the_screen(opened, width):
    page = opened(viewport={"width": width, "height": 800})
    page.locator("details").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") == width
    wide = page.evaluate("document.getElementById('map')._fullLayout.width")
    page.set_viewport_size({"width": width - 55, "height": 800})
    until(page, f"document.getElementById('map')._fullLayout.width < {wide}")
    assert page.evaluate("document.documentElement.scrollWidth") == width - 55


def test_print_is_light_and_has_no_controls(opened):
    page = opened(color_scheme="dark")
    assert page.locator("#grid-controls").is_visible()
    page.emulate_media(media="print")
    until(page, f"{PAPER} === 'rgb(255, 255, 255)'")
    for hidden in ("#grid-controls", "#spread-controls", "nav", ".copy", ".help"):
        assert page.locator(hidden).first.is_hidden(), hidden
    widths = page.evaluate(
        "[...document.querySelectorAll('.plot')].filter((p) => p._fullLayout)"
        ".map((p) => p._fullLayout.width)"
    )
    assert len(widths) == 7
    assert max(widths) < 680  # A4 between its margins
    page.emulate_media(media="screen")
    until(page, f"{PAPER} !== 'rgb(255, 255, 255)'")


@pytest.mark.parametrize(
    ("changes", "there", "not_there"),
    [
        ({"grid": {}}, ["no-axes", "fit"], ["grid", "ends", "epochs", "spread"]),
        ({"grid": {"learning_rate": [9.0, 99.0]}}, ["grid"], ["spread", "fit", "epochs"]),
        (
            {"record": {"epochs": "none"}},
            ["grid", "ends", "epochs", "spread"],
            ["falls", "no-axes"],
        ),
    ],
    ids=["one", "diverged", "unrecorded"],
)
def test_blocks_without_data_are_hidden(opened, tmp_path, changes, there, not_there):
    harness.run(harness.Experiment.from_mapping(SWEEP | changes), tmp_path / "sweep")
    page = opened(write_report(tmp_path / "sweep").path)
    for name in there:
        assert page.locator(f"#{name}").is_visible(), name
    for name in not_there:
        assert not page.locator(f"#{name}").is_visible(), name


CLASSES = {
    "network": {"layers": [2, 3, 1], "activations": ["tanh", "sigmoid"], "loss": "cross_entropy"},
    "data": {"generator": "moons", "samples": 20, "validation": 12, "noise": 0.2},
    "training": {"epochs": 200, "learning_rate": 0.1, "patience": 5},
    "grid": {"learning_rate": [0.1, 1.0, 9.0], "momentum": [0.0, 0.9], "init_id": 5},
    "record": {"epochs": {"log": 10}, "metrics": ["accuracy"]},
}


def test_stopped_runs_accuracy_and_decision_regions(opened, tmp_path):
    results = harness.run(harness.Experiment.from_mapping(SWEEP | CLASSES), tmp_path / "sweep")
    page = opened(write_report(tmp_path / "sweep").path)
    runs = results.runs
    stopped = runs["status"].eq("stopped").groupby([runs["momentum"], runs["learning_rate"]])
    assert 0 < stopped.mean().min() < 1
    page.locator("#colour").select_option(label="share stopped")
    assert page.evaluate(f"JSON.parse({CELLS})") == stopped.mean().unstack().to_numpy().tolist()
    page.locator("#colour").select_option(label="median final held-out accuracy")
    median = runs.pivot_table("validation_accuracy_final", "momentum", "learning_rate", "median")
    for drawn, row in zip(page.evaluate(f"JSON.parse({CELLS})"), median.to_numpy(), strict=True):
        assert drawn == pytest.approx(row.tolist(), rel=1e-6)
    assert page.locator("#ends-plot .legendtext").all_text_contents()[-1] == "stopped"
    assert page.locator("#regions-plot .main-svg").first.is_visible()
    points = page.evaluate(
        "document.getElementById('regions-plot').data.slice(1).map((t) => [t.name, t.x.length])"
    )
    assert [name for name, _ in points] == [
        "class 0",
        "class 1",
        "class 0, held out",
        "class 1, held out",
    ]
    assert sum(count for _, count in points) == 32
