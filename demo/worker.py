# A worker process: polls for claims, computes the stale fields of each record, and reports the results.
#
# It prints what it does as a line of JSON each, before it tells the server, so that whoever knows from the server that
# something is done finds it here.
import argparse
import json
import os
import pathlib
import signal
import sys
import threading
import time

# Several workers share the cores: one thread each.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from client import Client, Refused  # noqa: E402
from compute import RECIPES, Objects  # noqa: E402
from graph import DERIVED  # noqa: E402

# Short, so that a worker that is told to end does so soon.
WAIT_SECONDS = 1
BATCH_RECORDS = 8


class Worker:
    def __init__(self, options):
        self.options = options
        self.client = Client(options.url)
        self.objects = Objects(pathlib.Path(options.objects))
        # Code versions by field, by feature and feature version.
        self.code_versions = {}
        self.is_stopping = False
        signal.signal(signal.SIGTERM, self.stop)

    def stop(self, *_):
        """Ends it after the poll or the batch that it is at."""
        self.is_stopping = True

    def run(self):
        request = {
            # What ends the pipeline first: results come out early.
            "features": list(reversed(DERIVED)),
            "worker": self.options.name,
            "limit": BATCH_RECORDS,
            "lease_seconds": self.options.lease,
            "wait_seconds": WAIT_SECONDS,
        }
        while not self.is_stopping:
            claim = self.client.post("/v1/claims", request)
            if claim:
                self.work(claim)
            else:
                say("idle")

    def work(self, claim):
        feature, rows = claim["feature"], claim["records"]
        say("claimed", feature=feature, ids=[row["video_id"] for row in rows],
            attempts=[row["metaxy_attempt"] for row in rows])
        heartbeat = Heartbeat(self.options, claim)
        carried = self.current(feature, rows)
        results = []
        for row in rows:
            results.append(self.compute(claim, row, carried.get(row["video_id"], {})))
            if len(results) == self.options.hang_after:
                say("hung", feature=feature, ids=[row["video_id"] for row in rows])
                signal.pause()
        seconds = heartbeat.stop()
        say("completing", feature=feature, ids=[row["video_id"] for row in rows],
            attempts=[row["metaxy_attempt"] for row in rows])
        try:
            body = {"token": claim["token"], "records": results, "seconds": seconds}
            self.client.post(f"/v1/claims/{claim['claim_id']}/complete", body)
        except Refused as refusal:
            if refusal.code != "lease_lost":
                raise
            say("lost", feature=feature)

    def current(self, feature, rows):
        """The records as they stand, of rows that keep some of their fields."""
        fields = set(RECIPES[feature])
        kept = [row["video_id"] for row in rows if fields - set(row["metaxy_stale_fields"])]
        if not kept:
            return {}
        names = ", ".join("'" + name.replace("'", "''") + "'" for name in kept)
        page = self.client.get(f"/v1/records/{feature}", filter=f"video_id IN ({names})", limit=len(kept))
        return {record["video_id"]: record for record in page["records"]}

    def compute(self, claim, row, current):
        """The result of a row: stale fields are computed, the others stay as they are."""
        feature = claim["feature"]
        result, versions = {"video_id": row["video_id"]}, {}
        for field, recipe in RECIPES[feature].items():
            if field not in row["metaxy_stale_fields"]:
                result[recipe.output] = current[recipe.output]
                versions[field] = current["metaxy_data_version_by_field"][field]
                continue
            started = time.thread_time()
            function = recipe.functions[self.code_version(claim, field)]
            output = function(pathlib.Path(row[recipe.input]).read_bytes())
            if recipe.suffix:
                path, versions[field] = self.objects.put(output, recipe.suffix)
                output = str(path)
            result[recipe.output] = output
            say("computed", feature=feature, field=field, id=row["video_id"],
                seconds=time.thread_time() - started)
        if versions:
            result["metaxy_data_version_by_field"] = versions
        return result

    def code_version(self, claim, field):
        key = claim["feature"], claim["feature_version"]
        if key not in self.code_versions:
            spec = self.client.get(f"/v1/features/{claim['feature']}")["spec"]
            self.code_versions[key] = {member["key"]: member["code_version"] for member in spec["fields"]}
        return self.code_versions[key][field]


class Heartbeat:
    """Keeps a lease while its batch is computed."""

    def __init__(self, options, claim):
        self.client = Client(options.url)
        self.claim = claim
        self.interval = options.lease / 3
        self.started = time.thread_time()
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.stopped.wait(self.interval):
            try:
                self.client.post(f"/v1/claims/{self.claim['claim_id']}/heartbeat", {"token": self.claim["token"]})
            except Refused as refusal:
                # The report of the results will be refused too, and says so.
                print(refusal, file=sys.stderr)
                return

    def stop(self):
        """Ends it; answers how long it ran."""
        self.stopped.set()
        self.thread.join()
        return time.thread_time() - self.started


def say(event, **members):
    print(json.dumps({"event": event, "at": time.monotonic(), **members}), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A worker of the demo.")
    parser.add_argument("url")
    parser.add_argument("--name", required=True)
    parser.add_argument("--objects", required=True, help="the directory for output files")
    parser.add_argument("--lease", type=int, required=True, help="seconds")
    parser.add_argument("--hang-after", type=int, help="stop computing, for ever, after so many records of a batch")
    Worker(parser.parse_args()).run()
