"""Maps: two axes of a sweep as an image, the boundary in it, and zooms into the boundary."""
