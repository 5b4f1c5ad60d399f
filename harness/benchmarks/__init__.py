"""The speed comparison: the same networks trained by harness and by other means.

`workloads` are the experiments, `baselines` the other means, and `agreement` decides whether two
have trained the same. `test_speed` times them; `comparison` runs it and makes one table.
"""
