"""The authors' vocabulary: what a module declares and what it is given. No I/O lives here."""
