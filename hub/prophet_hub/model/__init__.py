"""Pure values: ids, cells, writes, entries, and their bytes."""
