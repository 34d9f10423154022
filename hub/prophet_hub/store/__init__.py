"""Bytes on disk behind one interface; one conformance suite for all stores."""
