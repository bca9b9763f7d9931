# The primary dies under load and its standby is promoted: the server, which knows both, goes on with the other one, and
# with synchronous replication everything acknowledged is there.
import time

from cluster import Cluster
from load import Load, check, settle
from outage import expect_orderly
from processes import Client, RunError, Server, wait_for

CALM_SECONDS = 4
RECOVERY_SECONDS = 40


def run(program, directory):
    """Fails with what went wrong; answers what was seen."""
    primary = Cluster(directory, "primary")
    standby = server = None
    try:
        primary.create()
        standby = primary.clone(directory, "standby")
        primary.wait_until_streaming(standby)
        primary.reload(synchronous_standby_names="standby", synchronous_commit="on")
        url = (f"postgresql://metaxy@127.0.0.1:{primary.port},127.0.0.1:{standby.port}/metaxy"
               "?target_session_attrs=read-write")
        server = Server(program, directory, "server", url).start()
        ready = Client(server.url).send("GET", "/readyz?verbose").body.decode()
        if "standbys: 1" not in ready:
            raise RunError(f"/readyz does not know the standby: {ready}")
        with Load(server.url) as load:
            load.run(CALM_SECONDS)
            before = load.answered
            primary.stop("immediate")
            load.run(2)
            promoted = time.monotonic()
            standby.promote()
            answered = load.answered
            wait_for("the recovery", RECOVERY_SECONDS, lambda: load.answered > answered + 10)
            recovery = time.monotonic() - promoted
            load.run(CALM_SECONDS)
        expect_orderly(load, before)
        settle(server.url)
        records, _ = check(server.url, load.acknowledged)
        return (f"{load.answered} requests answered, on the way there {load.failures}, "
                f"back {recovery:.1f} s after the promotion, {records} records as acknowledged")
    finally:
        if server:
            server.remove()
        primary.remove()
        if standby:
            standby.remove()
