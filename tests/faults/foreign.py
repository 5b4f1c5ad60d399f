"""Malicious results folders, and the commands that must withstand them.

`python -m tests.faults.foreign FOLDER TOML` runs all commands on a folder, and prints the peak
memory of the process in bytes; a traceback ends it with status 1.
"""

import contextlib
import hashlib
import io
import os
import re
import resource
import socket
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from harness.cli.app import main
from harness.store.documents import seal, unseal

CHUNK = "000001"
RUNS, TRAJECTORIES = f"runs/part-{CHUNK}.parquet", f"trajectories/part-{CHUNK}.parquet"
COMMIT, MANIFEST = f"commits/{CHUNK}.json", "manifest.json"
DATA = "data.parquet"
HUGE = 10**400


# -- commands --------------------------------------------------------------------------------------


def commands(folder, file, seeds):
    """Return the commands that read or resume a folder, as arguments of the command line."""
    run = ["run", str(file), "--out", str(folder), "--threads=1", "-q"]
    return {
        "status": ["status", str(folder)],
        "show": ["show", str(folder)],
        "export": ["export", str(folder)],
        "export trajectories": ["export", str(folder), "--table", "trajectories"],
        "plot": ["plot", str(folder), "map"],
        "report": ["report", str(folder)],
        "verify": ["verify", str(folder)],
        "run": [*run, "--set", f"grid.init_id={seeds}"],
        "grow": [*run, "--set", f"grid.init_id={seeds + 1}"],
    }


def command(arguments):
    """Run a command; return its exit status and output. An unexpected exception is raised."""
    before, sys.argv = sys.argv, ["harness", *arguments]
    said = io.TextIOWrapper(io.BytesIO(), write_through=True)
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            main()
        status = 0
    except SystemExit as ended:
        status = ended.code or 0
    finally:
        sys.argv = before
    return status, said.buffer.getvalue().decode(errors="replace")


def everything(folder):
    """Return names, kinds, times and bytes of everything below a folder; links are not followed."""
    found = {}
    for where, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = Path(where, name)
            info = path.lstat()
            data = path.read_bytes() if path.is_file() and not path.is_symlink() else None
            found[str(path.relative_to(folder))] = (info.st_mode, info.st_mtime_ns, data)
    return found


# -- documents and parts that carry a right checksum -----------------------------------------------


def reseal(path, change):
    """Change a document, and write it with the right checksum."""
    document = unseal(path.read_bytes())
    change(document)
    path.write_bytes(seal(document))


def put(keys, value):
    """Return a function that sets a key, given as a path of keys, or deletes it for `del_`."""

    def change(document):
        for key in keys[:-1]:
            document = document[key]
        if value is del_:
            del document[keys[-1]]
        else:
            document[keys[-1]] = value

    return change


del_ = object()  # stands for a value: delete the key


