"""Durable results: a folder of chunks, each a part of two tables, beside a manifest.

    <folder>/  manifest.json                      what was trained, and with what
               data.parquet                       the data points, a row for each
               runs/part-000000.parquet           one row per run
               trajectories/part-000000.parquet   one row per recorded epoch
               commits/000000.json                rows, bytes and SHA-256 of both parts
               runs.csv  trajectories.csv         when the sweep has ended, below a million rows
               .lock                              held by the one process that writes

What has no commit does not exist. A file appears under its name when it is whole and on the disk,
and a commit when its parts are; so a crash at any moment leaves whole chunks only, and the next
`harness run` trains the others. A grid that has grown begins another generation: its files have the
suffix -g1, -g2, .., and those of the former one go when all of it is there.

In an object store these are objects under a prefix, without the lock.

Nothing here knows of networks.
"""

from harness.store.commits import Origin, Packed
from harness.store.folder import Store
from harness.store.manifest import Manifest, has_manifest
from harness.store.parts import TABLES
from harness.store.places import is_local, place
from harness.store.reader import Reader

__all__ = [
    "TABLES",
    "Manifest",
    "Origin",
    "Packed",
    "Reader",
    "Store",
    "has_manifest",
    "is_local",
    "place",
]
