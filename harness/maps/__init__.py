"""Two axes of a sweep as an image: its boundary, and the way into it."""
