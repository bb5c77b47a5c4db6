"""The introspection API: secret-free read models, one file a resource."""
