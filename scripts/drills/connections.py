# The database has no connection left for the server: requests wait or get 503 with Retry-After, and go on once there is.
import subprocess
import time

from cluster import Cluster
from load import Load, check, settle
from outage import expect_orderly
from processes import RunError, Server, start, wait_for

CALM_SECONDS = 2
FULL_SECONDS = 12
RECOVERY_SECONDS = 20
CONNECTIONS = 12
RESERVED = 3


def run(program, directory):
    """Fails with what went wrong; answers what was seen."""
    database = Cluster(directory, "database", max_connections=CONNECTIONS, superuser_reserved_connections=RESERVED)
    server = Server(program, directory, "server", database.url())
    others = []
    try:
        database.create()
        database.sql("CREATE ROLE other LOGIN")
        server.start()
        with Load(server.url) as load:
            load.run(CALM_SECONDS)
            before = load.answered
            wait_for("taking every connection", 60, lambda: take(database, others))
            load.run(1)
            during = load.answered
            load.run(FULL_SECONDS - 1)
            if load.answered > during:
                raise RunError("requests are answered although the database should have no connection left")
            for other in others:
                other.kill()
                other.wait()
            # A client that is gone is noticed when its statement ends.
            database.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'other'")
            back = time.monotonic()
            answered = load.answered
            wait_for("the recovery", RECOVERY_SECONDS, lambda: load.answered > answered + 10)
            recovery = time.monotonic() - back
            load.run(CALM_SECONDS)
        expect_orderly(load, before)
        settle(server.url)
        records, _ = check(server.url, load.acknowledged)
        return (f"no connection for {FULL_SECONDS} s, {load.answered} requests answered, on the way there "
                f"{load.failures}, back after {recovery:.1f} s, {records} records as acknowledged")
    finally:
        for other in others:
            if other.poll() is None:
                other.kill()
                other.wait()
        server.remove()
        database.remove()


def take(database, others):
    """Whether others have every place that is not reserved; where not, the server's sessions end and more of them try."""
    taken = int(database.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'other'"))
    missing = CONNECTIONS - RESERVED - taken
    if missing == 0:
        return True
    database.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'metaxy'")
    for _ in range(missing):
        others.append(start(
            ["psql", "--no-psqlrc", "--dbname", database.url("postgres", "other"), "--command",
             f"SELECT pg_sleep({FULL_SECONDS + 60})"], subprocess.DEVNULL, subprocess.DEVNULL))
    return False
