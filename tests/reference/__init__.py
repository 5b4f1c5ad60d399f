"""The slow, obvious twin of the package, in plain NumPy and without imports from `harness`.

`network` holds the mathematics, `random_numbers` the initial parameters and the order of the data,
`optimisers` the updates and the schedules, `training` the epochs. Tests compare the fast code with
these twins; `test_reference.py` compares the twins with published numbers.
"""
