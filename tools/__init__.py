"""Programs that write parts of the documentation and of the sources."""
