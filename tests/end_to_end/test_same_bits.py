"""The same bits with any lanes, ranges of runs, threads and processors."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import llvmlite.binding
import numba
import pytest

import harness
from tests import same_bits
from tests.same_bits import (
    EXPERIMENTS,
    OPTIMISED,
    OPTIMISED_SINGLES,
    SINGLES,
    SOFTMAX,
    SOFTMAX_SINGLES,
    STARTS,
    add,
    digest,
    digests,
)

pytestmark = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="far too slow in Python")

# Changing any bit of any result is a decision: it changes this line and needs a changelog entry.
EXPECTED = "2b0c09d7e65c305bba2bad99743c2026fcb62cb78bf3d0b6e5026ea35d4dddbe"
EXPECTED_OF_SINGLES = "6372f02c5e7224f246b8811e14aec4fdf7c37a551edb96747955876ef3843104"
EXPECTED_OF_SOFTMAX = "7a4785eb6c1c600377cf675bacf96575a4a48f4bcd70c940bf1400245fa30b6a"
EXPECTED_OF_SOFTMAX_SINGLES = "4652f2a55c35abb7be4f4998801be6c07b92bed003aa36d28e5cb90c139e0870"
EXPECTED_OF_STARTS = "077da509cfb011902b0a2ce34d5d13bd35cf9658580de6fa669206017bc206ad"
EXPECTED_OF_OPTIMISERS = {
    "sgd": "2e6ce35dd9a4d3ec",
    "nesterov": "6a296d8701c8b8c2",
    "adagrad": "b45ac12adf870b8a",
    "rmsprop": "965ff5bb77660b31",
    "adam": "75d64d9f80181774",
    "adamw": "593ea997f38babeb",
    "rprop": "ac6eaf4ff261285d",
}
EXPECTED_OF_SINGLE_OPTIMISERS = {
    "sgd": "4eccb43149f1e93d",
    "nesterov": "af8e59c824159c9b",
    "adagrad": "8efff1f85ee97266",
    "rmsprop": "f24dd750381fe889",
    "adam": "9ea5b7d7731bf9ae",
    "adamw": "6119113c336c57da",
    "rprop": "589a342324de8e31",
}

ROOT = Path(same_bits.__file__).parents[1]
FEATURES = llvmlite.binding.get_host_cpu_features()


# Other numbers of lanes: tests/unit/kernels/test_lane_descent.py.
@pytest.mark.parametrize("lanes", [1, 8])
def test_lanes(lanes):
    assert digest(lanes) == EXPECTED


@pytest.mark.parametrize(("lanes", "size"), [(16, None), (32, 7)])
def test_single_precision(lanes, size):
    assert digest(lanes, size, SINGLES) == EXPECTED_OF_SINGLES


@pytest.mark.parametrize("lanes", [1, 8])
def test_softmax(lanes):
    assert digest(lanes, experiments=SOFTMAX) == EXPECTED_OF_SOFTMAX


@pytest.mark.parametrize("lanes", [1, 8])
def test_initial_values(lanes):
    assert digest(lanes, experiments=STARTS) == EXPECTED_OF_STARTS


def test_softmax_in_single_precision():
    assert digest(16, 7, SOFTMAX_SINGLES) == EXPECTED_OF_SOFTMAX_SINGLES


@pytest.mark.parametrize(("lanes", "size"), [(1, None), (8, None), (8, 7), (16, 5)])
def test_optimisers(lanes, size):
    assert digests(lanes, size) == EXPECTED_OF_OPTIMISERS


@pytest.mark.parametrize(("lanes", "size"), [(16, None), (32, 7)])
def test_optimisers_in_single_precision(lanes, size):
    found = digests(lanes, size, OPTIMISED_SINGLES)
    assert found == EXPECTED_OF_SINGLE_OPTIMISERS


@pytest.mark.parametrize("size", [1, 7, 64])
@pytest.mark.parametrize("lanes", [1, 8])
def test_ranges_of_runs(lanes, size):
    assert digest(lanes, size) == EXPECTED


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_and_chunks(threads, tmp_path, monkeypatch):
    monkeypatch.setattr("harness.sweeps.chunks.MAX_RUNS", 7)
    ours, theirs = hashlib.sha256(), hashlib.sha256()
    for number, sweep in enumerate((*EXPERIMENTS, OPTIMISED["adam"], OPTIMISED["rprop"])):
        results = harness.run(sweep, out=tmp_path / f"{number}", threads=threads, lanes=8)
        scalar = harness.run(sweep, out=tmp_path / f"{number}-scalar", threads=1, lanes=1)
        assert results.manifest["chunks"] > 2
        for found, tables in ((ours, results), (theirs, scalar)):
            add(found, [tables.runs, tables.trajectories])
    assert ours.hexdigest() == theirs.hexdigest()


def sha256_of_parts(folder):
    """Return the SHA-256 of each table as Parquet, for any generation of its parts."""
    found = {}
    for table in ("runs", "trajectories"):
        parts = sorted((folder / table).glob("part-*"))
        found[table] = [hashlib.sha256(part.read_bytes()).hexdigest() for part in parts]
    return found


def test_nan_has_the_same_bits_with_and_without_lanes_and_in_a_grown_folder(small, tmp_path):
    def sweep(seeds):
        return small(
            network={"layers": [2, 3, 1], "activations": ["sigmoid", "identity"], "loss": "ssr"},
            data__generator="xor",
            training__learning_rate=1e308,
            training__batch_size=1,
            training__batches="shuffled",
            grid={"init_id": seeds},
            record={"epochs": "all", "parameters": True},
        )

    for lanes in (1, 8, 16):
        results = harness.run(sweep(40), tmp_path / str(lanes), lanes=lanes)
    harness.run(sweep(9), tmp_path / "grown", lanes=8)
    harness.run(sweep(40), tmp_path / "grown", lanes=1)
    assert results.runs.isna().to_numpy().any()
    for name in ("8", "16", "grown"):
        assert sha256_of_parts(tmp_path / name) == sha256_of_parts(tmp_path / "1")


def needs(processor, feature):
    """Parametrize over a processor that the host can run only with a feature."""
    marks = pytest.mark.skipif(not FEATURES.get(feature), reason=f"the processor has no {feature}")
    return pytest.param(processor, marks=marks)


# The tests above use the processor of the host, which usually has AVX-512.
@pytest.mark.parametrize("processor", ["generic", needs("haswell", "avx2")])
def test_processors(processor):
    # Without the second variable numba adds the features of the host to any processor.
    environment = {**os.environ, "NUMBA_CPU_NAME": processor, "NUMBA_CPU_FEATURES": ""}
    found = subprocess.run(
        [sys.executable, "-m", "tests.same_bits", "1", "8"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert found.stdout.split() == [
        *(EXPECTED, EXPECTED_OF_SOFTMAX, EXPECTED_OF_STARTS, *EXPECTED_OF_OPTIMISERS.values()) * 2,
        EXPECTED_OF_SINGLES,
        EXPECTED_OF_SOFTMAX_SINGLES,
        *EXPECTED_OF_SINGLE_OPTIMISERS.values(),
    ]
