"""Health checks: run in the background, answered from the last result."""
