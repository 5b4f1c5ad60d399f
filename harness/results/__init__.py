"""Results as tables: opened, selected, exported, checked."""
