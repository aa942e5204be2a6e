"""The embedded Postgres server: its programs, its life, and who stops it."""
