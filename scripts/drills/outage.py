# PostgreSQL is stopped for twenty seconds under load: requests wait or get 503 with Retry-After, nothing is lost, and
# everything goes on by itself.
import time

from cluster import Cluster
from load import Load, check, settle
from processes import Client, RunError, Server, wait_for

CALM_SECONDS = 3
OUTAGE_SECONDS = 20
RECOVERY_SECONDS = 20


def run(program, directory):
    """Fails with what went wrong; answers what was seen."""
    database = Cluster(directory, "database")
    server = Server(program, directory, "server", database.url())
    try:
        database.create()
        server.start()
        with Load(server.url) as load:
            load.run(CALM_SECONDS)
            before = load.answered
            # As a crash would: sessions break off in the middle of what they do.
            database.stop("immediate")
            stopped = time.monotonic()
            load.run(2)
            ready = Client(server.url).send("GET", "/readyz")
            if ready.status != 503:
                raise RunError(f"/readyz answers {ready.status} while the database is away")
            if Client(server.url).send("GET", "/livez").status != 200:
                raise RunError("/livez fails because the database is away")
            load.run(OUTAGE_SECONDS - (time.monotonic() - stopped))
            database.start()
            back = time.monotonic()
            answered = load.answered
            wait_for("the recovery", RECOVERY_SECONDS, lambda: load.answered > answered + 10)
            recovery = time.monotonic() - back
            load.run(CALM_SECONDS)
        expect_orderly(load, before)
        settle(server.url)
        records, _ = check(server.url, load.acknowledged)
        return (f"{OUTAGE_SECONDS} s away, {load.answered} requests answered, on the way there {load.failures}, "
                f"back after {recovery:.1f} s, slowest {load.slowest:.1f} s, {records} records as acknowledged")
    finally:
        server.remove()
        database.remove()


def expect_orderly(load, before):
    """Nothing but 503 with Retry-After, and no lease lost."""
    if load.crash:
        raise RunError(f"the load ended: {load.crash!r}")
    if before == 0:
        raise RunError("the load did nothing before the disturbance")
    if set(load.failures) - {"503"} or load.without_retry_after:
        raise RunError(f"answered with {load.failures}, {load.without_retry_after} without Retry-After")
    if load.lost_leases:
        raise RunError(f"{load.lost_leases} leases were lost")
