"""The speed comparison: every baseline trains the same. No test asserts a time."""

import math
import os
import re
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.benchmarks import comparison
from harness.benchmarks.agreement import largest_difference, truth
from harness.benchmarks.baselines import BASELINES, OURS
from harness.benchmarks.job import make_job, train
from harness.benchmarks.port_limit import operations_per_epoch, port_limit
from harness.benchmarks.workloads import QUICK, SINGLE, WORKLOADS
from harness.cli import bench_command, main
from harness.errors import HarnessError
from harness.experiment import Experiment
from harness.kernels.lane_descent import ARGUMENTS, make_kernel
from harness.kernels.machine_code import instructions
from harness.kernels.optimisers import OPTIMISERS
from harness.training.variants import make_lane_spec, make_variant
from tests.patience import PATIENCE

ROOT = Path(__file__).parents[3]
PLAIN = [name for name, one in WORKLOADS.items() if one[0].point is None]


def tiny(workload, threads=1):
    """Return a job that pure Python trains in a moment, in which some run ends early."""
    epochs = {"tanh": 3, "square": 8, "early": 60, "wide": 5, "wide-tanh": 2, "deep": 2,
              "adam-tanh": 3}  # fmt: skip
    runs = {"tanh": 2, "square": 4, "wide": 2, "wide-tanh": 2, "deep": 2, "adam-tanh": 2}
    double = workload.removesuffix(SINGLE)
    document = WORKLOADS[workload][0].experiment(
        runs.get(double, 12), epochs=epochs.get(double, 20)
    )
    return make_job(document, threads)


@pytest.fixture(scope="module")
def jobs():
    made = {name: tiny(name) for name in [*PLAIN, "by-width"]}
    return {name: (job, truth(job)) for name, job in made.items()}


def skipped_if_missing(name, workload):
    baseline = BASELINES[name]
    marks = pytest.mark.skipif(bool(baseline.missing), reason=f"{baseline.missing} is missing")
    return pytest.param(name, workload, marks=marks)


def test_a_job_takes_learning_rates_from_the_file_and_from_axes():
    document = WORKLOADS["dosage"][0].experiment(1, epochs=1)
    document["training"]["learning_rate"] = [0.25, 0.5]
    document["grid"] = {"init_id": 2}
    job = make_job(document)
    assert [rate.tolist() for rate in job.rates] == [[0.25] * 2, [0.25] * 2, [0.5] * 2, [0.5] * 2]
    document["grid"]["learning_rate_2"] = [0.125, 1.0]
    assert make_job(document).rates[2].tolist() == [0.125, 0.125, 1.0, 1.0]


def test_a_job_has_the_optimiser_with_its_settings():
    document = WORKLOADS["dosage"][0].experiment(20, optimiser="adam", beta2=0.5)
    job = make_job(document)
    assert (job.optimiser, job.settings) == ("adam", (0.9, 0.5, 1e-8))
    document["grid"]["beta2"] = [0.5, 0.25]
    with pytest.raises(ValueError, match="differ in learning rates and initial parameters only"):
        make_job(document)


@pytest.mark.parametrize(
    ("loss", "weight"), [("ssr", 2.0), ("half_ssr", 1.0), ("mse", 2 / 3), ("half_mse", 1 / 3)]
)
def test_a_job_has_the_weight_of_the_residual_in_the_derivative_of_its_loss(loss, weight):
    document = WORKLOADS["dosage"][0].experiment(1, tolerance=0.5)
    document["network"]["loss"] = loss
    job = make_job(document)
    assert job.weight == pytest.approx(weight, rel=1e-15)
    assert job.tolerance == pytest.approx(0.5 / (weight / 2), rel=1e-15)  # as an SSR


@pytest.mark.parametrize(
    ("workload", "network", "training", "says"),
    [
        ("dosage", {"loss": "mae"}, {}, "a loss of squared residuals"),
        ("dosage", {"activations": ["softplus", "tanh"]}, {}, "a loss of squared residuals"),
        ("dosage", {"biases": [True, False]}, {}, "biases in all layers or in none"),
        (
            "deep",
            {"activations": ["tanh", "relu", "identity"]},
            {},
            "one activation for all hidden layers",
        ),
        ("xor", {}, {"tolerance": 0.1}, "a tolerance or a limit for squared residuals only"),
    ],
)
def test_a_job_says_what_it_cannot_express(workload, network, training, says):
    document = WORKLOADS[workload][0].experiment(1, **training)
    document["network"] |= network
    with pytest.raises(ValueError, match=f" cannot be a job: a job has {says}"):
        make_job(document)


def test_a_job_has_one_output():
    document = WORKLOADS["dosage"][0].experiment(1)
    document["network"] |= {
        "layers": [2, 4, 3],
        "activations": ["tanh", "softmax"],
        "loss": "cross_entropy",
    }
    document["data"] = {"generator": "blobs", "classes": 3}
    with pytest.raises(ValueError, match="a job has one output"):
        make_job(document)


