"""Jobs: what is synced with what, in which order, with which brakes."""
