# A backup by pg_dump is restored into an empty database of another PostgreSQL: the state verifies, the lineage is the same to
# the byte, a claim of before can be reported, fencing tokens and the places of the feed go on.
import json
import os
import subprocess

from cluster import PROGRAMS, Cluster
from load import Load, check, settle
from processes import Client, RunError, Server, wait_for

LOAD_SECONDS = 4
TRACED = 200
# Transactions of other databases of the cluster: their numbers begin anew where the dump is restored.
FOREIGN_TRANSACTIONS = 20_000


def run(program, directory):
    """Fails with what went wrong; answers what was seen."""
    databases = [Cluster(directory, "database"), Cluster(directory, "other")]
    servers = []
    try:
        for database in databases:
            database.create()
        first = Server(program, directory, "first", databases[0].url()).start()
        servers.append(first)
        with Load(first.url) as load:
            load.run(LOAD_SECONDS)
        if load.crash:
            raise RunError(f"the load ended: {load.crash!r}")
        settle(first.url)
        held = hold(first.url)
        spend(databases[0])
        told, place = feed(first.url)
        dump = directory / "metaxy.dump"
        dump_and_restore(*databases, dump)
        second = Server(program, directory, "second", databases[1].url()).start()
        servers.append(second)
        if feed(second.url)[0][:len(told)] != told:
            raise RunError("the restored feed tells other changes")
        traced = compare(first.url, second.url)
        report(second.url, held)
        acknowledged = {**load.acknowledged, held["records"][0]["id"]: "v0"}
        records, checked = check(second.url, acknowledged)
        after = go_on(second.url, held, told, place)
        return (f"{records} records, {checked} units verified, the lineage of {traced} equal, {after} changes told after the "
                f"place of before, {os.path.getsize(dump) / 1e6:.1f} MB")
    finally:
        for server in servers:
            server.remove()
        for database in databases:
            database.remove()


def hold(url):
    """A claim of one record that is in a worker's hands while the dump is taken."""
    client = Client(url)
    client.post("/v1/records/root", {"records": [{"id": "held", "metaxy_provenance_by_field": {"a": "v0", "b": "1"}}]})
    claim = client.post("/v1/claims", {"feature": "leaf", "worker": "holder", "limit": 1, "lease_seconds": 600})
    if [record["id"] for record in claim["records"]] != ["held"]:
        raise RunError(f"the claim to be held is of {claim['records']}")
    return claim


def spend(database):
    """Lets the numbers of transactions go on without a change."""
    database.sql(f"DO $$ BEGIN FOR n IN 1..{FOREIGN_TRANSACTIONS} LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$")


def feed(url, after=None):
    """All that the feed tells from a place on, and where it goes on."""
    client = Client(url)
    events, place = [], after
    while True:
        page = client.get("/v1/events?limit=1000" + (f"&after={place}" if place else ""))
        place = page["next"]
        if not page["events"]:
            return events, place
        events += page["events"]


def dump_and_restore(source, target, dump):
    """As docs/operations.md says, while the server runs."""
    with dump.open("wb") as output:
        subprocess.run([PROGRAMS / "pg_dump", "--format=custom", "--dbname", source.url()], stdout=output, check=True)
    with dump.open("rb") as backup:
        subprocess.run([PROGRAMS / "pg_restore", "--exit-on-error", "--no-owner", "--single-transaction", "--dbname",
                        target.url()], stdin=backup, check=True)


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


def report(url, claim):
    """Reports a claim of before the dump: the restored database takes it."""
    answer = Client(url).post(f"/v1/claims/{claim['claim_id']}/complete",
                              {"token": claim["token"], "records": [{"id": row["id"]} for row in claim["records"]]})
    if answer["completed"] != len(claim["records"]):
        raise RunError(f"the claim that was held ended with {answer}")


def go_on(url, held, told, place):
    """Works on the restored database; answers how many changes the feed tells after the place of before."""
    with Load(url) as more:
        more.run(2)
    if more.crash:
        raise RunError(f"the restored database does not go on: {more.crash!r}")
    settle(url)
    check(url, more.acknowledged)
    client = Client(url)
    client.post("/v1/records/root", {"records": [{"id": "last", "metaxy_provenance_by_field": {"a": "v0", "b": "1"}}]})
    last = client.post("/v1/claims", {"feature": "leaf", "worker": "last", "limit": 1, "lease_seconds": 60})
    if last["token"] <= held["token"] or last["claim_id"] <= held["claim_id"]:
        raise RunError(f"claim {last['claim_id']} has token {last['token']}, {held['claim_id']} had {held['token']}")
    newest = max(change["id"] for change in client.get("/v1/admin/audit")["changes"])
    wait_for("the end of the feed", 30, lambda: any(event["id"] >= newest for event in feed(url)[0]))
    after = feed(url, place)[0]
    if feed(url)[0][:len(told) + len(after)] != told + after or len(after) < 10:
        raise RunError(f"the feed tells {len(after)} changes after the place of before, {len(told)} were told until then")
    return len(after)
