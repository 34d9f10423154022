"""The connectors that come with the hub; each is found by its entry point, as a third party's is."""
