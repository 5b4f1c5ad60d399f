"""Any input is accepted or refused: no other exception, no hang, bounded memory.

`make test` tries some hundred cases, always the same; `make fuzz` tries a hundred thousand new
ones, with limits of 2 s of processor time per case and 1 GB of memory in total.
"""

import contextlib
import hashlib
import io
import json
import os
import resource
import shutil
import signal
import time
import tomllib
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import harness
from harness.cli.options import load, parse_change
from harness.errors import ExperimentError, HarnessError
from harness.experiment.loading import check_file
from harness.experiment.parquet_files import read_parquet
from harness.experiment.selection import Reading
from harness.experiment.tables import data_points, read_csv
from harness.results import inspection
from harness.results.export import export
from tests.fuzz.mutations import changed, mutated

CASES = int(os.environ.get("HARNESS_FUZZ", 0))  # for all targets together
TARGETS = 7
SECONDS = 2
BYTES = 1_000_000_000

as_many = settings(
    max_examples=-(-CASES // TARGETS) if CASES else 60,
    derandomize=not CASES,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

FILES = [
    """
name = "a"
question = "?"
[network]
layers = [1, 2, 1]
activations = ["softplus", "identity"]
[data]
generator = "dosage"
[training]
epochs = 5
learning_rate = 0.1
tolerance = 1e-3
limit = 1e10
[initialisation]
scheme = "normal"
scale = 2.0
biases = "zeros"
seed = 0
[grid]
learning_rate = { log = [0.01, 1.0], count = 3 }
init_id = 4
[record]
epochs = { log = 5 }
parameters = true
""",
    """
[network]
layers = [2, 2, 1]
activations = ["sigmoid", "sigmoid"]
loss = "cross_entropy"
scales = [1.0, "1/fan_in"]
[data]
inputs = [[0, 0], [0, 1], [1, 0], [1, 1]]
targets = [0, 1, 1, 0]
standardise = ["inputs"]
[training]
epochs = 3
learning_rate = [0.5, 0.1]
momentum = 0.5
batches = "shuffled"
batch_size = 2
train = ["w1", "b1"]
[initialisation.parameters]
w1 = 0.5
[grid]
momentum = [0.0, 0.5]
init_scale = { linear = [1, 2], count = 2 }
width = [1, 2]
zip = [["momentum", "init_scale"]]
[record]
epochs = "all"
measures = ["ssr_mean"]
""",
]
DOCUMENTS_OF_A_FOLDER = ["commits/000000.json", "manifest.json"]
DOCUMENTS = [tomllib.loads(text) | {"name": "a"} for text in FILES]
CHANGES = [
    *(b"training.epochs=5", b"network.layers=[1, 3, 1]", b"grid.init_id=3", b"question=why?"),
    *(b"record.epochs={ every = 2 }", b"grid.learning_rate=[0.1, 0.2]", b"name=other"),
]
CONDITIONS = [
    b"status == 'diverged' and learning_rate > 0.1",
    b"run_id in [1, 2, 3] or not (ssr_final < 1e-3)",
    b"abs(ssr_final - ssr_initial) / epochs >= 0.5 and abs(ssr_min) < inf",
    b"0.01 < learning_rate <= 1 and status not in ('converged', 'finished')",
    b"learning_rate == 0.1",
]
TABLES = [
    b"a,b,c\n1,2,x\n3,-4.5e-3,y\n",
    b'"a","b","c"\r\n"1","2","x, y"\r\n"3","4","say ""hi"""\r\n',
    b"\xef\xbb\xbfb , a\n\n1, 2\n\n3, 4",
    b"a;b;c\n1,5;yes;NA\n-2,25;no;\n",
    b"a b\n1.5 2\n  4   8e1\n",
]


_worst = (0.0, "")


@pytest.fixture(scope="module", autouse=True)
def peak():
    """In the long run, report the cost of the cases, and check the peak memory."""
    yield
    if CASES:
        used = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(f"\nfuzz: peak memory {used / 1e6:.0f} MB; the worst case took {_worst[0]:.2f} s of")
        print(f"processor time: {_worst[1]}")
        assert used < BYTES


def _out_of_time(*_):
    raise AssertionError(f"more than {SECONDS} s of processor time")


@contextlib.contextmanager
def limited(case):
    """Limit processor time, and additional memory."""
    global _worst
    before = resource.getrlimit(resource.RLIMIT_AS)
    size = 4096 * int(Path("/proc/self/statm").read_text().split()[0])
    signal.signal(signal.SIGPROF, _out_of_time)
    began = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    resource.setrlimit(resource.RLIMIT_AS, (size + BYTES, before[1]))
    try:
        yield
    finally:  # before an error is reported, which needs both
        resource.setrlimit(resource.RLIMIT_AS, before)
        signal.setitimer(signal.ITIMER_PROF, 0)
        _worst = max(_worst, (time.process_time() - began, repr(case)[:300]))


@contextlib.contextmanager
def refused_or_taken(case):
    """Accept only a HarnessError with a message of a bounded length."""
    message = "taken"
    with limited(case) if CASES else contextlib.nullcontext():
        try:
            yield
        except HarnessError as error:
            message = str(error)
    assert 0 < len(message) < 25_000


def use(experiment):
    """Use an experiment in all ways that do not train."""
    repr(experiment)
    assert len(experiment.identity) == len(experiment.lineage) == 64
    again = harness.Experiment.from_mapping(
        tomllib.loads(experiment.to_toml()), data=experiment.data
    )
    assert again == experiment


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return an empty folder for this module."""
    return tmp_path_factory.mktemp("fuzz")


@as_many
@given(text=mutated(*(text.encode() for text in FILES)))
def test_files_of_experiments(folder, text):
    path = folder / "file.toml"
    path.write_bytes(text)
    with refused_or_taken(text):
        use(harness.load_experiment(path))
    with refused_or_taken(text):
        errors = check_file(path)
        if isinstance(errors, list):
            with pytest.raises(ExperimentError) as first:
                harness.load_experiment(path)
            assert str(first.value) in map(str, errors)


@as_many
@given(document=changed(*DOCUMENTS))
def test_mappings(document):
    with refused_or_taken(document):
        use(harness.Experiment.from_mapping(document))


@as_many
@given(change=mutated(*CHANGES))
def test_changes(folder, change):
    path = folder / "right.toml"
    path.write_text(FILES[0])
    argument = os.fsdecode(change.replace(b"\0", b""))  # arguments cannot contain it
    with refused_or_taken(argument):
        parse_change(argument)
        use(load(path, [argument]))


@as_many
@given(text=mutated(*TABLES))
def test_csv_files(folder, text):
    path = folder / "points.csv"
    path.write_bytes(text)
    with refused_or_taken(text):
        reading = Reading(inputs=None, targets=("2",), missing="drop")
        # A file has all words that a copy of it has.
        found = data_points(read_csv(path, reading), reading, read_csv(path, reading))
        assert len(found.inputs) == 2 * found.held_out
    with refused_or_taken(text):
        reading = Reading(inputs=("a",), targets=("b",))
        found = data_points(read_csv(path, reading), reading)
        # Every line is a data point; none is lost.
        lines = [line for line in text.decode("utf-8-sig").splitlines() if line.strip()]
        assert len(found.inputs) <= len(lines)


def parquet(**columns):
    """Return the bytes of a Parquet file."""
    file = io.BytesIO()
    pd.DataFrame(columns).to_parquet(file)
    return file.getvalue()


PARQUET = [
    parquet(a=[1.5, 2.5, None], b=["yes", "no", "yes"]),
    parquet(a=["x", "y", "x"] * 50, b=range(150)),
]


@as_many
@given(content=mutated(*PARQUET))
def test_parquet_files(folder, content):
    path = folder / "points.parquet"
    path.write_bytes(content)
    with refused_or_taken(content):
        reading = Reading(inputs=("a",), targets=("b",), missing="drop")
        data_points(read_parquet(path, reading), reading)


@pytest.fixture(scope="module")
def results(folder):
    """Return the files of a results folder, as bytes by name."""
    experiment = harness.Experiment.from_mapping(DOCUMENTS[0])
    where = folder / "right"
    harness.run(experiment, where, lanes=1)
    return {
        path.relative_to(where).as_posix(): path.read_bytes()
        for path in where.rglob("*")
        if path.is_file() and path.name[0] != "."
    }


@as_many
@given(text=mutated(*CONDITIONS))
def test_conditions(folder, results, text):
    condition = os.fsdecode(text.replace(b"\0", b""))
    with refused_or_taken(condition):
        for table in ("runs", "trajectories"):
            export(folder / "right", io.BytesIO(), table=table, where=condition)


def test_results_folders(folder, results):
    where = folder / "wrong"
    documents = [json.loads(results[name]) for name in DOCUMENTS_OF_A_FOLDER]

    @as_many
    @given(
        name=st.sampled_from(sorted(results)),
        text=mutated(*results.values()),
        documents=st.tuples(*map(changed, documents)),
    )
    def look(name, text, documents):
        written = list(map(_written, documents))
        wrong = {**dict(zip(DOCUMENTS_OF_A_FOLDER, written, strict=True))}
        if name not in wrong:
            wrong = {name: text}
        shutil.rmtree(where, ignore_errors=True)
        for file, content in {**results, **wrong}.items():
            path = where / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        for reading in (_read, inspection.status, _verify):
            with refused_or_taken(wrong):
                reading(where)

    look()


def _written(document):
    """Return a document with a valid seal, as a forger would write it."""
    plain = json.loads(json.dumps(document, default=str))
    if isinstance(plain, dict) and plain.pop("sha256", None):
        before = json.dumps(plain, indent=1) + "\n"
        plain["sha256"] = hashlib.sha256(before.encode()).hexdigest()
    return (json.dumps(plain, indent=1) + "\n").encode()


def _verify(where):
    for _ in inspection.verify(where):
        pass


def _read(where):
    found = harness.open_results(where)
    repr(found)
    found._repr_html_()
    assert len(found.runs) <= 12
    assert len(found.trajectories) >= 0
    repr(found.experiment)
