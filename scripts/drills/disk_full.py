# The database's disk is full: writes get 503 with Retry-After, reading goes on, and once there is room so does the rest.
import subprocess
import time

from cluster import Cluster, give_to_postgres
from load import Load, check, settle
from outage import expect_orderly
from processes import Client, RunError, Server, wait_for

MEGABYTES = 500
CALM_SECONDS = 2
FULL_SECONDS = 10
RECOVERY_SECONDS = 60


def run(program, directory):
    """Fails with what went wrong; answers what was seen."""
    disk = directory / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m,mode=755", "tmpfs", disk])
    if mounted.returncode != 0:
        return None
    database = Cluster(disk, "database", max_wal_size="48MB", min_wal_size="32MB", wal_keep_size=0)
    server = Server(program, directory, "server", database.url())
    try:
        database.create()
        server.start()
        with Load(server.url) as load:
            load.run(CALM_SECONDS)
            before = load.answered
            filler = fill(disk)
            wait_for("the first refusal", 60, lambda: load.failures.get("503"))
            if Client(server.url).send("GET", "/v1/records/root?limit=1").status not in (200, 503):
                raise RunError("reading fails otherwise than with 503")
            load.run(FULL_SECONDS)
            filler.unlink()
            # PostgreSQL ends itself where it cannot write its log; an operator, or its supervisor, starts it again.
            wait_for("the database", RECOVERY_SECONDS, lambda: restart(database))
            back = time.monotonic()
            answered = load.answered
            wait_for("the recovery", RECOVERY_SECONDS, lambda: load.answered > answered + 10)
            recovery = time.monotonic() - back
            load.run(CALM_SECONDS)
        expect_orderly(load, before)
        settle(server.url)
        records, _ = check(server.url, load.acknowledged)
        return (f"full for {FULL_SECONDS} s, {load.answered} requests answered, on the way there {load.failures}, "
                f"back after {recovery:.1f} s, {records} records as acknowledged")
    finally:
        server.remove()
        database.remove()
        subprocess.run(["umount", "--lazy", disk], check=True)


def fill(disk):
    """Takes all the room there is."""
    path = disk / "filler"
    # Unbuffered: a buffer that could not be written would be tried again, and fail, when the file is closed.
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 65_536)
                file.flush()
        except OSError:
            pass
    give_to_postgres(path)
    return path


def restart(database):
    """Whether the database takes connections, after it was started again where it had ended."""
    try:
        database.sql("SELECT 1")
        return True
    except RunError:
        try:
            database.start()
        except RunError:
            return False
        return True
