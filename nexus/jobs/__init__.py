"""Jobs: when they are due, and how they are run, once over all replicas."""
