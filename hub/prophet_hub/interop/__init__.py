"""Other programs' formats of the same idea, read and written."""
