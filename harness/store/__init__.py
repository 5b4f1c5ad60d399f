"""Durable results: a folder of chunks beside a manifest. This package knows nothing of networks.

    <folder>/  manifest.json                      what was trained, and with what
               data.parquet                       the data points, one row each
               runs/part-000000.parquet           one row per run
               trajectories/part-000000.parquet   one row per recorded epoch
               commits/000000.json                rows, size and SHA-256 of both parts
               runs.csv  trajectories.csv         of a finished sweep with less than a million rows
               .lock                              held by the one process that writes

How a chunk is committed (`Store.commit`):

1. Each part is written to a temporary file, flushed, renamed, and its folder flushed (`files`).
2. Then the commit is written in the same way. It is a new file and never replaces one, so of two
   processes that train the same chunk the first wins, and the second compares its rows.
3. A chunk without a commit does not exist, whatever files a crash has left (`Store.commits`). If a
   part has been lost, the chunk is missing too (`Store.missing`). The next `harness run` trains
   the missing chunks.
4. Readers take the names of files from commits and check every byte (`Reader`).

When a grid grows, a new generation begins: its files have the suffix -g1, -g2, and so on, and those
of the former generation are removed once all its chunks are there. In an object store, the files
are objects under a prefix, and there is no lock.
"""

from harness.store.commits import Origin, PackedChunk
from harness.store.folder import Store
from harness.store.locations import is_local, results_folder
from harness.store.manifest import Manifest, has_manifest
from harness.store.parts import TABLES
from harness.store.reader import Reader

__all__ = [
    "TABLES",
    "Manifest",
    "Origin",
    "PackedChunk",
    "Reader",
    "Store",
    "has_manifest",
    "is_local",
    "results_folder",
]
