"""One HTML file that shows what a sweep came to, and needs nothing beside it.

Python counts, sorts and samples; the page draws. What goes from one to the other is JSON of a few
hundred thousand numbers at most, however many runs there are.
"""
