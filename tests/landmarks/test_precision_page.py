"""Float32 against float64: counts compared with loops and pandas, and the page."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest

import harness
from experiments.landmarks.page import ROOT
from experiments.landmarks.precision import LANDMARK
from experiments.landmarks.precision.measurements import (
    PARTED,
    flipped_boundary,
    flips,
    paired_outcomes,
    variants_of,
)
from harness.maps.image import Image


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return tmp_path_factory.mktemp("trained")


@pytest.fixture(scope="module")
def found(trained):
    return LANDMARK.measure(trained, quick=True)


def image_of(rows):
    trained = np.array([[letter == "x" for letter in row] for row in rows])
    return Image(trained=trained, value=np.zeros(trained.shape))


# -- variants --------------------------------------------------------------------------------------


def test_variants_have_the_same_start_and_differ_as_they_say(found, trained):
    runs = {}
    for name, variant in (("float64", None), ("float32", "float32"), ("reversed", None)):
        results = harness.open_results(trained / f"dosage-{name}")
        training = results.experiment.document()["training"]
        assert training.get("precision", "float64") == (variant or "float64")
        runs[name] = results.runs
    for name in ("float32", "reversed"):
        start = runs[name]["ssr_initial"].to_numpy()
        assert start == pytest.approx(runs["float64"]["ssr_initial"].to_numpy(), rel=1e-5)
    assert (runs["float32"]["ssr_initial"] != runs["float64"]["ssr_initial"]).any()


def test_the_reversed_variant_has_the_data_points_backwards():
    experiment = harness.load_experiment(ROOT / "experiments" / "edge_of_stability.toml")
    variants = variants_of(experiment)
    data, backwards = experiment.data, variants["reversed"].data
    assert backwards.inputs.tolist() == data.inputs.tolist()[::-1]
    assert backwards.targets.tolist() == data.targets.tolist()[::-1]
    for name in ("float32", "float64"):
        assert variants[name].data.inputs.tolist() == data.inputs.tolist()
        assert variants[name].data.targets.tolist() == data.targets.tolist()


# -- maps ------------------------------------------------------------------------------------------


def test_flipped_pixels_by_hand():
    # The boundary is the upper left pixel of each 2 x 2 block with both kinds, in the first image.
    double = image_of(["xx..", "xx..", "xx..", "xxxx"])
    single = image_of(["xx..", "x...", "xxx.", "xxxx"])
    assert np.argwhere(double.boundary).tolist() == [[0, 1], [1, 1], [2, 1], [2, 2]]
    assert np.argwhere(flips(double, single)).tolist() == [[1, 1], [2, 2]]
    assert flipped_boundary(double, single) == 2 / 4


def test_maps_are_those_of_the_tables(found, trained):
    assert list(found.maps) == ["overview", "frame 1"]
    for name, folder in (
        ("float64", "zoom/frame-01"),
        ("float32", "zoom-float32/frame-01"),
        ("reversed", "zoom-reversed/frame-01"),
    ):
        late = harness.open_results(trained / folder).runs["relative_late"].to_numpy()
        assert (found.maps["frame 1"][name].trained.ravel() == (late < 1)).all()


# -- exclusive or ----------------------------------------------------------------------------------


def test_outcomes_of_pairs_by_hand():
    by_run = {"momentum": [0.9] * 7, "learning_rate": [1.0] * 7}
    c, f = "converged", "finished"
    one = pd.DataFrame({**by_run, "status": [c, c, c, c, f, f, c], "epochs": [3, 4, 5, 6, 9, 9, 7]})
    two = pd.DataFrame({**by_run, "status": [c, c, f, f, c, f, f], "epochs": [3, 8, 9, 9, 4, 9, 9]})
    (row,) = paired_outcomes(one, two, ["momentum", "learning_rate"]).itertuples()
    assert (row.runs, row.solved, row.other, row.lost, row.gained) == (7, 5, 3, 3, 1)
    assert (row.median, row.other_median, row.same) == (5, 4, 1 / 2)
    # 4 fair coins with at most 1 or at least 3 heads
    assert row.p == pytest.approx(sum(math.comb(4, k) for k in (0, 1, 3, 4)) / 2**4)


@pytest.mark.parametrize("variant", ["float32", "reversed"])
def test_outcomes_of_pairs_are_those_of_a_merged_table(found, variant):
    by = ["momentum", "learning_rate"]
    pair = found.xor["float64"].merge(found.xor[variant], on=[*by, "init_id"])
    counts = pd.crosstab(
        [pair[name] for name in by],
        pair["status_x"].astype(str).str.cat(pair["status_y"].astype(str), sep=" "),
    ).reindex(columns=["converged finished", "finished converged", "converged converged"])
    counts = counts.fillna(0).astype(int)
    table = paired_outcomes(found.xor["float64"], found.xor[variant], by).set_index(by)
    assert table["lost"].tolist() == counts["converged finished"].tolist()
    assert table["gained"].tolist() == counts["finished converged"].tolist()
    assert (table["solved"] - table["lost"]).tolist() == counts["converged converged"].tolist()
    assert table["solved"].max() > 100


# -- sharpness and trajectories --------------------------------------------------------------------


def test_sharpness_agrees_until_the_edge(found):
    double, single = (found.edge[name] for name in ("float64", "float32"))
    assert (double[["learning_rate", "epoch"]] == single[["learning_rate", "epoch"]]).all(axis=None)
    first = double.loc[double["edge"] > 0.98].groupby("learning_rate")["epoch"].min()
    for rate, epoch in {**dict.fromkeys(double["learning_rate"], np.inf), **first}.items():
        before = ((double["learning_rate"] == rate) & (double["epoch"] < epoch)).to_numpy()
        expected = pytest.approx(double.loc[before, "sharpness"].to_numpy(), rel=1e-4)
        assert single.loc[before, "sharpness"].to_numpy() == expected
    assert double["sharpness"].to_numpy() != pytest.approx(single["sharpness"].to_numpy(), rel=0.01)


@pytest.mark.parametrize("variant", ["float32", "reversed"])
def test_pairs_of_trajectories_are_those_of_loops(found, trained, variant):
    double, other = (
        harness.open_results(trained / f"dosage-{name}") for name in ("float64", variant)
    )
    table = found.dosage[variant].set_index("run_id")
    status = [results.runs["status"].astype(str) for results in (double, other)]
    expected = [
        k for k in range(len(double.runs)) if "diverged" not in (status[0][k], status[1][k])
    ]
    assert table.index.tolist() == expected
    ways = [
        {k: dict(zip(way["epoch"], way["ssr"], strict=True)) for k, way in ways.groupby("run_id")}
        for ways in (double.trajectories, other.trajectories)
    ]
    for k in expected[::7]:
        one, two = ways[0][k], ways[1][k]
        off = [abs(two[epoch] - one[epoch]) / one[epoch] for epoch in one if epoch in two]
        assert table.loc[k, "largest"] == max(off)
        ssr = list(one.values())
        assert table.loc[k, "rises"] == any(b > a for a, b in itertools.pairwise(ssr))
        final = [results.runs.loc[k, "ssr_final"] for results in (double, other)]
        assert table.loc[k, "final"] == abs(final[1] - final[0]) / final[0]
        assert table.loc[k, "ends"] == (status[0][k] != status[1][k])


# -- the page --------------------------------------------------------------------------------------


def test_page(found, tmp_path):
    page = LANDMARK.tell(found, tmp_path)
    lines = page.splitlines()
    double, single = (found.maps["frame 1"][name] for name in ("float64", "float32"))
    (line,) = [line for line in lines if line.startswith("| frame 1 | 10 x 10 |")]
    assert f"| {(double.trained != single.trained).mean():.2%} |" in line
    runs = {name: table[table["momentum"] == 0.9] for name, table in found.xor.items()}
    solved = {
        name: (table.loc[table["learning_rate"] == 1.0, "status"] == "converged").mean()
        for name, table in runs.items()
    }
    (line,) = [line for line in lines if line.startswith("| 0.9 | 1 |")]
    assert line.startswith(f"| 0.9 | 1 | {solved['float64']:.2%} | {solved['float32']:.2%} |")
    for name in ("float32", "reversed"):
        pairs = found.dosage[name]
        (line,) = [line for line in lines if line.startswith(f"| {name} | ")]
        final = sorted(pairs["final"])
        middle = (final[(len(final) - 1) // 2] + final[len(final) // 2]) / 2
        assert f"| {middle:.1g} |" in line
        parted = (pairs["largest"] > PARTED).sum()
        assert line.endswith(f"| {parted:,} | {pairs['ends'].sum():,} |")
    assert "nan" not in page
    for name in ("maps", "parting"):
        assert f"(images/precision_{name}.png)" in page
        assert (tmp_path / f"precision_{name}.png").read_bytes().startswith(b"\x89PNG")


def test_page_names_existing_files():
    assert all((ROOT / "experiments" / file).exists() for file in LANDMARK.files)
