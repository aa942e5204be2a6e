"""The index in Postgres: its schema, its rows, and the connections to it."""