def put_part(folder, name, data, rows=None):
    """Replace the bytes of a part, and adapt its commit."""
    (folder / name).write_bytes(data)

    def change(commit):
        record = commit["files"][name]
        record |= {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        record |= {} if rows is None else {"rows": rows}

    reseal(folder / COMMIT, change)


def parquet(table, **options):
    sink = pa.BufferOutputStream()
    pyarrow.parquet.write_table(table, sink, store_schema=False, **options)
    return sink.getvalue().to_pybytes()


def required(table):
    """Return a table with columns that cannot be null, as harness writes it, if possible."""
    table = table.replace_schema_metadata(None)
    schema = pa.schema([pa.field(f.name, f.type, nullable=False) for f in table.schema])
    with contextlib.suppress(pa.ArrowException, ValueError):
        table = table.cast(schema)
    return table


def part(name, change, **options):
    """Return a case that changes the table of a part."""

    def make(folder, canaries):
        table = pyarrow.parquet.read_table(folder / name)
        table = required(change(table))
        put_part(folder, name, parquet(table, **options), table.num_rows)

    return make


def put_points(folder, data, **numbers):
    """Replace the bytes of the data points, and adapt the manifest."""
    (folder / DATA).write_bytes(data)

    def change(manifest):
        record = manifest["data"]["file"]
        record |= {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        record |= {"rows": numbers.pop("rows", record["rows"])}
        manifest["data"] |= numbers

    reseal(folder / MANIFEST, change)


def points(change, **numbers):
    """Return a case that changes the table of data points."""

    def make(folder, canaries):
        table = required(change(pyarrow.parquet.read_table(folder / DATA)))
        put_points(folder, parquet(table), rows=table.num_rows, **numbers)

    return make


def many_points(folder, canaries, count=60_000_000, said=60_000_000):
    """Write more data points than an experiment may have, in a small file."""
    ones = pa.repeat(pa.scalar(0.5), count)
    table = required(pa.table({"input_1": ones, "target_1": ones}))
    put_points(folder, parquet(table, compression="zstd"), rows=said)


def hidden_points(folder, canaries):
    many_points(folder, canaries, 1_000_000, 3)


def sparse_points(folder, canaries):
    sparse(folder / DATA, canaries)
    reseal(folder / MANIFEST, put(["data", "file", "size"], 1 << 40))


def column(name, values):
    """Return a function that replaces the values of a column."""

    def change(table):
        place = table.column_names.index(name)
        return table.set_column(place, name, pa.array(values(table.num_rows)))

    return change


def many_rows(folder, canaries, count=60_000_000):
    """Write a table of sixty million rows in a small file, and a matching commit."""
    twos = pa.repeat(pa.scalar(2, pa.int64()), count)
    columns = {"run_id": twos, "epoch": twos, "ssr": pa.repeat(pa.scalar(0.5), count)}
    schema = pa.schema([pa.field(n, a.type, nullable=False) for n, a in columns.items()])
    data = parquet(pa.table(list(columns.values()), schema=schema), compression="zstd")
    put_part(folder, TRAJECTORIES, data, count)


def hidden_rows(folder, canaries):
    many_rows(folder, canaries, 1_000_000)
    reseal(folder / COMMIT, put(["files", TRAJECTORIES, "rows"], 8))


# -- cases -----------------------------------------------------------------------------------------


def instead(name, make):
    """Return a case that replaces a file or folder by something else."""

    def change(folder, canaries):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        if path.is_dir():
            path.rename(folder / f"{name}-before")
        else:
            path.unlink(missing_ok=True)
        make(path, canaries)

    return change


def link(target):
    return lambda path, canaries: path.symlink_to(canaries / target)


def absolute(target):
    return lambda path, canaries: path.symlink_to(target)


def pipe(path, canaries):
    os.mkfifo(path)


def listening(path, canaries):
    here = os.getcwd()
    os.chdir(path.parent)  # because names of sockets must be short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def a_folder(path, canaries):
    path.mkdir()


def sparse(path, canaries):
    with path.open("wb") as file:
        file.truncate(1 << 40)


def text(content):
    return lambda path, canaries: path.write_bytes(content)


def resealed(name, keys, value):
    return lambda folder, canaries: reseal(folder / name, put(keys, value))


def copied(source, target):
    def change(folder, canaries):
        (folder / target).write_bytes((folder / source).read_bytes())

    return change


def grown(change):
    """Return a case whose manifest has a former generation."""

    def make(folder, canaries):
        def grow(manifest):
            former = {k: v for k, v in manifest.items() if k not in ("format", "data", "earlier")}
            manifest |= {"generation": 1, "earlier": [former]}
            change(manifest)

        reseal(folder / MANIFEST, grow)

    return make


FILES = [MANIFEST, DATA, COMMIT, RUNS, TRAJECTORIES, "runs.csv", ".lock", ".writer.json",
         "report.html", "commits/csv.json", "plots/map.png"]  # fmt: skip
FOLDERS = ["commits", "runs", "trajectories", "plots"]

# Links lead to the same file of another sweep, to a secret file, or to nothing.
CASES = {f"link {name}": instead(name, link(f"other/{name}")) for name in [*FILES, *FOLDERS]}
CASES |= {f"link to secret {name}": instead(name, link("secret.txt")) for name in FILES}
CASES |= {f"link to nothing {name}": instead(name, link("nothing/new")) for name in FILES}
CASES |= {f"pipe {name}": instead(name, pipe) for name in [*FILES, *FOLDERS]}
CASES |= {f"folder {name}": instead(name, a_folder) for name in FILES}
CASES |= {f"file {name}": instead(name, text(b"x")) for name in FOLDERS}
CASES |= {f"sparse {name}": instead(name, sparse) for name in [*FILES, "trajectories.csv"]}
CASES |= {
    f"{name} {kind}": instead(name, make)
    for name in (MANIFEST, DATA, RUNS, ".lock")
    for kind, make in (
        ("device", absolute("/dev/zero")),
        ("socket", listening),
        ("nested", text(b"[" * 10**6)),
        ("digits", text(b"9" * 10**5)),
        ("values", text(b"[" + b"{}," * 10**7 + b"{}]")),
    )
}
KEYS = {
    MANIFEST: ("format", "identity", "lineage", "runs", "chunk_size", "chunks", "recorded",
               "experiment", "data", "created", "code", "versions", "machine", "git_commit",
               "generation", "earlier", "former_code", "passes"),
    COMMIT: ("identity", "chunk", "files", "about"),
    "commits/csv.json": ("identity", "files"),
}  # fmt: skip
VALUES = {
    "missing": del_, "true": True, "text": "../../x", "negative": -1, "huge": HUGE,
    "float": 1e300, "list": [[[]]], "object": {"a": {}},
}  # fmt: skip
CASES |= {
    f"{name} {key} {kind}": resealed(name, [key], value)
    for name, keys in KEYS.items()
    for key in keys
    for kind, value in VALUES.items()
}
CASES |= {
    f"commit {'.'.join(keys)} {value}": resealed(COMMIT, keys, value)
    for keys, values in (
        (["files", RUNS, "rows"], [1, 3, 2**60, True]),
        (["files", RUNS, "size"], [0, 2**60, -1]),
        (["files", RUNS, "sha256"], ["", "0" * 64]),
        (["files", "/dev/zero"], [{"rows": 2, "size": 10**6, "sha256": "0" * 64}]),
        (["files", "../../x"], [{"rows": 2, "size": 10**6, "sha256": "0" * 64}]),
        (
            ["about", "finished"],
            [
                "yesterday",
                "2026-01-01T00:00:00",
                "0001-01-01T00:00+23:59",
                "9999-12-31T23:59-23:59",
            ],
        ),
        (["about", "seconds"], [HUGE, 1e400, float("nan"), True]),
        (["about", "worker"], ["\x1b[2J", "x" * 10**6]),
        (["about", "reused_runs"], [-1, "1"]),
    )
    for value in values
}
CASES |= {
    "chunks 1": resealed(MANIFEST, ["chunks"], 1),
    "one large chunk": lambda folder, canaries: reseal(
        folder / MANIFEST, lambda m: m.update(chunks=1, chunk_size=100_000)
    ),
    "fewer runs": lambda folder, canaries: reseal(
        folder / MANIFEST, lambda m: m.update(chunks=1, runs=2)
    ),
    "more recorded": resealed(MANIFEST, ["recorded"], 1 << 20),
    "other epochs": resealed(MANIFEST, ["experiment", "training", "epochs"], 4),
    "other points": points(column("input_1", lambda n: np.linspace(1, 0, n))),
    "more points": points(lambda table: pa.concat_tables([table, table])),
    "no points": points(lambda table: table.slice(0, 0)),
    "wider points": points(
        lambda t: t.add_column(1, "input_2", pa.array(np.ones(len(t)))), inputs=2
    ),
    "a column that is not counted": points(
        lambda t: t.append_column("target_2", pa.array(np.ones(len(t))))
    ),
    "points of other names": points(lambda table: table.rename_columns(["x", "y"])),
    "points that are exchanged": points(lambda table: table.select(["target_1", "input_1"])),
    "whole points": points(column("input_1", np.arange)),
    "points that are texts": points(column("input_1", lambda n: ["x"] * n)),
    "points that are lists": points(column("input_1", lambda n: [[0.5]] * n)),
    "points that are null": points(column("input_1", lambda n: [None, *[0.5] * (n - 1)])),
    "a point that is NaN": points(column("input_1", lambda n: [float("nan"), *[0.5] * (n - 1)])),
    "an infinite point": points(column("target_1", lambda n: [float("inf"), *[0.5] * (n - 1)])),
    "no parquet of points": lambda folder, canaries: put_points(folder, b"PAR1" * 99),
    "many points": many_points,
    "hidden points": hidden_points,
    "points without end": sparse_points,
    "a file of points": lambda folder, canaries: reseal(
        folder / MANIFEST,
        lambda m: m["experiment"].update(
            data={"file": "/dev/zero", "inputs": ["x"], "targets": ["y"]}
        ),
    ),
    "huge experiment": resealed(MANIFEST, ["experiment", "grid", "init_id"], 2**53),
    "escapes": resealed(MANIFEST, ["experiment", "question"], "\x1b]0;x\x07\x1b[2J" * 1000),
    "copied commit": copied("commits/000000.json", COMMIT),
    "copied chunk": lambda folder, canaries: [
        copied(name.replace(CHUNK, "000000"), name)(folder, canaries)
        for name in (COMMIT, RUNS, TRAJECTORIES)
    ],
    "former generation": grown(lambda manifest: None),
    "former of another": grown(lambda m: m["earlier"][0].update(identity="0" * 64)),
    "former suffix": grown(lambda m: m["earlier"][0].update(generation="../../x")),
    "generations": grown(lambda m: m["earlier"].extend(m["earlier"] * 2000)),
    "many rows": many_rows,
    "hidden rows": hidden_rows,
    "other run ids": part(RUNS, column("run_id", lambda n: np.arange(n))),
    "run ids twice": part(RUNS, column("run_id", lambda n: np.full(n, 2))),
    "unordered": part(TRAJECTORIES, lambda table: table.take(list(range(table.num_rows))[::-1])),
    "foreign rows": part(TRAJECTORIES, column("run_id", lambda n: np.full(n, 3))),
    "no status": part(RUNS, lambda table: table.drop_columns(["status"])),
    "a column more": part(RUNS, lambda t: t.append_column("more", pa.array(np.zeros(len(t))))),
    "columns in another order": part(RUNS, lambda t: t.select(t.column_names[::-1])),
    "texts for numbers": part(RUNS, column("ssr_final", lambda n: ["x"] * n)),
    "an unknown status": part(RUNS, column("status", lambda n: ["won"] * n)),
    "a huge text": part(RUNS, column("status", lambda n: ["x" * 10**7] * n)),
    "lists": part(RUNS, column("ssr_final", lambda n: [[0.5]] * n)),
    "nulls": part(RUNS, column("ssr_final", lambda n: [None, *[0.5] * (n - 1)])),
    "whole for decimal": part(RUNS, column("ssr_final", lambda n: np.arange(n))),
    "no parquet": lambda folder, canaries: put_part(folder, RUNS, b"PAR1" + bytes(99) + b"PAR1"),
    "other compression": part(RUNS, lambda table: table, compression="zstd"),
}


def most_memory():
    """Return the peak memory of this process in bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage includes the parent's memory at the time of the fork
        return 1024 * int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1])
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    for arguments in commands(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])).values():
        command(arguments)
    print(most_memory())
