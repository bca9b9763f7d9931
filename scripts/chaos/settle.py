# The end of the chaos: everything is computed without further faults, and the server's own account of it.
from compare import Finding
from graph import UNITS
from processes import Client, wait_for

SETTLE_SECONDS = 240
WORK = ["pending", "claimed", "blocked", "failing", "quarantined"]
KINDS = ["new", "stale", "orphaned", "blocked"]


def settle(url, worker):
    """Computes what is left; the leases of the dead have to run out for that."""
    client = Client(url)

    def is_done():
        if worker.calm():
            return False
        features = client.get("/v1/status")["features"]
        for feature in features:
            if feature["failing"] or feature["quarantined"]:
                client.post(f"/v1/failures/{feature['feature']}/retry", {})
        return not any(feature[kind] for feature in features for kind in WORK)

    wait_for("the rest of the work", SETTLE_SECONDS, is_done)


def account(url):
    """What the server says about itself."""
    client = Client(url, timeout=600)
    done = Finding("everything is up to date")
    for feature in client.get("/v1/status")["features"]:
        for kind in WORK:
            done.expect(feature[kind] == 0, f"{feature['feature']}: {feature[kind]} {kind}")
    for feature in UNITS:
        counts = client.post(f"/v1/resolve/{feature}", {"counts_only": True})["counts"]
        for kind in KINDS:
            done.expect(counts[kind] == 0, f"{feature}: {counts[kind]} {kind}")
    verified = Finding("a full recomputation agrees")
    found = client.post("/v1/admin/verify", {})
    verified.checked = found["checked"]
    verified.violations = [str(mismatch) for mismatch in found["mismatches"]]
    return [done, verified]
