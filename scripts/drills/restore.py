# A backup by pg_dump is restored into an empty database: the state verifies, and the lineage is the same to the byte.
import json
import os
import subprocess

from cluster import PROGRAMS, Cluster, as_postgres
from load import Load, check, settle
from processes import Client, RunError, Server

LOAD_SECONDS = 4
TRACED = 200


def run(program, directory):
    """Fails with what went wrong; answers what was seen."""
    database = Cluster(directory, "database")
    servers = []
    try:
        database.create()
        first = Server(program, directory, "first", database.url()).start()
        servers.append(first)
        with Load(first.url) as load:
            load.run(LOAD_SECONDS)
        if load.crash:
            raise RunError(f"the load ended: {load.crash!r}")
        settle(first.url)
        dump = directory / "metaxy.dump"
        dump_and_restore(database, dump)
        second = Server(program, directory, "second", database.url("restored")).start()
        servers.append(second)
        records, checked = check(second.url, load.acknowledged)
        traced = compare(first.url, second.url)
        # The restored one goes on: sequences are where they were.
        with Load(second.url) as more:
            more.run(2)
        if more.crash:
            raise RunError(f"the restored database does not go on: {more.crash!r}")
        settle(second.url)
        check(second.url, more.acknowledged)
        return (f"{records} records, {checked} units verified, the lineage of {traced} equal, "
                f"{os.path.getsize(dump) / 1e6:.1f} MB")
    finally:
        for server in servers:
            server.remove()
        database.remove()


def dump_and_restore(database, dump):
    """As docs/operations.md says, while the server runs."""
    with dump.open("wb") as output:
        subprocess.run([PROGRAMS / "pg_dump", "--format=custom", "--dbname", database.url()], stdout=output, check=True)
    database.sql("CREATE DATABASE restored OWNER metaxy")
    with dump.open("rb") as backup:
        subprocess.run([PROGRAMS / "pg_restore", "--exit-on-error", "--no-owner", "--single-transaction", "--dbname",
                        database.url("restored")], stdin=backup, check=True)


def compare(left, right):
    """Fails where the lineage of a record differs; answers how many records were compared."""
    names = [row["id"] for row in Client(left).get("/v1/records/leaf?limit=10000&columns=id")["records"]]
    names = names[:: max(1, len(names) // TRACED)]
    clients = [Client(left), Client(right)]
    for name in names:
        traces = [json.dumps(client.post("/v1/lineage/leaf", {"id": {"id": name}}), sort_keys=True)
                  for client in clients]
        if traces[0] != traces[1]:
            raise RunError(f"the lineage of {name} is {traces[0]} and {traces[1]}")
    return len(names)
