"""Sign-in to the pages: sessions that the host keeps, one-time links, and OpenID Connect."""
