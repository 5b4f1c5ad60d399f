"""`harness report`: numbers against pandas, escaping, and a page that loads nothing else."""

import base64
import json
import re
import sys
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import harness
from harness.cli import app
from harness.errors import ResultsError
from harness.experiment.grid import Axis, Counted, Grid, Listed, Spaced
from harness.plots.reading import varied_axes
from harness.report import heat_maps, summary, trajectories
from harness.report.chain_rule import worked
from harness.report.ordered_axes import ordered_axes
from harness.report.page import write_report
from harness.report.rendering import render
from harness.results.where import parse_condition
from harness.store import Store

NASTY = "</script><img src=x onerror=alert(1)> \"quoted\" 'single' & \u2028 \u00fc {{ plotly }}"

SMALL = {
    "name": "small",
    "question": NASTY,
    "network": {"layers": [1, 2, 1], "activations": ["softplus", "identity"]},
    "data": {"generator": "dosage"},
    "training": {"epochs": 60, "learning_rate": 0.1, "tolerance": 0.6, "limit": 1e6},
    "initialisation": {"scheme": "normal", "scale": 2.0, "seed": 0},
    "grid": {"learning_rate": [0.2, 0.05, 0.8], "momentum": [0.0, 0.9], "init_id": 20},
    "record": {"epochs": {"log": 10}, "parameters": True},
}


