"""The speed comparison: the same trainings by harness and by what one would use otherwise.

`workloads` says what is trained, `baselines` how else, `agreement` when two are the same training;
`comparison` has all of it timed by pytest-benchmark in processes of their own.
"""
