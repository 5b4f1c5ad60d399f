"""Column `sharpness` of the trajectories, compared with the twin's dense Hessian."""

import numpy as np
import pytest

import harness
from harness.kernels.descent import COUNTS
from harness.store import Store
from harness.sweeps.chunks import chunk_size
from harness.sweeps.plan import plan
from harness.training.trainer import Trainer
from tests.reference.curvature import hessian
from tests.reference.network import Twin

NETWORK = {"layers": [2, 3, 1], "activations": ["tanh", "sigmoid"]}
POINTS = {
    "inputs": [[0.1, -0.7], [0.9, 0.3], [-1.2, 0.4], [0.6, 1.1], [-0.2, -0.5]],
    "targets": [0.2, 0.8, 0.4, 0.7, 0.1],
}


def experiment(small, *, loss="mse", epochs=12, seeds=3, record=None, grid=None, **training):
    return small(
        network={**NETWORK, "loss": loss},
        data=POINTS,
        training={"epochs": epochs, "learning_rate": 0.5, **training},
        initialisation={"scheme": "normal", "biases": "same"},
        grid=grid or {"learning_rate": [0.1, 2.0], "init_id": seeds},
        record={"epochs": {"every": 4}, "sharpness": True, "parameters": "trajectory"}
        | (record or {}),
    )


def twin_of(loss):
    return Twin(sizes=(2, 3, 1), activations=("tanh", "sigmoid"), loss=loss)


def largest(loss, theta, trained=None):
    """Return the largest eigenvalue by NumPy, over some of the parameters."""
    dense = hessian(
        twin_of(loss), theta, np.array(POINTS["inputs"]), np.array(POINTS["targets"])[:, None]
    )
    trained = slice(None) if trained is None else trained
    return np.linalg.eigvalsh(dense[trained][:, trained])[-1]


def in_theta(ways):
    """Return the parameters of some rows in the order of theta, matrix by matrix."""
    order = ("w1", "w3", "w5", "w2", "w4", "w6", "b1", "b2", "b3", "w7", "w8", "w9", "b4")
    return ways[list(order)].to_numpy()


@pytest.mark.parametrize("batch", [{}, {"batch_size": 2, "batches": "shuffled"}], ids=str)
@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
def test_sharpness_is_that_of_the_loss_over_all_data_points(loss, batch, small, tmp_path):
    ways = harness.run(experiment(small, loss=loss, **batch), tmp_path / "out").trajectories
    assert list(ways.columns[:5]) == ["run_id", "epoch", "ssr", "loss", "sharpness"]
    assert ways["epoch"].tolist() == [0, 4, 8, 12] * 6
    expected = [largest(loss, theta) for theta in in_theta(ways)]
    assert ways["sharpness"].to_numpy() == pytest.approx(expected, rel=1e-7)
    assert len(set(expected)) == 24 - 3  # each start occurs twice


def test_only_parameters_that_train_count(small, tmp_path):
    part = experiment(small, train=["w3", "b3", "w8"])
    ways = harness.run(part, tmp_path / "out").trajectories
    trained = [1, 8, 10]  # their positions in theta
    expected = [largest("mse", theta, trained) for theta in in_theta(ways)]
    assert ways["sharpness"].to_numpy() == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("penalise_biases", [True, False])
def test_sharpness_has_the_penalty_of_each_run(penalise_biases, small, tmp_path):
    grid = {"l2": [0.0, 0.3], "init_id": 2}
    penalties = experiment(small, penalise_biases=penalise_biases, grid=grid)
    results = harness.run(penalties, tmp_path / "out")
    ways, runs = results.trajectories, results.runs.set_index("run_id")
    biases = np.isin(np.arange(13), [6, 7, 8, 12])
    penalised = np.where(biases & (not penalise_biases), 0.0, 1.0)
    for way, theta in zip(ways.itertuples(), in_theta(ways), strict=True):
        dense = hessian(
            twin_of("mse"), theta, np.array(POINTS["inputs"]), np.array(POINTS["targets"])[:, None]
        )
        dense += np.diag(runs["l2"][way.run_id] * penalised)
        assert way.sharpness == pytest.approx(np.linalg.eigvalsh(dense)[-1], rel=1e-7)
    # SSR and loss are those of the data: the same at the start, whatever the penalty.
    first = ways[ways["epoch"] == 0]
    assert first["loss"].nunique() == 2


def test_sharpness_does_not_need_recorded_parameters(small, tmp_path):
    with_parameters = harness.run(experiment(small), tmp_path / "a").trajectories
    alone = experiment(small, record={"parameters": False})
    without = harness.run(alone, tmp_path / "b").trajectories
    assert list(without) == ["run_id", "epoch", "ssr", "loss", "sharpness"]
    assert (without["sharpness"] == with_parameters["sharpness"]).all()


