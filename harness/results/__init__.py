"""Results folders as tables: opening, selection, export, inspection."""
