"""The bridge between trackers and the replica."""
