"""Looking after the database."""

from __future__ import annotations

import json


def test_status_tells_versions_and_size(empty):
    """Status names the server, pgvector, the schema and the size."""
    done = empty.run("db", "status", "--json")
    health = json.loads(done.stdout)
    assert health["server"]
    assert health["pgvector"]
    assert health["schema"] == health["schema_known"]
    assert health["size_bytes"] > 0
    assert "pgvector" in empty.run("db", "status").stdout


def test_migrating_twice_changes_nothing(empty):
    """A schema that is up to date stays as it is."""
    done = empty.run("db", "migrate", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {"applied": []}


def test_url_has_no_password(empty):
    """The address can be pasted into a ticket."""
    empty.url = "postgresql://me:hushhush@db.example:5433/films"
    done = empty.run("db", "url")
    assert done.exit_code == 0
    assert "hushhush" not in done.stdout
    assert "db.example" in done.stdout


def test_malformed_url_is_one_line(empty):
    """An address that is none is said without its password."""
    empty.url = "postgresql://me:hushhush@[::1/films"
    for command in ("url", "status"):
        done = empty.run("db", command)
        assert done.exit_code in (2, 5)
        assert "Traceback" not in done.stderr
        assert "hushhush" not in done.output


def test_foreign_server_is_not_stopped(empty):
    """A server that DATABASE_URL names is not ours to stop."""
    done = empty.run("db", "stop")
    assert done.exit_code == 2
    assert "not ours to stop" in done.stderr


def test_dead_server_is_exit_5(empty):
    """A server that does not answer is one line with exit code 5."""
    empty.url = "postgresql://me:hushhush@127.0.0.1:1/films?connect_timeout=2"
    done = empty.run("db", "status")
    assert done.exit_code == 5
    assert done.stderr.count("error: ") == 1
    assert "hushhush" not in done.stderr
