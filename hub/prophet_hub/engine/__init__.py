"""A replica: edit, integrate, history."""
