"""The law of merging as pure functions: no store, no clock, no input or output."""
