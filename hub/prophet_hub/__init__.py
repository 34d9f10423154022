"""prophet-hub keeps any issue tracker in step with any other."""

__version__ = "0.1.0"
__all__ = ["__version__"]
