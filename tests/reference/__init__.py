"""The slow, obvious twin of the package: plain NumPy, nothing imported from `harness`.

`network` holds the mathematics, `random_numbers` the numbers that start a run and order its data,
`training` the epochs. Whatever is fast elsewhere is compared with these; they are compared with
published numbers in `test_reference.py`.
"""
