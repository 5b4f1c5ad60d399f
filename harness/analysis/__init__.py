"""Tables from tables of results, and from one run trained again. No files, no pictures."""
