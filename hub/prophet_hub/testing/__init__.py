"""PUBLIC: the contract that every connector keeps, a tracker in memory, faults, strategies."""