def test_a_run_that_diverges_has_the_sharpness_of_its_parameters_to_the_end(small, tmp_path):
    broken = small(
        network={"layers": [1, 1], "activations": ["identity"]},
        training={"epochs": 4000, "learning_rate": 9.0},
        grid={"learning_rate": [0.01, 9.0]},
        record={"epochs": {"every": 100}, "sharpness": True},
    )
    ways = harness.run(broken, tmp_path / "out").trajectories
    fine, diverged = (ways[ways["run_id"] == k]["sharpness"].to_numpy() for k in (0, 1))
    # For a straight line through three doses, the Hessian of SSR is constant.
    points = np.column_stack([[0.0, 0.5, 1.0], np.ones(3)])
    expected = np.linalg.eigvalsh(2 * points.T @ points)[-1]
    assert fine == pytest.approx(np.full(41, expected), rel=1e-8)
    # Its loss is not finite any more, but its parameters are.
    assert diverged.size < fine.size
    assert diverged == pytest.approx(np.full(diverged.size, expected), rel=1e-8)


@pytest.mark.parametrize("parameters", [False, True, "trajectory"])
def test_a_grown_sweep_has_the_sharpness_of_a_fresh_one(parameters, small, tmp_path):
    record = {"parameters": parameters}
    harness.run(experiment(small, seeds=2, epochs=8, record=record), tmp_path / "grown")
    now = experiment(small, seeds=4, epochs=16, record=record)
    grown = harness.run(now, tmp_path / "grown")
    harness.run(now, tmp_path / "fresh")
    reused = [c.about.reused_runs for c in Store.open(grown.folder).commits().values()]
    assert sum(reused) == (0 if parameters is False else 4)
    for table in ("runs", "trajectories"):
        parts = [sorted((tmp_path / f / table).glob("*.parquet")) for f in ("grown", "fresh")]
        for ours, theirs in zip(*parts, strict=True):
            assert ours.read_bytes() == theirs.read_bytes()


def test_threads_and_chunks_change_nothing(small, tmp_path, monkeypatch):
    one = harness.run(experiment(small), tmp_path / "one", threads=1).trajectories
    monkeypatch.setattr("harness.sweeps.chunks.MAX_RUNS", 2)
    two = harness.run(experiment(small), tmp_path / "two", threads=2)
    assert two.manifest["chunks"] == 3
    assert one.equals(two.trajectories)


def test_chunks_are_small_enough_for_the_parameters_that_are_held(small):
    wide = {"layers": [1, 1000, 1], "activations": ["tanh", "identity"]}
    training = {"epochs": 100, "learning_rate": 0.1}
    grid = {"init_id": 10_000}
    plain = small(network=wide, training=training, grid=grid)
    sharp = small(network=wide, training=training, grid=grid, record__sharpness=True)
    assert chunk_size(Trainer(sharp)) * 101 * 3001 < 4 * 2**20  # there are many chunks
    assert chunk_size(Trainer(plain)) > chunk_size(Trainer(sharp))


def test_a_plan_counts_the_time_of_sharpness(small):
    network = {"layers": [1, 60, 1], "activations": ["tanh", "identity"]}
    training = {"epochs": 400, "learning_rate": 0.01}
    plain = small(network=network, training=training, record__sharpness=False)
    sharp = small(network=network, training=training, record__sharpness=True)
    # Each of the 401 values takes several products, and each product as long as several epochs.
    assert plan(sharp, threads=1).seconds > 5 * plan(plain, threads=1).seconds


def test_stop_ends_training(small):
    stop, counts = np.ones(1, np.uint8), np.zeros(COUNTS, np.int64)
    assert Trainer(experiment(small)).train(0, 6, stop, counts) is None


def test_networks_that_differ(small, tmp_path):
    widths = small(
        network={"layers": [1, 2, 1], "activations": ["tanh", "identity"]},
        grid={"width": [1, 4], "init_id": 2},
        record={"epochs": {"every": 20}, "sharpness": True},
    )
    ways = harness.run(widths, tmp_path / "out").trajectories.set_index(["run_id", "epoch"])
    for run_id, width in ((0, 1), (1, 4), (2, 1), (3, 4)):
        single = small(
            network={"layers": [1, width, 1], "activations": ["tanh", "identity"]},
            initialisation={"init_id": run_id // 2},
            grid={},
            record={"epochs": {"every": 20}, "sharpness": True},
        )
        alone = harness.run(single, tmp_path / f"{run_id}").trajectories.set_index("epoch")
        assert alone["sharpness"].equals(ways.loc[run_id]["sharpness"])


@pytest.mark.parametrize(
    ("record", "says"),
    [
        (
            {"epochs": "none", "parameters": False},
            "record.sharpness = true needs recorded epochs",
        ),
        ({"sharpness": 1}, "record.sharpness = 1 is not allowed; record.sharpness must be true"),
    ],
)
def test_invalid_keys_are_named(record, says, small):
    with pytest.raises(harness.ExperimentError, match=says):
        experiment(small, record=record)


def test_too_many_parameters_are_refused(small):
    with pytest.raises(harness.ExperimentError, match=r"sharpness = true needs 900001 parameters"):
        small(
            network={"layers": [1, 300_000, 1], "activations": ["tanh", "identity"]},
            training={"epochs": 1000, "learning_rate": 0.1},
            record={"epochs": "all", "sharpness": True},
        )


def test_sharpness_is_false_by_default(small):
    plain = small(record={"epochs": "all"})
    assert plain.identity == small(record={"epochs": "all", "sharpness": False}).identity
    assert plain.identity != small(record={"epochs": "all", "sharpness": True}).identity
    assert plain.lineage != small(record={"epochs": "all", "sharpness": True}).lineage
