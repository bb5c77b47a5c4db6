"""Geometry of the pictures; the templates draw them."""
