"""Discovery: finding modules, loading each one guarded, and the catalog of what was found."""
