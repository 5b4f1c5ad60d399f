"""What tables of results say, and what one run computed. No files, no pictures."""
