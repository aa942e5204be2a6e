"""A video becomes rows in Postgres."""
