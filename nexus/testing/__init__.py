"""The kit that module authors test with; loaded by pytest wherever Nexus is installed."""