@pytest.mark.filterwarnings("default")  # JAX and PyTorch have warnings that we cannot mend
@pytest.mark.parametrize(
    ("name", "workload"),
    [
        skipped_if_missing(name, workload)
        for workload in [*PLAIN, "by-width"]
        for name in BASELINES
        if BASELINES[name].trains(WORKLOADS[workload][0].experiment(1))
    ],
)
def test_a_baseline_trains_what_harness_trains(name, workload, jobs):
    job, right = jobs[workload]
    assert right.steady.any()
    found = BASELINES[name].prepare(job)()
    assert found.shape == (job.runs, job.epochs + 1 if job.recorded else 1)
    assert largest_difference(found, right) <= right.agrees
    # harness sums squared residuals of single precision in double precision.
    if workload.endswith(SINGLE) and name != OURS:
        np.testing.assert_array_equal(found, found.astype(np.float32))


def test_harness_on_several_threads_keeps_the_order_of_runs(jobs):
    job, right = jobs["recorded"]
    np.testing.assert_array_equal(BASELINES[OURS].prepare(replace(job, threads=3))(), right.ssr)


@pytest.mark.parametrize(("workload", "by"), [("dosage", 1e-6), ("dosage-float32", 0.02)])
def test_another_training_does_not_agree(workload, by, jobs):
    job, right = jobs[workload]
    for other in (
        replace(job, rates=(*job.rates[:2], job.rates[2] * (1 + by), job.rates[3])),
        replace(job, epochs=job.epochs - 1),
        replace(job, start=(*job.start[:3], job.start[3] + by)),
    ):
        found = BASELINES["numpy-batched"].prepare(other)()
        assert largest_difference(found, right) > right.agrees
    assert largest_difference(np.full_like(right.ssr, np.nan), right) == math.inf
    assert largest_difference(right.ssr[:-1], right) == math.inf
    chaos = replace(right, steady=np.arange(job.runs) < 2)
    assert largest_difference(right.ssr, chaos) == math.inf


def test_runs_that_blow_up_must_blow_up_in_the_baseline_too(jobs):
    _, right = jobs["square"]
    far = right.ssr[:, -1] > 1e6 * right.first
    assert (far & right.steady).any()
    calm = np.where(far[:, np.newaxis], 1.0, right.ssr)
    assert largest_difference(calm, right) == math.inf
    assert largest_difference(right.ssr * np.where(far, 7.0, 1.0)[:, np.newaxis], right) == 0.0


@pytest.mark.parametrize("name", WORKLOADS)
def test_workloads_have_about_as_many_runs_as_asked_for(name):
    for workload in WORKLOADS[name]:
        for runs in (1, 7, 40, 1000):
            experiment = Experiment.from_mapping(workload.experiment(runs))
            assert runs / 2 <= experiment.grid.size <= max(runs, 4)
            assert experiment.training.epochs == workload.epochs


def test_half_of_the_early_runs_end_early():
    runs = train(Experiment.from_mapping(WORKLOADS["early"][0].experiment(200))).runs
    share = np.mean(np.array(runs["status"]) != "finished")
    assert 0.35 < share < 0.65
    assert {"converged", "diverged"} < set(runs["status"])


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("workload", ["dosage", "xor"])
def test_the_operations_of_an_epoch_are_those_of_its_machine_code(workload, optimiser):
    document = WORKLOADS[workload][0].experiment(8, optimiser=optimiser)
    experiment = Experiment.from_mapping(document)
    variant = make_variant(experiment)
    spec = make_lane_spec(variant, experiment.varied, None)
    assert spec.one_tile  # its kernel has no loops but that over epochs
    written = instructions("counted", list(ARGUMENTS.values()), make_kernel(spec))
    operation = re.compile(r"f(add|sub|mul|div) <8|call <8 x double> @llvm\.(fma|sqrt)")
    arithmetic = [line for line in written.splitlines() if operation.search(line)]
    assert operations_per_epoch(experiment) == pytest.approx(len(arithmetic), rel=0.03)


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_a_job_may_have_any_optimiser(optimiser):
    document = WORKLOADS["dosage"][0].experiment(8, epochs=5, optimiser=optimiser, l2=0.5)
    job = make_job(document)
    right = truth(job)
    assert largest_difference(BASELINES[OURS].prepare(job)(), right) == 0.0
    # The baselines have no penalty, so they get no figure.
    if BASELINES["numpy-batched"].trains(document):
        assert largest_difference(BASELINES["numpy-batched"].prepare(job)(), right) > right.agrees
    else:
        assert optimiser not in ("sgd", "adam")


