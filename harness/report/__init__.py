"""The report of a sweep: one HTML file that needs nothing beside it.

Python counts, sorts and samples; the page's script draws. Between them is JSON with at most a few
hundred thousand numbers, however many runs there are.
"""
