"""Configuration: files and environment into one tree whose values know their origin, bound to typed settings."""
