"""Handlers of the pages, one file a subject: they read the query, ask a view, and name a template."""
