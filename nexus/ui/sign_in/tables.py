"""The tables of sign-in, in words that SQLite and PostgreSQL both take.

Instants are seconds since 1970 (UTC); of every secret that a browser holds there is only the SHA-256.
"""

from typing import Final

_SESSIONS: Final = """
CREATE TABLE IF NOT EXISTS nexus_sessions (
  id_hash TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  subject TEXT NOT NULL,
  issuer TEXT NOT NULL,
  person TEXT NOT NULL,
  may_act INTEGER NOT NULL,
  csrf TEXT NOT NULL,
  user_agent TEXT NOT NULL,
  created_at DOUBLE PRECISION NOT NULL,
  seen_at DOUBLE PRECISION NOT NULL,
  idle DOUBLE PRECISION NOT NULL,
  ends_at DOUBLE PRECISION NOT NULL
)"""

_LINKS: Final = """
CREATE TABLE IF NOT EXISTS nexus_sign_in_links (
  code_hash TEXT PRIMARY KEY,
  subject TEXT NOT NULL,
  issuer TEXT NOT NULL,
  ends_at DOUBLE PRECISION NOT NULL
)"""

_ATTEMPTS: Final = """
CREATE TABLE IF NOT EXISTS nexus_sign_in_attempts (
  state_hash TEXT PRIMARY KEY,
  browser_hash TEXT NOT NULL,
  nonce TEXT NOT NULL,
  verifier TEXT NOT NULL,
  return_path TEXT NOT NULL,
  ends_at DOUBLE PRECISION NOT NULL
)"""

TABLES: Final = (_SESSIONS, _LINKS, _ATTEMPTS)
