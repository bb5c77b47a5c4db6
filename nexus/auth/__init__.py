"""Who may do what: bearer token to key to claims to principal, and the guard."""
