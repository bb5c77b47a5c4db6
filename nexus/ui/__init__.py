"""The dashboard: pages for people, rendered from the read models of the introspection API."""
