"""Results in which some runs do not have a setting: its value is NaN.

A sweep zips momentum with activation. Wherever its momentum is 0, the grid and the tables say NaN.
"""

import numpy as np
import pyarrow.compute as pc

import harness
from harness.experiment.grid import Axis, Grid, Listed
from harness.results.tables import Results
from harness.store import Reader
from harness.training.columns import columns_of

DOCUMENT = {
    "name": "lacking",
    "network": {"layers": [1, 2, 1], "activations": ["softplus", "identity"], "loss": "ssr"},
    "data": {"generator": "dosage"},
    "training": {"epochs": 30, "learning_rate": 0.1, "tolerance": 0.67, "limit": 100},
    "record": {"epochs": "all"},
}


class _LackingReader(Reader):
    def batches(self, table, columns=None, *, run_ids=None):
        for rows in super().batches(table, columns, run_ids=run_ids):
            if "momentum" in rows.column_names:
                here = rows.column_names.index("momentum")
                values = rows["momentum"]
                lacking = pc.if_else(pc.equal(values, 0.0), np.nan, values)
                rows = rows.set_column(here, rows.schema.field(here), lacking)
            yield rows


class _LackingResults(Results):
    @property
    def grid(self):
        def lacking(axis):
            if axis.name != "momentum":
                return axis
            values = (float(value) or float("nan") for value in axis.values.values)
            return Axis(name=axis.name, values=Listed(tuple(values)))

        dimensions = self.experiment.grid.dimensions
        return Grid(dimensions=tuple(tuple(map(lacking, each)) for each in dimensions))


def lacking_results(folder, activations, momenta, starts=12, **axes):
    """Train runs with zipped activations and momenta; those with momentum 0 lack it."""
    grid = {"activation": activations, "momentum": momenta, **axes, "init_id": starts}
    document = DOCUMENT | {"grid": grid | {"zip": [["activation", "momentum"]]}}
    trained = harness.run(harness.Experiment.from_mapping(document), folder, threads=1)
    results = _LackingResults(trained.store)
    results.reader = _LackingReader(trained.store, columns_of(results.experiment).by_table())
    assert results.runs["momentum"].isna().sum() == len(results.runs) * momenta.count(0.0) / len(
        momenta
    )
    return results
