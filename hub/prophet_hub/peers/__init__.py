"""Exchange between replicas: published ones at any address, bundles, live databases."""
