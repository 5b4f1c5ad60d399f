"""Programs that measure, train or draw what the documentation shows."""
