"""A small map of the trainability boundary, bit for bit as stored.

Its file has one line per pixel: whether it trained, and its value in hexadecimal. Changing any bit
is a decision and needs a changelog entry; then `python tests/landmarks/test_small_map.py` writes
the file again.
"""

from pathlib import Path

import numba
import pandas as pd
import pytest

import harness
from harness.maps.image import columns_of, framed, image_of

HERE = Path(__file__).resolve().parent
FILE = HERE / "small_map.csv"
EXPERIMENT = HERE.parents[1] / "experiments" / "trainability_tanh.toml"


def lines(folder, **options):
    """Return the lines of the file from a map that is trained into a folder."""
    full = harness.load_experiment(EXPERIMENT, {"training.epochs": 60})
    experiment = framed(full, size=20)
    results = harness.run(experiment, folder, **options)
    image = image_of(results.read_runs(columns_of(results.run_columns)), experiment)
    pixels = zip(image.trained.ravel().tolist(), image.value.ravel().tolist(), strict=True)
    return ["trained,value", *(f"{int(kind)},{value.hex()}" for kind, value in pixels)]


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="far too slow in Python")
@pytest.mark.parametrize("lanes", [1, 8])
def test_a_map_has_the_stored_bits(tmp_path, lanes):
    stored = FILE.read_text("utf-8").splitlines()
    found = lines(tmp_path, lanes=lanes)
    assert len(found) == len(stored) == 1 + 20 * 20
    assert [pixel for pixel in enumerate(found) if pixel[1] != stored[pixel[0]]] == []


def test_the_stored_map_has_a_boundary_that_falls_to_the_right():
    # The higher the rate of one layer, the lower that of the other must be.
    trained = pd.read_csv(FILE)["trained"].to_numpy().reshape(20, 20)
    assert trained[0, 0] == 1
    assert trained[-1, -1] == 0
    assert 0.1 < trained.mean() < 0.9
    assert trained[:, 0].sum() > trained[:, -1].sum()


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        FILE.write_text("\n".join(lines(Path(folder))) + "\n", "utf-8", newline="\n")