class Page(HTMLParser):
    """The parts of a page that the tests read: elements with attributes, texts, and data."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.texts, self.data = [], [], ""
        self._inside = []
        self.feed(html)
        self.data = json.loads(self.data)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag in ("script", "style"):
            self._inside = [tag, dict(attributes)]

    def handle_endtag(self, tag):
        if self._inside and tag == self._inside[0]:
            self._inside = []

    def handle_data(self, text):
        if not self._inside:
            self.texts.append(text)
        elif self._inside[1].get("id") == "data":
            self.data += text

    @property
    def text(self):
        return " ".join(self.texts)

    def downloads(self):
        found = {}
        for tag, attributes in self.elements:
            if tag == "a" and "download" in attributes:
                data = attributes["href"].partition("base64,")[2]
                found[attributes["download"]] = base64.b64decode(data).decode()
        return found


def trained(folder, changes=None):
    document = SMALL | (changes or {})
    return harness.run(harness.Experiment.from_mapping(document), folder)


def page_of(results, tmp_path):
    written = write_report(results.folder, tmp_path / "page.html")
    html = written.path.read_text("utf-8")
    assert written.size == len(html.encode())
    return Page(html)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    results = trained(folder / "small")
    written = write_report(results.folder)
    assert written.path == results.folder / "report.html"
    return results, Page(written.path.read_text("utf-8"))


def unpacked(text, kind):
    return np.frombuffer(base64.b64decode(text), dtype=kind)


def finite_or_inf(runs):
    return runs["ssr_final"].where(runs["status"] != "diverged", np.inf)


# ------------------------------------------------------------------------------- numbers


def test_counts_and_medians_of_cells_equal_those_of_pandas(small):
    results, page = small
    runs = results.runs.assign(value=lambda r: finite_or_inf(r))
    view = page.data["views"][0]
    assert [page.data["axes"][view[k]]["name"] for k in "xy"] == ["learning_rate", "momentum"]
    assert view["bins"] == [3, 2, 20]
    shape = (21, 2, 3)  # all and every init_id, momentum, learning_rate
    groups = runs.groupby(["momentum", "learning_rate"])
    for name in ("converged", "diverged"):
        counts = unpacked(view[name], "<u4").reshape(shape)
        wanted = groups["status"].apply(lambda s, name=name: (s == name).sum())
        assert counts[0].ravel().tolist() == wanted.tolist()
    assert unpacked(view["runs"], "<u4").reshape(shape)[0].tolist() == [[20] * 3] * 2
    medians = unpacked(view["median"], "<f4").reshape(shape).astype(float)
    np.testing.assert_allclose(10.0 ** medians[0].ravel(), groups["value"].median(), rtol=1e-5)
    one = runs[runs["init_id"] == 7].groupby(["momentum", "learning_rate"])["value"].median()
    np.testing.assert_allclose(10.0 ** medians[8].ravel(), one, rtol=1e-5)
    assert np.isinf(medians).any()
    assert np.isfinite(medians).any()


def test_every_pair_of_the_first_three_axes_is_a_heat_map(small):
    results, page = small
    pairs = [(view["x"], view["y"]) for view in page.data["views"]]
    assert pairs == [(0, 1), (0, 2), (1, 2)]
    last = page.data["views"][2]  # momentum by init_id, filtered by learning_rate
    assert last["filters"] == [0]
    counts = unpacked(last["converged"], "<u4").reshape(4, 20, 2)
    runs = results.runs
    hit = (runs["status"] == "converged").groupby([runs["init_id"], runs["momentum"]]).sum()
    assert counts[0].ravel().tolist() == hit.tolist()
    some = runs[runs["learning_rate"] == 0.2]
    hit = (some["status"] == "converged").groupby([some["init_id"], some["momentum"]]).sum()
    assert counts[2].ravel().tolist() == hit.tolist()  # 0.05, 0.2, 0.8: the list was sorted


def test_settings_are_quartiles_over_the_starts(small):
    results, page = small
    runs = results.runs
    best = runs.set_index("run_id").loc[page.data["best_run"]]
    rates, momenta = page.data["settings"]
    assert page.data["axes"][rates["axis"]]["name"] == "learning_rate"
    for found in rates["values"]:
        setting = (runs["learning_rate"] == float(found["label"])) & (
            runs["momentum"] == best["momentum"]
        )
        diverged = runs["status"] == "diverged"
        assert found["runs"] == setting.sum() == 20
        assert found["diverged"] == (setting & diverged).sum()
        if found["diverged"] == 20:
            assert found["lines"] == {}
            continue
        line = found["lines"]["training"]
        paths = results.read_trajectories(runs.loc[setting & ~diverged, "run_id"].tolist())
        table = paths.pivot_table(index="epoch", columns="run_id", values="ssr").ffill()
        for name, share in (("low", 0.25), ("median", 0.5), ("high", 0.75)):
            wanted = table.loc[line["epoch"]].quantile(share, axis=1, interpolation="lower")
            np.testing.assert_allclose(line[name], wanted, rtol=1e-4)
    assert [found["label"] for found in momenta["values"]] == ["0", "0.9"]


def test_settings_show_held_out_data_per_data_point(tmp_path):
    changes = {"data": {"generator": "sine", "samples": 12, "validation": 9}}
    results = trained(tmp_path / "out", changes | {"grid": {"learning_rate": [0.01, 0.02]}})
    page = page_of(results, tmp_path)
    (rates,) = page.data["settings"]
    for run_id, found in enumerate(rates["values"]):
        path = results.read_trajectories(run_id)
        for name, column, points in (
            ("training", "ssr", 12),
            ("held out", "validation_ssr", 9),
        ):
            line = found["lines"][name]
            assert line["epoch"] == path["epoch"].tolist()
            np.testing.assert_allclose(line["median"], path[column] / points, rtol=1e-4)


def test_sums_are_divided_by_the_data_points_of_each_value(tmp_path):
    changes = {
        "data": {"generator": "sine", "validation": 9},
        "training": {"epochs": 20, "learning_rate": 0.001},
        "grid": {"samples": [6, 12], "init_id": 2},
    }
    results = trained(tmp_path / "out", changes)
    page = page_of(results, tmp_path)
    (found,) = page.data["settings"]
    for value, points in zip(found["values"], (6, 12), strict=True):
        runs = results.runs.query(f"samples == {points} and status != 'diverged'")
        first = results.read_trajectories(runs["run_id"]).query("epoch == 0")
        for name, column, count in (("training", "ssr", points), ("held out", "validation_ssr", 9)):
            lowest = first[column].quantile(0.25, interpolation="lower") / count
            assert value["lines"][name]["low"][0] == pytest.approx(lowest, rel=1e-4)


def test_trajectories_equal_those_of_the_tables(small):
    results, page = small
    sample = page.data["runs"]
    ends = np.cumsum(sample["lengths"])
    epochs, logs = unpacked(sample["epoch"], "<u4"), unpacked(sample["loss"], "<f4")
    assert sample["run_id"] == list(range(120))  # few runs: all are drawn
    assert ends[-1] == epochs.size == logs.size
    for run_id in (0, 57, 119):
        wanted = results.read_trajectories(run_id)
        part = slice(ends[run_id] - sample["lengths"][run_id], ends[run_id])
        assert epochs[part].tolist() == wanted["epoch"].tolist()
        np.testing.assert_allclose(10.0 ** logs[part].astype(float), wanted["ssr"], rtol=1e-4)
        row = results.runs.iloc[run_id]
        assert page.data["statuses"][sample["status"][run_id]] == row["status"]
        assert sample["init_id"][run_id] == row["init_id"]
        ranks = [axis[run_id] for axis in sample["ranks"]]
        labels = [
            page.data["axes"][k]["labels"][str(n)][rank]
            for k, n, rank in zip(range(3), (3, 2, 20), ranks, strict=True)
        ]
        wanted = [f"{row[name]:g}" for name in ("learning_rate", "momentum", "init_id")]
        assert labels == wanted


def test_downloads_equal_the_tables_of_pandas(small):
    results, page = small
    files = page.downloads()
    assert set(files) == {
        "small-learning_rate.csv", "small-momentum.csv", "small-init_id.csv", "small-best.csv",
        "small.toml",
    }  # fmt: skip
    along = pd.read_csv(pd.io.common.StringIO(files["small-learning_rate.csv"]))
    runs = results.runs
    shares = runs.groupby("learning_rate")["status"].apply(lambda s: (s == "converged").mean())
    assert along["learning_rate"].tolist() == shares.index.tolist() == [0.05, 0.2, 0.8]
    assert along["converged"].tolist() == shares.tolist()
    best = runs.assign(value=finite_or_inf(runs)).groupby("learning_rate")["value"].min()
    assert along["best"].tolist() == best.tolist()
    top = pd.read_csv(pd.io.common.StringIO(files["small-best.csv"]))
    converged, finished, diverged = (
        runs[runs["status"] == name] for name in ("converged", "finished", "diverged")
    )
    wanted = pd.concat(
        [
            converged.sort_values(["epochs", "ssr_final"]),
            finished.sort_values("ssr_final"),
            diverged.sort_values(["epochs", "run_id"], ascending=[False, True]),
        ]
    ).head(100)
    assert top["run_id"].tolist() == wanted["run_id"].tolist()
    assert page.data["best_run"] == wanted["run_id"].iloc[0]
    again = harness.load_experiment(_file(results.folder / "again.toml", files["small.toml"]))
    assert again == results.experiment


def _file(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_histogram_counts_every_run_that_did_not_diverge(small):
    results, page = small
    found, runs = page.data["histogram"], results.runs
    for name in ("converged", "finished"):
        counts = unpacked(found[name], "<u4").reshape(3, -1).sum(axis=1)
        wanted = (runs["status"] == name).groupby(runs["learning_rate"]).sum()
        assert counts.tolist() == wanted.tolist()
    diverged = (runs["status"] == "diverged").groupby(runs["learning_rate"]).sum()
    assert found["left_out"] == diverged.tolist()


def test_stopped_runs_are_counted_if_there_are_any(small, tmp_path):
    data = small[1].data
    assert not any("stopped" in part for part in (data["views"][0], data["histogram"]))
    results = trained(tmp_path / "patient", {
        "data": {"generator": "sine", "samples": 12, "validation": 9},
        "training": {**SMALL["training"], "patience": 3},
    })  # fmt: skip
    page, stopped = page_of(results, tmp_path), results.runs["status"] == "stopped"
    by_rate = stopped.groupby(results.runs["learning_rate"])
    assert stopped.any()
    view, found = page.data["views"][0], page.data["histogram"]
    assert unpacked(view["stopped"], "<u4").reshape(21, 2, 3)[0].sum(axis=0).tolist() == (
        by_rate.sum().tolist()
    )
    counts = unpacked(found["stopped"], "<u4").reshape(3, -1).sum(axis=1)
    assert counts.tolist() == by_rate.sum().tolist()
    np.testing.assert_allclose(page.data["ends"]["stopped"], by_rate.mean(), atol=1e-5)
    assert "stopped" in page.text
    assert "sine, 12 data points, 9 held out" in page.text
    assert "or until the loss of held-out data has not improved for 3 epochs" in page.text


def test_chain_rule_equals_that_of_harness_trace(small):
    results, page = small
    best = page.data["best_run"]
    update = harness.trace(results.experiment, run_id=best, parameter="w1").updates.iloc[0]
    step = f"{update['step_size']:.4g}".replace("-", "\u2212")
    assert f"= {step}" in page.text
    assert f"The chain rule of run {best}" in page.text


def test_all_parameters_of_a_small_network_are_worked_out(small):
    results, page = small
    found = worked(results.experiment, page.data["best_run"])
    symbols = [chain.step.symbol for chain in [*found.chains, *found.others]]
    assert sorted(symbols) == ["b1", "b2", "b3", "w1", "w2", "w3", "w4"]
    assert "The other 3 parameters" in page.text
    wide = {"layers": [1, 40, 1], "activations": ["tanh", "identity"]}
    experiment = harness.Experiment.from_mapping(SMALL | {"network": wide, "grid": {}})
    assert worked(experiment, 0).others == []  # 121 parameters


def test_a_remark_corrects_the_lesson():
    folder = {"layers": [2, 2, 1], "activations": ["sigmoid"] * 2, "loss": "cross_entropy"}
    changes = {"network": folder, "data": {"generator": "xor"}, "grid": {}, "record": {}}
    experiment = harness.Experiment.from_mapping(SMALL | changes)
    html = render("chain_rule.html", worked=worked(experiment, 0))
    assert "The lesson says that dE/dŷ is ŷ - y." in html
    assert "W<sub>11</sub><sup>(1)</sup>" in html


# -------------------------------------------------------------------------------- safety


def test_nothing_is_loaded_from_elsewhere(small):
    _, page = small
    for tag, attributes in page.elements:
        assert "src" not in attributes, tag
        assert tag not in ("link", "iframe", "object", "embed", "base", "form"), tag
        assert attributes.get("href", "#").startswith(("#", "data:")), tag
    policy = [a["content"] for tag, a in page.elements if a.get("http-equiv")]
    assert policy[0].startswith("default-src 'none'")


def test_style_and_script_contain_no_addresses(small):
    results, _ = small
    html = (results.folder / "report.html").read_text("utf-8")
    style = html[html.index("<style>") : html.index("</style>")]
    assert not re.search(r"url\(|@import|https?:", style)
    script = html[html.rindex("<script>") :]
    assert not re.search(r"https?:|fetch\(|XMLHttpRequest|import\(", script)


def test_the_text_of_a_user_is_never_markup(small):
    results, page = small
    tags = [tag for tag, _ in page.elements]
    assert "img" not in tags
    assert tags.count("script") == 3
    assert NASTY in page.text  # {{ plotly }} in it is not expanded
    html = (results.folder / "report.html").read_text("utf-8")
    assert html.count("alert(1)") == html.count("alert(1)&gt;")


def test_data_cannot_end_the_script_element():
    from harness.report.packing import as_json

    text = as_json({"name": NASTY, "numbers": np.array([1.5, np.nan]), "n": np.int64(3)})
    assert "<" not in text
    assert "\u2028" not in text
    assert json.loads(text) == {"name": NASTY, "numbers": [1.5, None], "n": 3}


def test_only_a_report_is_replaced(small, tmp_path):
    results, _ = small
    precious = _file(tmp_path / "experiment.toml", "name = 1")
    with pytest.raises(ResultsError, match="is not a report"):
        write_report(results.folder, precious)
    assert precious.read_text() == "name = 1"
    with pytest.raises(ResultsError, match="is not a report"):
        write_report(results.folder, tmp_path)
    before = (results.folder / "report.html").read_bytes()
    write_report(results.folder)
    assert (results.folder / "report.html").read_bytes() == before


# ---------------------------------------------------------------------------- odd sweeps


def test_a_report_of_few_runs_is_hardly_larger_than_plotly(small):
    results, _ = small
    assert (results.folder / "report.html").stat().st_size < 1_900_000


@pytest.mark.parametrize(
    "changes",
    [
        {"grid": {}},
        {"grid": {}, "record": {"epochs": "none"}},
        {"grid": {"learning_rate": [0.01, 0.1]}, "record": {"epochs": "all"}},
        {"grid": {"init_id": 3}, "record": {"epochs": "none"}},
        {"grid": {"learning_rate": [50.0, 90.0], "init_id": 4}},
        {"grid": {"activation": ["softplus", "tanh"], "width": [1, 3], "init_id": 2}},
        {"grid": {"max_epochs": [3, 9], "learning_rate": {"log": [0.3, 0.1], "count": 3}}},
        {
            "grid": {
                "learning_rate": [0.1, 0.2],
                "momentum": [0.0, 0.5],
                "init_id": 4,
                "zip": [["learning_rate", "momentum"]],
            }
        },
        {"grid": {name: [0.1, 0.2] for name in ("b3", "w1", "tolerance", "init_scale", "b1")}},
    ],
    ids=["one", "bare", "line", "starts", "diverged", "words", "epochs", "zip", "five"],
)  # fmt: skip
def test_any_sweep_has_a_report(changes, tmp_path):
    results = trained(tmp_path / "results", changes)
    page = page_of(results, tmp_path)
    runs = results.runs
    for status, count in runs["status"].value_counts().items():
        assert f"{count:,} {status}" in page.text
    for view in page.data["views"]:
        lengths = [bins + 1 for bins in view["bins"][2 if view["y"] is not None else 1 :]]
        per_choice = unpacked(view["runs"], "<u4").reshape(int(np.prod(lengths)), -1).sum(axis=1)
        assert per_choice[0] == len(runs)
        for k, number in enumerate(view["filters"]):  # choice 0 is the sum of the others
            moved = unpacked(view["runs"], "<u4").reshape(*lengths, -1).sum(axis=-1)
            moved = np.moveaxis(moved, k, 0).reshape(lengths[k], -1)
            np.testing.assert_array_equal(moved[0], moved[1:].sum(axis=0), str(number))
    assert len(page.data["axes"]) == len(ordered_axes(results.experiment.grid))


def test_nothing_is_drawn_along_starts_with_a_single_run_each(tmp_path):
    results = trained(tmp_path / "results", {"grid": {"init_id": 4}})
    page = page_of(results, tmp_path)
    assert (page.data["ends"], page.data["epochs"], page.data["histogram"]["axis"]) == (None,) * 3
    assert "Along init_id" not in page.text


def test_settings_are_not_compared_if_all_runs_diverged(tmp_path):
    results = trained(tmp_path / "results", {"grid": {"learning_rate": [50.0, 90.0], "init_id": 4}})
    assert set(results.runs["status"]) == {"diverged"}
    page = page_of(results, tmp_path)
    assert page.data["settings"] is None
    assert set(page.data["ends"]) & {"converged", "diverged"} == {"diverged"}


def test_no_finished_run_is_an_error(tmp_path):
    results = trained(tmp_path / "results", {"grid": {"init_id": 4}})
    store = Store.open(results.folder)
    store.withdraw([store.name_of_commit(0)])
    with pytest.raises(ResultsError, match="no finished chunk"):
        write_report(tmp_path / "results")
    assert not (tmp_path / "results" / "report.html").exists()


def test_the_report_of_a_partial_sweep_counts_missing_runs(tmp_path):
    results = trained(tmp_path / "results", {"grid": {"learning_rate": [0.1, 0.2], "init_id": 500}})
    store = Store.open(results.folder)
    store.withdraw([store.name_of_commit(0)])
    left = len(harness.open_results(results.folder).runs)
    assert 0 < left < 1000
    page = page_of(results, tmp_path)
    assert f"{1000 - left:,} runs are not trained yet" in page.text
    assert unpacked(page.data["views"][0]["runs"], "<u4").sum() == left


def test_command(small, tmp_path, monkeypatch, capsys):
    results, _ = small
    target = tmp_path / "there.html"
    monkeypatch.setattr(sys, "argv", ["harness", "report", str(results.folder), "-o", str(target)])
    with pytest.raises(SystemExit) as ended:
        app.main()
    assert not ended.value.code
    assert re.fullmatch(rf"{re.escape(str(target))}: 1\.\d MB\n", capsys.readouterr().out)
    assert target.read_bytes() == (results.folder / "report.html").read_bytes()


# ------------------------------------------------------------------------------ large ones


def axis_of(count, values=None):
    grid = Grid(dimensions=((Axis(name="a", values=values or Counted(count)),),))
    return ordered_axes(grid)[0]


@pytest.mark.parametrize("count", [1, 7, 200, 999])
def test_ends_of_bins_are_where_bins_change(count):
    axis = axis_of(1000)
    bins = axis.bins(np.arange(1000), count)
    edges = pd.Series(np.arange(1000)).groupby(bins).agg(["min", "max"])
    ends = [(low, high) for (low,), (high,) in axis.ends(count)]
    assert ends == list(edges.itertuples(index=False, name=None))


def test_axes_are_ordered_unless_they_are_names():
    falling = axis_of(3, Spaced(kind="log", first=1.0, last=0.01, count=3))
    assert falling.points(np.arange(3)) == [(0.01,), (0.1,), (1.0,)]
    assert falling.ranks(np.arange(3)).tolist() == [2, 1, 0]
    words = axis_of(3, Listed(("tanh", "relu", "softplus")))
    assert words.labels(3) == ["tanh", "relu", "softplus"]
    close = axis_of(2, Listed((0.10000001, 0.1)))
    assert len(set(close.labels(2))) == 2
    assert close.conditions(1) == ["a >= 0.1 and a <= 0.10000001"]


def test_each_condition_of_zipped_axes_selects_its_runs(tmp_path):
    zipped = {"learning_rate": [0.1, 0.1, 0.2], "momentum": [0.0, 0.9, 0.0]}
    grid = zipped | {"init_id": 2, "zip": [["learning_rate", "momentum"]]}
    results = trained(tmp_path / "results", {"grid": grid})
    runs, (axis, _) = results.runs, ordered_axes(results.grid)
    assert axis.labels(3) == ["0.1, 0", "0.1, 0.9", "0.2, 0"]
    for count in (1, 2, 3):
        bins = axis.bins(axis.ranks(runs["run_id"].to_numpy()), count)
        for number, text in enumerate(axis.conditions(count)):
            found = parse_condition(text, list(runs)).filter(pa.Table.from_pandas(runs))
            assert found["run_id"].to_pylist() == runs["run_id"][bins == number].tolist()
    assert varied_axes(results) == ["learning_rate", "momentum", "init_id"]


def test_the_condition_on_several_names_lists_them():
    words = axis_of(3, Listed(("tanh", "relu", "softplus")))
    assert words.conditions(2) == ["((a == 'tanh') or (a == 'relu'))", "a == 'softplus'"]


def test_the_number_of_cells_is_bounded():
    dimensions = tuple((Axis(name=str(k), values=Counted(10**6)),) for k in range(6))
    axes = ordered_axes(Grid(dimensions=dimensions))
    for number in range(7):
        shown = heat_maps.views(axes[:number])
        assert len(shown) == {0: 0, 1: 1, 2: 1}.get(number, 3)
        assert sum(view.cells for view in shown) <= heat_maps.MOST_CELLS
        assert all(bins <= heat_maps.LONGEST for view in shown for bins in view.bins)


def test_a_large_report_stays_small(tmp_path, monkeypatch):
    monkeypatch.setattr(trajectories, "MOST_RUNS", 300)
    monkeypatch.setattr(trajectories, "MOST_POINTS", 1500)
    changes = {"grid": {"learning_rate": {"log": [0.01, 0.5], "count": 20}, "init_id": 400}}
    results = trained(tmp_path / "results", changes)
    page = page_of(results, tmp_path)
    runs = page.data["runs"]
    assert len(runs["run_id"]) <= 300
    assert sum(runs["lengths"]) <= 1500
    assert runs["thinned"]
    view = page.data["views"][0]
    assert view["bins"] == [20, 200]
    assert unpacked(view["runs"], "<u4").tolist() == [2] * 4000
    epochs, ends = unpacked(runs["epoch"], "<u4"), np.cumsum(runs["lengths"])
    assert epochs[ends - 1].tolist() == runs["epochs"]  # the last epoch is kept
    assert not epochs[[0, *ends[:-1]]].any()


def test_shares_are_of_all_runs_if_medians_are_of_a_sample(tmp_path, monkeypatch):
    monkeypatch.setattr(summary, "MOST_RUNS", 100)
    results = trained(tmp_path / "results", {"grid": SMALL["grid"] | {"init_id": 100}})
    page = page_of(results, tmp_path)
    assert "shares are of all runs" in page.text
    runs = results.runs
    for axis, name in enumerate(["learning_rate", "momentum"]):
        rows = pd.read_csv(pd.io.common.StringIO(page.downloads()[f"small-{name}.csv"]))
        hits = runs["status"].eq("converged").groupby(runs[name])
        assert rows["runs"].tolist() == hits.size().tolist(), axis
        assert rows["converged"].tolist() == hits.mean().tolist()
    groups = runs.groupby(["momentum", "learning_rate"])["status"]
    view = page.data["views"][0]
    for ending in ("converged", "diverged"):
        counts = unpacked(view[ending], "<u4").reshape(-1, 6)[0]
        wanted = groups.apply(lambda status, ending=ending: (status == ending).sum())
        assert counts.tolist() == wanted.tolist()
    assert page.data["ends"]["runs"] == [200, 200, 200]


def test_a_sample_of_many_starts_has_all_runs_of_each(tmp_path, monkeypatch):
    monkeypatch.setattr(summary, "MOST_RUNS", 500)
    grid = {"learning_rate": [0.1, 0.2, 0.3], "init_id": 1000}
    changes = {"grid": grid, "record": {"epochs": "none"}}
    found = summary.summarise(trained(tmp_path / "results", changes))
    assert set(found.runs.groupby("init_id").size()) == {3}


INLINE = {"inputs": [0.0, 0.5, 1.0], "targets": [0.0, 1.0, 0.0]}


def test_inline_data_and_the_tolerance_are_described(tmp_path):
    changes = {"data": INLINE, "network": SMALL["network"] | {"loss": "mse"}}
    page = page_of(trained(tmp_path / "results", changes), tmp_path)
    assert "inline, 3 data points" in page.text
    assert "at most 60 epochs, until the loss is at most 0.6" in page.text
    assert "None" not in page.text.partition("The experiment")[0]
    assert page.data["epochs"]["by_tolerance"]


def test_settings_of_an_axis_are_not_stated_as_one_value(tmp_path):
    grid = {"tolerance": [0.5, 0.6], "max_epochs": [10, 20], "init_id": 4}
    page = page_of(trained(tmp_path / "results", {"grid": grid}), tmp_path)
    assert "at most max_epochs epochs, until the loss is at most the tolerance" in (page.text)


def test_values_of_axes_are_exact(tmp_path):
    grid = {"learning_rate": {"log": [0.01, 0.5], "count": 7}, "init_id": 8}
    results = trained(tmp_path / "results", {"grid": grid})
    page = page_of(results, tmp_path)
    for rate in set(results.runs["learning_rate"]):
        assert repr(rate) in page.texts, rate


def test_every_choice_of_two_filters_has_its_own_numbers():
    shape = (4, 3, 2, 5)  # x, y and two filters
    axes = [axis_of(length) for length in shape]
    ranks = [at.ravel() for at in np.indices(shape)]
    random = np.random.default_rng(0)
    runs = pd.DataFrame({"ssr_final": random.uniform(0.1, 9.0, ranks[0].size)})
    status = random.choice(["converged", "finished", "diverged"], ranks[0].size)
    runs["status"] = pd.Categorical(status, ["converged", "finished", "diverged"])
    counts = heat_maps.CellCounts(heat_maps.View((0, 1, 2, 3), shape), axes)
    counts.add(ranks, runs["status"].cat.codes.to_numpy())
    found = heat_maps.heat_map(counts, ranks, runs)
    medians = 10.0 ** unpacked(found["median"], "<f4").reshape(3, 6, 3, 4).astype(float)
    converged = unpacked(found["converged"], "<u4").reshape(3, 6, 3, 4)
    values = finite_or_inf(runs).to_numpy().reshape(shape)
    hits = (runs["status"] == "converged").to_numpy().reshape(shape)
    assert medians[2, 4, 1, 3] == pytest.approx(values[3, 1, 1, 3], rel=1e-5)
    assert converged[1, 0].tolist() == hits[:, :, 0, :].sum(axis=2).T.tolist()
    assert converged[0, 5].tolist() == hits[:, :, :, 4].sum(axis=2).T.tolist()
    assert converged[2, 5].tolist() == hits[:, :, 1, 4].T.tolist()


def test_the_report_of_a_wide_network_stays_small(tmp_path):
    changes = {
        "network": {"layers": [1, 400, 1], "activations": ["tanh", "identity"]},
        "data": {"generator": "chebyshev", "degree": 3, "samples": 400},
        "training": {"epochs": 2, "learning_rate": 0.001},
        "grid": {"init_id": 3},
    }
    results = trained(tmp_path / "results", changes)
    written = write_report(results.folder)
    assert written.size < 5_000_000
    page = Page(written.path.read_text("utf-8"))
    assert '"rows": 400' in page.text
    assert "and 388 more data points" in page.text
    assert len(page.data["curve"]["x"]) == 201  # trained again: some parameters are not columns


CLASSES = {
    "network": {"layers": [2, 3, 1], "activations": ["tanh", "sigmoid"], "loss": "cross_entropy"},
    "data": {"generator": "moons", "samples": 20, "validation": 12, "noise": 0.2},
    "training": {"epochs": 50, "learning_rate": 0.1, "patience": 5},
    "grid": {"learning_rate": [0.1, 1.0, 9.0], "momentum": [0.0, 0.9], "init_id": 5},
    "record": {"epochs": {"log": 10}, "metrics": ["accuracy"]},
}


def test_the_decision_regions_are_those_of_the_best_run(tmp_path):
    results = trained(tmp_path / "classes", CLASSES)
    found = page_of(results, tmp_path).data["regions"]
    best = results.best_run
    assert found["run_id"] == best
    x, y = np.meshgrid(found["x"], found["y"])
    predicted = results.network(best).predict(np.stack([x.ravel(), y.ravel()], axis=1))[:, 0]
    assert unpacked(found["classes"], "<u1").tolist() == (predicted >= 0.5).tolist()
    assert 0 < (predicted >= 0.5).mean() < 1
    single = results.experiment.single(best)
    for name, points in (("training", single.data), ("held_out", single.validation)):
        for k, part in enumerate(found[name]):
            assert np.transpose(part).tolist() == points.inputs[points.targets[:, 0] == k].tolist()
    assert (found["names"], found["inputs"]) == (["class 0", "class 1"], ["input 1", "input 2"])


def test_the_median_accuracy_of_cells_is_that_of_pandas(tmp_path):
    results = trained(tmp_path / "classes", CLASSES)
    data = page_of(results, tmp_path).data
    assert data["accuracy"] == "final held-out accuracy"
    view = data["views"][0]
    median = unpacked(view["accuracy"], "<f4").reshape(6, 2, 3)
    runs = results.runs
    wanted = runs.pivot_table("validation_accuracy_final", "momentum", "learning_rate", "median")
    np.testing.assert_allclose(median[0], wanted, rtol=1e-6)
    one = runs[runs["init_id"] == 3].pivot_table(
        "validation_accuracy_final", "momentum", "learning_rate"
    )
    np.testing.assert_allclose(median[4], one, rtol=1e-6)


def test_without_classes_there_are_neither_regions_nor_accuracies(small, tmp_path):
    data = small[1].data
    assert data["regions"] is data["accuracy"] is None
    assert "accuracy" not in data["views"][0]
    numbers = {
        "network": {"layers": [2, 2], "activations": ["identity"]},
        "data": {"inputs": [[0.0, 1.0], [2.0, 0.5]], "targets": [[0.1, 0.7], [0.4, 0.2]]},
        "training": {"epochs": 5, "learning_rate": 0.1},
    }
    results = trained(tmp_path / "numbers", numbers)
    assert page_of(results, tmp_path).data["regions"] is None
