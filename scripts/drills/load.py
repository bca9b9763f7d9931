# The load of the drills: writers that remember what was acknowledged, and workers that compute it.
import threading
import time
import uuid

from delivery import PATIENCE_SECONDS, Delivery
from processes import Client, RunError, wait_for

ROWS = 20
UNITS = 50
LEASE_SECONDS = 60
SETTLE_SECONDS = 120

GRAPH = {
    "project": "drill",
    "features": [
        {"spec": {"key": "root", "id_columns": ["id"], "fields": [
            {"key": "a", "code_version": "1"}, {"key": "b", "code_version": "1"}]}},
        {"spec": {"key": "leaf", "id_columns": ["id"], "deps": [{"feature": "root"}], "fields": [
            {"key": "x", "code_version": "1", "deps": [{"feature": "root", "fields": ["a"]}]}]}},
    ],
}


class Load:
    """Writes and computes until it is told to stop.

    A request that fails, by its connection or with a 5xx, is sent again under the same key until it is answered, as a
    careful client does; `failures` counts them by what happened. What was acknowledged is kept in `acknowledged`.
    """

    def __init__(self, url, writers=2, workers=3):
        self.url = url
        self.acknowledged = {}
        self.failures = {}
        self.lost_leases = 0
        self.without_retry_after = 0
        self.answered = 0
        self.completed = 0
        self.slowest = 0.0
        self.crash = None
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._guard, args=(self._write, n)) for n in range(writers)]
        self._threads += [threading.Thread(target=self._guard, args=(self._work, n)) for n in range(workers)]

    def __enter__(self):
        Client(self.url).post("/v1/push", GRAPH)
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS + 60)

    def run(self, seconds):
        """Lets the load go on for a while."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.crash:
                raise RunError(f"the load ended: {self.crash!r}")
            time.sleep(0.05)

    def _guard(self, work, number):
        try:
            work(number)
        except Exception as error:  # told by whoever runs the load: the first, since others may follow from it
            self.crash = self.crash or error

    def _write(self, number):
        delivery = self._delivery()
        batch = 0
        while not self._stopping.is_set():
            # Half of the rows are new; the others are those of the batch before with another version.
            ids = [f"{number}-{batch * ROWS // 2 + offset}" for offset in range(ROWS)]
            version = f"v{batch}"
            rows = [{"id": name, "metaxy_provenance_by_field": {"a": version, "b": "1"}} for name in ids]
            self._send(delivery, "/v1/records/root", {"records": rows})
            with self._lock:
                self.acknowledged.update({name: version for name in ids})
            batch += 1

    def _work(self, number):
        delivery = self._delivery()
        wanted = {"feature": "leaf", "worker": f"worker-{number}", "limit": UNITS, "lease_seconds": LEASE_SECONDS,
                  "wait_seconds": 1}
        while not self._stopping.is_set():
            answer = self._send(delivery, "/v1/claims", wanted)
            if answer.status == 204:
                continue
            claim = answer.json
            results = [{"id": record["id"]} for record in claim["records"]]
            answer = self._send(delivery, f"/v1/claims/{claim['claim_id']}/complete",
                                {"token": claim["token"], "records": results})
            with self._lock:
                if answer.status == 409:
                    self.lost_leases += 1
                else:
                    self.completed += len(results)

    def _delivery(self):
        return Delivery([self.url], lambda clients: clients[0], self._count)

    def _send(self, delivery, path, body):
        started = time.monotonic()
        answer, _ = delivery.send(path, body, {"Idempotency-Key": str(uuid.uuid4())})
        if answer.status not in (200, 201, 204, 409):
            raise RunError(f"POST {path} answered {answer.status}: {answer.body[:500]}")
        with self._lock:
            self.answered += 1
            self.slowest = max(self.slowest, time.monotonic() - started)
        return answer

    def _count(self, what, says_when):
        with self._lock:
            self.failures[what] = self.failures.get(what, 0) + 1
            if not says_when:
                self.without_retry_after += 1


def settle(url):
    """Computes what is left, as workers would."""
    client = Client(url)

    def is_done():
        answer = client.send("POST", "/v1/claims", {"feature": "leaf", "worker": "last", "limit": 5_000,
                                                   "lease_seconds": LEASE_SECONDS})
        if answer.status == 201:
            claim = answer.json
            results = [{"id": record["id"]} for record in claim["records"]]
            client.post(f"/v1/claims/{claim['claim_id']}/complete", {"token": claim["token"], "records": results})
            return False
        counts = client.post("/v1/resolve/leaf", {"counts_only": True})["counts"]
        return all(counts[kind] == 0 for kind in ("new", "stale", "blocked"))

    wait_for("the rest of the work", SETTLE_SECONDS, is_done)


def check(url, acknowledged):
    """Fails where something acknowledged is missing, something is not computed, or the state contradicts itself."""
    client = Client(url)
    stored = {}
    cursor = ""
    while cursor is not None:
        page = client.get(f"/v1/records/root?limit=10000&columns=id{cursor and '&cursor=' + cursor}")
        stored.update({row["id"]: row["metaxy_provenance_by_field"]["a"] for row in page["records"]})
        cursor = page["next_cursor"]
    # A write whose answer never came may have taken effect: then the stored version is a later one.
    missing = [name for name, version in acknowledged.items()
               if int(stored.get(name, "v-1")[1:]) < int(version[1:])]
    if missing:
        raise RunError(f"{len(missing)} acknowledged records are missing or older, as {missing[:3]}")
    leaves = {feature["feature"]: feature["records"] for feature in client.get("/v1/status")["features"]}
    if leaves["leaf"] != len(stored):
        raise RunError(f"{len(stored)} records need computing, {leaves['leaf']} are computed")
    found = client.post("/v1/admin/verify", {})
    if found["mismatch_count"]:
        raise RunError(f"the state contradicts itself: {found}")
    return len(stored), found["checked"]
