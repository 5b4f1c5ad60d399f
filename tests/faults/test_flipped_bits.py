"""Damaged files: found by `verify`, refused by readers, written again."""

import shutil
from random import Random

import pytest

import harness
from harness.results import inspection
from harness.store import TABLES
from tests.faults.effort import LONG
from tests.faults.sweeps import commits, experiment, tables, train

SEEDS = 2
MANIFEST = "manifest.json"
DATA = "data.parquet"
FILES = [
    MANIFEST,
    DATA,
    *(f"{table}/part-{chunk:06}.parquet" for table in TABLES for chunk in range(SEEDS)),
    *(f"commits/{chunk:06}.json" for chunk in range(SEEDS)),
    "commits/csv.json",
    *(f"{table}.csv" for table in TABLES),
]
BITS = 30  # per file


@pytest.fixture
def folder(tmp_path, undisturbed):
    copy = tmp_path / "out"
    shutil.copytree(undisturbed(SEEDS).folder, copy)
    return copy


def flipped(data, bit):
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def found(folder):
    """Return the files that `verify` reports as broken; it removes their commits."""
    return {file.name for file in inspection.verify(folder) if file.problem}


def assert_is_found(folder, name, data):
    """Replace the bytes of a file, check that `verify` finds it, and restore everything."""
    path = folder / name
    before = path.read_bytes()
    kept = {path: path.read_bytes() for path in (folder / "commits").iterdir()}
    path.write_bytes(data)
    if name == MANIFEST:
        with pytest.raises(harness.ResultsError, match=r"json is broken.*\n.*train again"):
            found(folder)
    else:
        assert found(folder) == {name}
    for path_of_commit, content in kept.items():
        if not path_of_commit.exists():
            path_of_commit.write_bytes(content)
    path.write_bytes(before)


def test_the_list_of_files_is_complete(folder):
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert there - {".lock"} == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_is_found_at_any_position(name, folder, undisturbed):
    data = (folder / name).read_bytes()
    for bit in Random(name).sample(range(8 * len(data)), BITS):
        assert_is_found(folder, name, flipped(data, bit))
    assert found(folder) == set()
    assert tables(folder) == undisturbed(SEEDS).sha256


def test_a_flipped_bit_in_each_byte_of_a_commit_is_found(folder):
    name = "commits/000000.json"
    data = (folder / name).read_bytes()
    for byte in range(len(data)):
        assert_is_found(folder, name, flipped(data, 8 * byte + byte % 8))


@pytest.mark.torture
@pytest.mark.parametrize("name", FILES)
def test_every_flipped_bit_is_found(name, folder):
    data = (folder / name).read_bytes()
    for bit in range(8 * len(data)):
        assert_is_found(folder, name, flipped(data, bit))


def test_data_points_with_a_flipped_bit_are_not_read(folder, undisturbed):
    data = (folder / DATA).read_bytes()
    for bit in Random(DATA).sample(range(8 * len(data)), 8 * len(data) if LONG else BITS):
        (folder / DATA).write_bytes(flipped(data, bit))
        with pytest.raises(harness.ResultsError, match=rf"{DATA} is broken: .*\n`harness run"):
            harness.open_results(folder)
    (folder / DATA).write_bytes(data)
    assert tables(folder) == undisturbed(SEEDS).sha256


@pytest.mark.parametrize("name", [name for name in FILES if "part-" in name])
def test_a_part_with_a_flipped_bit_is_not_read(name, folder, undisturbed):
    data = (folder / name).read_bytes()
    for bit in Random(name).sample(range(8 * len(data)), 8 * len(data) if LONG else BITS):
        (folder / name).write_bytes(flipped(data, bit))
        results = harness.open_results(folder)
        with pytest.raises(harness.ResultsError, match=rf"{name} is broken: .*\n`harness verify"):
            _ = results.runs if name.startswith("runs") else results.trajectories
    (folder / name).write_bytes(data)
    assert tables(folder) == undisturbed(SEEDS).sha256


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("commits/0")])
def test_chunks_with_a_broken_commit_are_not_read(name, folder):
    data = (folder / name).read_bytes()
    for bit in Random(name).sample(range(8 * len(data)), BITS):
        (folder / name).write_bytes(flipped(data, bit))
        with pytest.raises(harness.ResultsError, match="is broken"):
            _ = harness.open_results(folder).runs


@pytest.mark.parametrize("name", FILES)
def test_a_truncated_file_is_found(name, folder):
    data = (folder / name).read_bytes()
    for size in {0, 1, len(data) // 2, len(data) - 1, *Random(name).sample(range(len(data)), 5)}:
        assert_is_found(folder, name, data[:size])
    assert_is_found(folder, name, data + b"\0")


def damage(kind, path):
    data = path.read_bytes()
    if kind == "missing":
        path.unlink()
    else:
        path.write_bytes(data[:-1] if kind == "short" else flipped(data, 4 * len(data)))


@pytest.mark.parametrize("kind", ["flipped", "short", "missing"])
@pytest.mark.parametrize("name", [name for name in FILES if name != MANIFEST])
def test_a_run_after_verify_writes_it_again(name, kind, folder, undisturbed):
    before = commits(folder)
    damage(kind, folder / name)
    # A missing commit is not an error: its chunk is still to be trained.
    assert found(folder) == (set() if kind == "missing" and "commits" in name else {name})
    train(folder, SEEDS)
    assert found(folder) == set()
    assert tables(folder) == undisturbed(SEEDS).sha256
    chunk = "000000" if "000000" in name else "000001" if "000001" in name else None
    untouched = {key: data for key, data in before.items() if chunk is None or chunk not in key}
    assert untouched.items() <= commits(folder).items()


@pytest.mark.parametrize("kind", ["flipped", "short", "missing"])
def test_a_folder_without_a_whole_manifest_is_refused_and_left_alone(kind, folder):
    damage(kind, folder / MANIFEST)
    before = commits(folder)
    with pytest.raises(harness.ResultsError, match=r"[Mm]ove .* away"):
        harness.run(experiment(SEEDS), folder)
    assert commits(folder) == before


@pytest.mark.parametrize("name", [name for name in FILES if "0000" in name])
def test_a_broken_smaller_grid_is_found_when_it_grows(name, folder, undisturbed):
    damage("flipped", folder / name)
    with pytest.raises(harness.ResultsError, match=f"{name} is broken"):
        train(folder, SEEDS + 1)
    assert name in found(folder)
    train(folder, SEEDS + 1)
    assert tables(folder) == undisturbed(SEEDS + 1).sha256
    assert found(folder) == set()
