"""Every number that `harness show` prints, compared with pandas on the tables."""

import math

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text
from scipy import stats

import harness
from harness import plots
from harness.analysis import ranking
from harness.cli.summary_screen import summarise
from harness.report.page import page
from harness.report.summary import summarise as summarise_for_page
from harness.results import sentences

SEEDS = {"init_id", "init_seed", "batch_seed", "fold", "split_seed"}
SHADES = " .:-=+*#%@"


def dosage(grid, **training):
    return {
        "name": "numbers",
        "network": {"layers": [1, 2, 1], "activations": ["softplus", "identity"]},
        "data": {"generator": "dosage"},
        "training": {"epochs": 30, "learning_rate": 0.1} | training,
        "initialisation": {"scheme": "normal", "scale": 2.0, "seed": 0},
        "grid": grid,
        "record": {"epochs": "none"},
    }


def xor(grid, **training):
    return dosage(grid, **training) | {
        "network": {
            "layers": [2, 2, 1], "activations": ["sigmoid", "sigmoid"], "loss": "cross_entropy",
        },
        "data": {"generator": "xor"},
    }  # fmt: skip


RATES = {"log": [0.01, 1.0], "count": 4}
SWEEPS = {
    "100 runs": dosage({"learning_rate": RATES, "init_id": 25}, tolerance=0.7, limit=1e6),
    "without a tolerance": dosage({"learning_rate": RATES, "init_id": 25}),
    "none converges": dosage({"learning_rate": RATES, "init_id": 25}, tolerance=0.0, limit=1e6),
    "all diverge": dosage({"learning_rate": [3.0, 2.0], "init_id": 5}, epochs=200),
    "one start": dosage({"learning_rate": RATES, "momentum": [0.0, 0.5]}, tolerance=0.7),
    "one start, none converges": dosage({"learning_rate": RATES, "momentum": [0.0, 0.5]}),
    "three starts": dosage({"learning_rate": RATES, "init_id": 3}),
    "only starts": dosage({"init_id": 20}, tolerance=0.7),
    "words": dosage({"init_scheme": ["uniform", "normal"], "init_id": 40}, tolerance=0.7),
    "two axes, and two seeds": dosage(
        {
            "momentum": [0.9, 0.0, 0.5], "init_id": 20, "learning_rate": RATES,
            "init_seed": [3, 1],
        },
        tolerance=0.7, limit=1e6,
    ),
    "zipped": dosage(
        {
            "learning_rate": {"log": [0.01, 0.5], "count": 7},
            "momentum": {"linear": [0.7, 0.1], "count": 7},
            "init_id": 30,
            "zip": [["learning_rate", "momentum"]],
        },
        tolerance=0.7, limit=1e6,
    ),
    "zipped with a seed": dosage(
        {
            "learning_rate": [0.3, 0.3, 0.1, 0.1, 0.1], "init_seed": [0, 1, 0, 1, 2],
            "init_id": 10, "zip": [["init_seed", "learning_rate"]],
        },
        tolerance=0.7, limit=1e6,
    ),
    "10,000 runs, three axes": xor(
        {
            "learning_rate": {"log": [0.1, 30.0], "count": 10},
            "momentum": [0.0, 0.9],
            "tolerance": [0.6, 0.69, 0.3, 0.65, 0.68],
            "init_id": 100,
        }
    ),
    "200 rates and 500 starts": dosage(
        {"learning_rate": {"log": [0.01, 1.0], "count": 200}, "init_id": 500},
        epochs=100, tolerance=0.5, limit=1e10,
    ),
    "1,000,000 runs": dosage(
        {"learning_rate": {"log": [0.01, 1.0], "count": 50}, "init_id": 20_000},
        epochs=5, tolerance=0.7, limit=1e10,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder, known = tmp_path_factory.mktemp("show"), {}

    def train(name):
        if name not in known:
            experiment = harness.Experiment.from_mapping(SWEEPS[name])
            known[name] = harness.run(experiment, folder / f"sweep-{len(known)}")
        return known[name]

    return train


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


def table_of(results):
    """Return all runs as pandas reads them, and the column of the trained loss."""
    runs = pd.read_parquet(results.folder / "runs")
    csv = results.folder / "runs.csv"
    if csv.exists():
        pd.testing.assert_frame_equal(pd.read_csv(csv), runs, check_exact=True)
    loss = "loss_final" if "loss_final" in runs else "ssr_final"
    lost = (runs["status"] == "diverged") | runs[loss].isna()
    return runs.assign(value=runs[loss].mask(lost, np.inf)), loss


def axes_of(document):
    """Return the axes of a combination with several values; zipped axes are together."""
    grid = document["grid"]
    together = {name: tuple(group) for group in grid.get("zip", []) for name in group}
    found = dict.fromkeys(together.get(name, (name,)) for name in grid if name != "zip")
    return [
        axes
        for group in found
        if (axes := [name for name in group if name not in SEEDS])
    ]  # fmt: skip


def exact(value):
    return str(value).removesuffix(".0")


def percent(share):
    text = f"{share:.1%}".replace(".0%", "%")
    return "<0.1%" if text == "0%" and share else ">99.9%" if text == "100%" and share < 1 else text


def in_grid_order(document, axes, runs):
    """Return values of axes: zipped axes and words in file order, numbers sorted."""
    found = runs[axes].drop_duplicates()
    numbers = len(axes) == 1 and pd.api.types.is_numeric_dtype(runs[axes[0]])
    return found.sort_values(axes) if numbers else found


def combinations(runs, axes):
    groups = runs.groupby(axes)
    table = pd.DataFrame({
        "hits": groups["status"].apply(lambda s: (s == "converged").sum()),
        "runs": groups.size(),
        "median": groups["value"].median(),
    })  # fmt: skip
    table["share"] = table["hits"] / table["runs"]
    values = groups["value"].apply(list)
    intervals = [stats.binomtest(k, n).proportion_ci(method="wilson")
                 for k, n in zip(table["hits"], table["runs"], strict=True)]  # fmt: skip
    medians = [stats.quantile_test(x).confidence_interval(0.95) for x in values]
    table["low"], table["high"] = [i.low for i in intervals], [i.high for i in intervals]
    table["median_low"] = [m.low for m in medians]
    table["median_high"] = [m.high for m in medians]
    return table.sort_values(["share", "median"], ascending=[False, True], kind="stable")


def wanted_best(runs, loss, names, document):
    """Return the headline: the best combination, or the best run if each has only one."""
    if not names:
        return ""
    table = combinations(runs, names).reset_index()
    best, others = table.astype(object).iloc[0], table.iloc[1:]

    def point(row):
        if len(names) == 1:
            return exact(row[names[0]])
        return ", ".join(f"{name} {exact(row[name])}" for name in names)

    if len(table) == len(runs):
        run = in_order(runs).iloc[0]
        where = ", ".join(f"{name} {exact(run[name])}" for name in names)
        how = {
            "converged": f"the first to converge, after {run['epochs']} epochs",
            "finished": f"the lowest {loss}, {run[loss]:.4g}",
        }
        return f"Best run: {run['run_id']} ({where}), {how[run['status']]}."
    title = f"Best {names[0]}: " if len(names) == 1 else "Best combination: "
    said = []
    if best["hits"] == 0:
        tolerance = {"tolerance"} & {*document["training"], *document["grid"]}
        said += ["No run converged."] if tolerance else []
        if np.isinf(best["median"]):
            return " ".join([
                *said, "No combination is best: at each, at least half of the runs diverged."
            ])  # fmt: skip
        text = f"where the median of {loss} is {best['median']:.4g}"
        interval = f"95% interval {best['median_low']:.4g} to {best['median_high']:.4g}"
        few = np.isnan(best["median_low"])  # fewer than six runs
        text += f" ({'too few runs for an interval' if few else interval})"
        others = others[others["median_low"] <= best["median_high"]]
    else:
        ends = f"{percent(best['low'])} to {percent(best['high'])}"
        text = f"where {best['hits']:,} of {best['runs']:,} runs converge:"
        text += f" {percent(best['share'])} (95% interval {ends})"
        others = others[others["high"] >= best["low"]]
    said.append(f"{title}{point(best)}, {text}.")
    equal = (table["share"] == best["share"]).sum() - 1
    if best["hits"] and equal:
        have = "1 other has" if equal == 1 else f"{equal} others have"
        said.append(
            f"{have} the same share; the lowest median of {loss} decides, {best['median']:.4g}."
        )
    next_ones = [
        f"{point(row)} ({percent(row['share']) if best['hits'] else format(row['median'], '.4g')})"
        for _, row in table.astype(object)[1:3].iterrows()
        if best["hits"] or np.isfinite(row["median"])
    ]
    if next_ones:
        title = "Runners-up" if len(next_ones) > 1 else "Runner-up"
        said.append(f"{title}: {'; '.join(next_ones)}.")
    if not best["hits"] and few:
        return " ".join(said)
    overlap = f"{'all ' if len(others) == len(table) - 1 else ''}{len(others)} others overlap it"
    if others.empty:
        said.append("No other interval overlaps it.")
    elif len(others) == 1:
        said.append("The interval of 1 other overlaps it.")
    elif len(names) == 1 and pd.api.types.is_numeric_dtype(runs[names[0]]):
        values = others[names[0]]
        ends = f"{exact(values.min())} to {exact(values.max())}"
        said.append(f"The intervals of {overlap} ({ends}).")
    else:
        said.append(f"The intervals of {overlap}.")
    return " ".join(said)


def wanted_axis(runs, axis, loss):
    """Return the sentence on an axis of more than four numbers, from its shares or medians."""
    table = combinations(runs, axis)
    order = list(table.index)
    best, others = table.iloc[0], table.iloc[1:]
    lost = runs.groupby(axis)["status"].agg(lambda status: (status == "diverged").all())
    if lost.all():
        return f"{axis}: all runs diverge at every value."
    if best["hits"]:
        works = table["share"] >= best["share"] / 2
        clear = (others["high"] < best["low"]).any()
    else:
        works = table["median_low"] <= best["median_high"]
        clear = (others["median_low"] > best["median_high"]).any()
        clear &= np.isfinite(best["median"])
    if not clear and not lost.any() and not np.isnan(best["median_low"]):
        return f"{axis}: no clear difference between its {len(table)} values."
    works = works.sort_index()
    runs_of_true = (works != works.shift()).cumsum()
    here = works.index[runs_of_true == runs_of_true[order[0]]]
    said = []
    ends = " to ".join(dict.fromkeys(f"{value:.4g}" for value in (here[0], here[-1])))
    if clear and best["hits"]:
        said.append(
            f"{'every value' if works.all() else ends} works (at least half of the best share that"
            f" converged, {percent(best['share'])} at {order[0]:.4g})"
        )
    elif clear:
        same = f" (no clear difference from {ends})" if len(here) > 1 else ""
        said.append(f"the median {loss} is lowest at {order[0]:.4g}{same}")
    kept = lost.index[~lost]
    if lost.iloc[0]:
        said.append(f"up to {lost.index[lost.index < kept[0]][-1]:.4g}, all runs diverge")
    if lost.iloc[-1]:
        said.append(f"from {lost.index[lost.index > kept[-1]][0]:.4g} on, all runs diverge")
    return f"{axis}: {'; '.join(said)}." if said else ""


def in_order(runs):
    """Return converged runs by epochs, loss and id; then finished ones; then the others."""
    parts = [
        runs[runs["status"] == "converged"].sort_values(["epochs", "value", "run_id"]),
        runs[runs["status"] == "finished"].sort_values(["value", "run_id"]),
        runs[runs["status"] == "diverged"].sort_values(
            ["epochs", "run_id"], ascending=[False, True]
        ),
    ]
    return pd.concat(parts)


def wanted_tables(runs, loss, groups, document):
    """Return the rows of the tables along the first two axes, by title."""
    found = {}
    for axes in groups[:2]:
        values = in_grid_order(document, axes, runs)
        rows = []
        for _, value in values.iloc[:: math.ceil(len(values) / 8)].iterrows():
            ours = runs[(runs[axes] == value).all(axis=1)]
            status = ours["status"]
            rows.append([
                *map(exact, value), f"{len(ours):,}", percent((status == "converged").mean()),
                percent((status == "diverged").mean()), f"{ours['value'].median():.4g}",
            ])  # fmt: skip
        found[f"along {', '.join(axes)}"] = rows
    best = in_order(runs).head(3)
    ways = dict.fromkeys(best["status"])
    words = {"converged": "first to converge", "finished": f"lowest {loss}",
             "diverged": "last to diverge"}  # fmt: skip
    axes = [name for name in runs.columns[2 : runs.columns.get_loc("status")] if name != "init_id"]
    found[", then ".join(words[way] for way in ways)] = [
        [*(exact(row[name]) for name in ("run_id", "init_id", *axes, "status", "epochs")),
         f"{row[loss]:.4g}"]
        for row in best.astype(object).to_dict("records")
    ]  # fmt: skip
    return found


def wanted_picture(runs, groups, document):
    """Return the rows of the picture: one axis by powers of ten, or two axes by median."""
    across = in_grid_order(document, groups[0], runs)
    columns = [list(row) for row in across.to_numpy()]
    if len(groups) == 1:
        inside = (runs["value"] > 0) & np.isfinite(runs["value"])
        power = np.floor(np.log10(runs["value"].where(inside)))
        highest = -1 if power.isna().all() else int(power.max())
        lowest = 0 if power.isna().all() else max(int(power.min()), highest - 11)
        row = power.map(lambda p: f"1e{int(p):+03}", na_action="ignore")
        row = row.mask(power < lowest, "less").mask(runs["value"] == 0, "less")
        row = row.mask(np.isinf(runs["value"]), "diverged")
        names = ["diverged", *(f"1e{p:+03}" for p in range(highest, lowest - 1, -1))]
        names += ["less"] if (row == "less").any() else []
        together = math.ceil(len(columns) / 60)
        place = pd.Series(range(len(columns)), index=pd.MultiIndex.from_frame(across))
        at = place.reindex(pd.MultiIndex.from_frame(runs[groups[0]])).to_numpy() // together
        shares = pd.crosstab(row, at, normalize="columns").reindex(names).fillna(0).to_numpy()
        steps = np.where(shares == 1, 9, np.ceil(shares * 8 - 1e-9)).astype(int)
        return names, steps, np.zeros(steps.shape, dtype=bool)
    down = in_grid_order(document, groups[1], runs)
    medians = np.array([
        [runs.loc[(runs[groups[0]] == x).all(axis=1) & (runs[groups[1]] == y).all(axis=1), "value"]
         .median() for x in columns]
        for y in [list(row) for row in down.to_numpy()]
    ])  # fmt: skip
    logs = np.log10(np.where(np.isinf(medians), np.nan, medians))
    low, high = np.nanmin(logs), np.nanmax(logs)
    shades = np.nan_to_num((logs - low) / max(high - low, 1e-9))
    steps = np.minimum(np.ceil(shades * 9 - 1e-9).astype(int), 9)
    return [", ".join(map(exact, row)) for row in down.to_numpy()], steps, np.isinf(medians)


@pytest.mark.parametrize("name", SWEEPS)
def test_every_number_equals_that_of_pandas(name, trained, capsys):
    results, document = trained(name), SWEEPS[name]
    runs, loss = table_of(results)
    capsys.readouterr()
    summarise(results)
    printed = capsys.readouterr().out
    blocks = [block.splitlines() for block in printed.strip().split("\n\n")]
    # Except the last lines, which name the folder.
    assert max(map(len, printed.replace(str(results.folder), "DIR").splitlines())) <= 80

    ended = ", ".join(f"{n:,} {status}" for status, n in runs["status"].value_counts().items())
    assert blocks.pop(0) == [f"{len(runs):,} runs: {ended}."]

    groups = axes_of(document)
    names = [axis for group in groups for axis in group]
    best = wanted_best(runs, loss, names, document)
    if best:
        assert " ".join(" ".join(blocks.pop(0)).split()) == best

    answers = []
    while not blocks[0][0].startswith(("share of", "median", "first to", "lowest ", "last to")):
        answers += blocks.pop(0)
    answers = " ".join(answers)
    for axes in groups:
        if runs[axes[0]].dtype != object and len(axes) == 1 and runs[axes[0]].nunique() > 4:
            assert answers.count(f"{axes[0]}: ") == 1
            assert wanted_axis(runs, axes[0], loss) in answers

    if groups:
        rows, steps, lost = wanted_picture(runs, groups, document)
        title, *picture = blocks.pop(0)
        lines = picture[: len(rows)]
        assert [line.split(" |")[0].strip() for line in lines] == rows
        cells = [line.split(" |", 1)[1].removesuffix("|") for line in lines]
        wide = len(cells[0]) // steps.shape[1]
        shown = [[SHADES[step] for step in row] for row in steps]
        shown = np.where(lost, "x", np.array(shown))
        assert [row[::wide] for row in cells] == ["".join(row) for row in shown]
        first, last = in_grid_order(document, groups[0], runs).iloc[[0, -1]].to_numpy()
        legend = " ".join(" ".join(picture[len(rows) :]).split())
        ends = f"{', '.join(map(exact, first))} on the left to {', '.join(map(exact, last))}"
        assert legend.startswith(f"from {ends} on the right;")
        if len(groups) > 1:
            medians = runs.groupby(names[: len(groups[0] + groups[1])])["value"].median()
            medians = medians[np.isfinite(medians)]
            assert f"' ' {medians.min():.4g} '@' {medians.max():.4g}" in legend
            assert title.startswith(f"median {loss} over ")

    for title, rows in wanted_tables(runs, loss, groups, document).items():
        lines = blocks.pop(0)
        assert lines[0] == title
        if len(lines) > len(rows) + 3:  # columns that do not fit go below, next to the first column
            half = len(rows) + 1
            below = [line.split()[1:] for line in lines[1 + half : 1 + 2 * half]]
            found = [[*a.split(), *b] for a, b in zip(lines[2 : 1 + half], below[1:], strict=True)]
        else:
            found = [line.split() for line in lines[2 : 2 + len(rows)]]
        assert found == rows


def test_printed_values_are_found_by_a_condition(trained, capsys):
    results = trained("100 runs")
    capsys.readouterr()
    summarise(results)
    printed = capsys.readouterr().out
    rates = set(results.runs["learning_rate"])
    lines = printed.partition("\nalong learning_rate\n")[2].splitlines()[:5]
    assert lines[0].split()[:2] == ["learning_rate", "runs"]
    assert {float(line.split()[0]) for line in lines[1:]} == rates
    assert float(printed.partition("Best learning_rate: ")[2].split(",")[0]) in rates


HELD_OUT = {
    "combinations": {"learning_rate": [0.3, 2.0, 200.0], "init_id": 7},
    "folds": {"learning_rate": [0.3, 2.0], "init_id": 3, "fold": [0, 1, 2]},
    "one start": {"learning_rate": [0.3, 2.0]},
    "only starts": {"init_id": 6},
    "one run": {"init_id": [4]},
}


@pytest.mark.parametrize("name", HELD_OUT)
def test_final_metrics_and_held_out_loss_are_those_of_pandas(name, tmp_path, capsys):
    grid = HELD_OUT[name]
    document = xor(grid, tolerance=0.3, limit=5.0)
    held_out = {"folds": 3} if "fold" in grid else {"validation": 1 / 3}
    document["data"] = {"generator": "spirals", "samples": 15} | held_out
    document["record"]["metrics"] = ["accuracy", "rmse"]
    results = harness.run(harness.Experiment.from_mapping(document), tmp_path / "sweep")
    runs = results.runs
    if name == "one start":
        runs = runs[runs["run_id"] == results.best_run]
    elif "learning_rate" in grid:
        runs = runs[runs["learning_rate"] == results.combinations()["learning_rate"].iloc[0]]
    values = [
        f"{column} {runs[column].median():.4g}"
        for column in (
            "accuracy_final", "rmse_final", "validation_loss_final", "validation_accuracy_final",
            "validation_rmse_final",
        )
    ]  # fmt: skip
    of = f"Medians of {len(runs)} runs" if len(runs) > 1 else "Final values"
    said = f"{of}: {', '.join(values)} (10 data points, 5 held out)."
    assert len(runs) == {"combinations": 7, "folds": 9, "only starts": 6}.get(name, 1)

    capsys.readouterr()
    summarise(results)
    assert said in " ".join(capsys.readouterr().out.split())
    assert said in page(results)


def test_medians_of_metrics_count_diverged_runs_as_worst():
    runs = pd.DataFrame({
        "status": ["finished", "finished", "diverged", "diverged", "finished"],
        "accuracy_final": [0.5, 0.75, 1.0, np.nan, 1.0],
        "validation_loss_final": [0.1, 0.2, 0.0, np.nan, 0.3],
    })  # fmt: skip
    assert sentences.median_of(runs, "accuracy_final") == 0.5
    assert sentences.median_of(runs, "validation_loss_final") == 0.3


@pytest.mark.parametrize("name", ["two axes, and two seeds", "10,000 runs, three axes"])
def test_all_commands_name_the_same_run_and_combination(name, trained, capsys):
    results = trained(name)
    runs, _ = table_of(results)
    run_id = int(in_order(runs)["run_id"].iloc[0])
    assert (
        run_id != runs.nsmallest(1, "ssr_final")["run_id"].item()
    )  # the former rule of the pictures
    assert results.best_run == run_id == results.best_runs(3)["run_id"].iloc[0]
    names = [axis for group in axes_of(SWEEPS[name]) for axis in group]
    wanted = combinations(runs, names).reset_index().iloc[0]
    best = results.combinations().iloc[0]
    assert best[names].tolist() == wanted[names].tolist()
    assert ranking.combinations(results.runs, names).iloc[0][names].tolist() == best[names].tolist()

    capsys.readouterr()
    summarise(results)
    shown = " ".join(capsys.readouterr().out.split())
    said = f"Best combination: {', '.join(f'{n} {exact(best[n])}' for n in names)}, where"
    assert said in shown
    assert said in summarise_for_page(results).best_says
    assert f"<td>{said}" in page(results).replace("<dd>", "<td>")
    assert summarise_for_page(results).best["run_id"].iloc[0] == run_id
    texts = [text.get_text() for text in plots.draw(results, "fit").findobj(Text)]
    assert any(text.startswith(f"run {run_id} (") for text in texts)
