"""What pages show, as frozen records made from the host's read models."""