def test_operations_of_a_large_network_are_those_of_its_products():
    experiment = Experiment.from_mapping(WORKLOADS["deep"][0].experiment(8))
    forward = 16 * 64 + 64 * 64 + 64
    products = 2 * forward + 64 * 64 + 64  # forward and gradient; backward, but not to the inputs
    activations = 128 * 25
    assert operations_per_epoch(experiment) / 272 == pytest.approx(products + activations, rel=0.02)


def test_a_kernel_stays_below_the_port_limit(jobs):
    job, _ = jobs["dosage"]
    assert 1e4 < port_limit(job) < 1e10  # of any processor
    assert port_limit(replace(job, threads=2)) == 2 * port_limit(job)


def test_names_of_the_quick_comparison_exist():
    assert set(QUICK) <= set(WORKLOADS)
    assert OURS in BASELINES


def test_help_names_every_workload_and_baseline(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["harness", "bench", "--help"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    # A name may be broken after its hyphen.
    said = set(re.findall(r"[\w-]+", re.sub(r"-\n +", "-", capsys.readouterr().out)))
    assert {*WORKLOADS, *BASELINES} - {OURS} <= said


BAD = {
    "workload": (["dosge"], ['"dosge" is not a workload', 'Did you mean "dosage"?']),
    "baseline": (["--baselines", "numpi"], ['"numpi" is not a baseline', 'Did you mean "numpy"?']),
    "nothing like it": (["qqqqq"], ['"qqqqq" is not a workload', "Choose from dosage,"]),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_name_is_one_clear_message(case, tmp_path, monkeypatch, capsys):
    arguments, words = BAD[case]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["harness", "bench", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("harness: ")
    assert all(word in said.err for word in words)
    assert len(said.err.splitlines()) == 2
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("package", "names", "extra"),
    [
        ("pytest_benchmark", [], "bench"),
        ("pytest", [], "bench"),
        ("jax", ["jax-vmap"], "peers"),
        ("optax", ["jax-batched"], "peers"),
    ],
)
def test_a_missing_package_is_named_with_its_extra(package, names, extra, monkeypatch):
    def without(name):
        return None if name == package else "installed"

    monkeypatch.setattr(comparison, "find_spec", without)
    monkeypatch.setattr("harness.benchmarks.baselines.find_spec", without)
    with pytest.raises(HarnessError) as caught:
        comparison.check_names([], names)
    assert package.replace("_", "-") in str(caught.value)
    assert f".[{extra}]" in str(caught.value)


def test_extras_in_messages_exist():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    assert {"bench", "peers"} <= set(extras)


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """Run a small comparison as a user does; return its output and the folder."""
    folder = tmp_path_factory.mktemp("bench")
    code = "from harness.cli import main; main()"
    command = ["bench", "dosage", "--quick", "--baselines", "numba", "--threads", "1", "--out", "b"]
    done = subprocess.run(
        [sys.executable, "-c", code, *command],
        cwd=folder,
        env=os.environ | {"COLUMNS": "80", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, folder / "b"


def test_the_comparison_writes_one_row_per_workload_and_baseline(compared):
    _, folder = compared
    table = pd.read_csv(folder / "speed.csv")
    assert list(table.columns) == comparison.COLUMNS
    cases = list(zip(table["baseline"], table["threads"], strict=True))
    assert cases == [("harness", 1), ("numba", 1)]
    assert table["agrees"].all()
    assert (table["runs_compared"] > 0.9 * table["runs"]).all()
    np.testing.assert_allclose(
        table["run_epochs_per_second"], table["run_epochs"] / table["seconds"]
    )
    ratios = table["harness_is_times_as_fast"]
    rates = table["run_epochs_per_second"]
    np.testing.assert_allclose(ratios, [1.0, rates[0] / rates[1]])
    assert table["machine"].nunique() == 1
    # The cache is empty: harness compiles its own functions, then a kernel.
    assert 0.0 < table["warm_up_seconds"][0] < table["start_up_seconds"][0]
    assert 0.0 < table["share_of_port_limit"][0] < 1.0
    assert np.isnan(table["share_of_port_limit"][1])


def test_the_comparison_is_printed_in_80_columns_and_drawn(compared):
    printed, _ = compared
    lines = printed.splitlines()
    assert lines[0].startswith("dosage  1-2-1")
    assert "harness is" in lines[1]
    assert max(map(len, lines)) <= 80
    assert lines == [line.rstrip() for line in lines]
    assert lines[-1] == "In b: speed.csv, speed.png"


def timing(baseline, seconds, **others):
    """Return a timing as the suite leaves it."""
    return {
        "workload": "dosage", "point": None, "baseline": baseline, "threads": 1, "runs": 10,
        "epochs": 5, "run_epochs": 50, "seconds": seconds, "largest_difference": 0.0,
        "runs_compared": 10, "agrees": True, "port_limit": 50.0 if baseline == OURS else None,
        "start_up_seconds": 1.5, "warm_up_seconds": 0.25, **others,
    }  # fmt: skip


def test_ratios_are_of_equal_threads_and_rows_in_the_order_of_the_baselines(capsys):
    table = comparison._table(
        [
            timing("jax-vmap", 4.0, threads=2),
            timing("numpy", 8.0),
            timing(OURS, 2.0),
            timing(OURS, 1.0, threads=2),
            timing("python", 800.0),
        ]
    )
    assert table["baseline"].tolist() == [OURS, "python", "numpy", OURS, "jax-vmap"]
    assert table["seconds"].tolist() == [2.0, 800.0, 8.0, 1.0, 4.0]
    assert table["harness_is_times_as_fast"].tolist() == [1.0, 400.0, 4.0, 1.0, 4.0]
    # 50 run-epochs in 2 s and in 1 s, where 50 per second are possible.
    assert table["share_of_port_limit"].dropna().tolist() == [0.5, 1.0]
    bench_command.show_table(table)
    shown = capsys.readouterr().out.splitlines()
    assert [line.split()[-2:] for line in shown if line.endswith(" x")] == [
        ["400", "x"], ["4", "x"], ["4", "x"]
    ]  # fmt: skip
    assert [line for line in shown if line.startswith("on ")] == ["on one core", "on 2 cores"]
    assert [line.split()[-3] for line in shown if line.endswith(" of limit")] == ["50%", "100%"]
    compilation = shown[shown.index("") + 1 :]
    assert compilation[0].startswith("compile  CPU seconds")
    assert [line.split()[-1] for line in compilation[1:5]] == ["dosage", "0.25", "0.25", "0.25"]
    assert compilation[5].endswith("once per installation: 1.5 s.")


def test_a_wrong_baseline_has_no_ratio_and_says_so(capsys):
    wrong = timing("numpy", 9.0, agrees=False, largest_difference=2e-3)
    table = comparison._table([timing(OURS, 3.0), wrong])
    assert table["harness_is_times_as_fast"].isna().tolist() == [False, True]
    bench_command.show_table(table)
    assert "WRONG by 2e-03" in capsys.readouterr().out


def test_a_curve_has_one_column_per_point(capsys):
    table = comparison._table(
        [timing(name, seconds, workload="by-runs", point=point)
         for name, seconds, point in ((OURS, 0.5, 10), (OURS, 2.0, 1000), ("python", 3.0, 10))]
    )  # fmt: skip
    bench_command.show_table(table)
    title, headings, ours, python = capsys.readouterr().out.splitlines()[:4]
    assert title.endswith("on one core")
    assert headings.split() == ["10", "1,000"]
    assert ours.split() == ["harness", "500", "ms", "2.0", "s"]
    assert python.split() == ["pure", "Python", "3.0", "s", "-"]


SUITE = """
import pytest

missing = pytest.param("xor-jax", marks=pytest.mark.skip(reason="jax is not installed"))

@pytest.mark.parametrize("case", ["dosage-numpy", "xor-torch", missing])
def test_speed(case, request):
    benchmark = request.getfixturevalue("benchmark")
    assert case == "dosage-numpy"
    benchmark.extra_info.update(baseline="numpy")
    benchmark.pedantic(lambda: None, rounds=3)
"""


def test_failed_tests_are_named_and_the_others_timed(tmp_path, monkeypatch, capsys):
    (tmp_path / "test_suite.py").write_text(SUITE)
    monkeypatch.setattr(comparison, "_SUITE", tmp_path / "test_suite.py")
    pieces = []
    cases = ["dosage-numpy", "xor-torch", "xor-jax"]
    (timed,), failed = comparison._time(cases, 1, tmp_path, quick=True, show=pieces.append)
    assert timed.keys() == {"baseline", "seconds"}
    assert failed == ["xor-torch"]
    log = tmp_path / "pytest-1.txt"
    assert log.read_bytes() == b"".join(pieces)
    assert "1 failed, 1 passed, 1 skipped" in log.read_text()
    bench_command.show_files(tmp_path, None, "a machine", failed)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["a machine", f"FAILED: xor-torch; see {tmp_path}/pytest-*.txt"]
    assert lines[-1].startswith("No picture: matplotlib")


def test_nothing_timed_is_an_error_that_names_the_output(tmp_path, monkeypatch):
    monkeypatch.setattr(comparison, "_SUITE", tmp_path / "test_none.py")
    with pytest.raises(HarnessError, match=r"nothing could be timed.\n.*pytest-1\.txt") as caught:
        comparison._time(["dosage-numpy"], 1, tmp_path, quick=True, show=lambda piece: None)
    assert "test_none.py" in (tmp_path / "pytest-1.txt").read_text()
    assert len(str(caught.value).splitlines()) == 2
