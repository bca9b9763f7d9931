# A worker of the chaos: claims and reports, mostly as it should, at times late, twice, wrongly or never.
import datetime
import time

from actor import Actor, arguments
from graph import EXPANSION, UNITS, parent_stamps, unit_id

LIMITS = [1, 3, 10, 40, 200]
LEASES = [2, 3, 5]
WAITS = [0, 1, 3]
CALM_UNITS = 1_000
CALM_LEASE = 60


class Batch:
    """A claim in hand, and what of it is not yet reported."""

    def __init__(self, claim):
        self.claim = claim["claim_id"]
        self.token = claim["token"]
        self.feature = claim["feature"]
        self.until = seconds(claim["lease_expires_at"])
        self.rest = [unit_id(self.feature, row) for row in claim["records"]]


def seconds(time_text):
    return datetime.datetime.fromisoformat(time_text).timestamp()


class Worker(Actor):
    def live(self):
        """Works until it is killed."""
        ways = {self.steady: 10, self.failing: 2, self.releasing: 2, self.late: 2, self.vanishing: 1, self.forging: 2}
        while True:
            features = self.random.sample(list(UNITS), self.random.randint(1, len(UNITS)))
            batch = self.claim(features, self.random.choice(LIMITS), self.random.choice(LEASES),
                               self.random.choice(WAITS))
            if batch:
                self.random.choices(list(ways), list(ways.values()))[0](batch)

    def calm(self):
        """Does one batch as it should; answers whether there was one."""
        batch = self.claim(list(UNITS), CALM_UNITS, CALM_LEASE, 0)
        if batch:
            self.complete(batch, batch.rest)
        return batch is not None

    def claim(self, features, limit, lease, wait):
        body = {"features": features, "worker": self.name, "limit": limit, "lease_seconds": lease, "wait_seconds": wait}
        answer = self.ask("/v1/claims", body, {201, 204})
        if answer.status == 204:
            return None
        claim = answer.json
        feature = claim["feature"]
        self.ledger.write(
            "claimed", claim=claim["claim_id"], token=claim["token"], feature=feature,
            until=seconds(claim["lease_expires_at"]),
            rows=[[unit_id(feature, row), sorted(row["metaxy_provenance_by_field"].values()),
                   parent_stamps(feature, row)] for row in claim["records"]])
        return Batch(claim)

    # Ways to work.

    def steady(self, batch):
        self.random.shuffle(batch.rest)
        for _ in range(self.random.randint(0, 2)):
            self.pause(0.5)
            if self.chance(0.5):
                self.heartbeat(batch)
            self.complete(batch, batch.rest[:self.random.randint(0, len(batch.rest))])
        self.complete(batch, batch.rest)
        if self.chance(0.2):
            self.heartbeat(batch)

    def failing(self, batch):
        failed = batch.rest[:self.random.randint(1, len(batch.rest))]
        self.report("fail", self.path(batch, "fail"),
                    {"token": batch.token, "records": [self.names(batch, unit) for unit in failed], "error": "chaos",
                     "retryable": self.chance(0.8)},
                    {200, 409}, claim=batch.claim, units=failed)
        batch.rest = [unit for unit in batch.rest if unit not in failed]
        self.complete(batch, batch.rest)

    def releasing(self, batch):
        self.complete(batch, batch.rest[:len(batch.rest) // 2])
        self.report("release", self.path(batch, "release"), {"token": batch.token}, {200, 409}, claim=batch.claim,
                    units=batch.rest)
        # What was given back is not the worker's to complete.
        self.complete(batch, batch.rest, refused=True)

    def late(self, batch):
        time.sleep(max(batch.until - time.time(), 0) + self.random.uniform(-0.2, 2))
        self.complete(batch, batch.rest)
        self.heartbeat(batch)

    def vanishing(self, _):
        self.pause(1)

    def forging(self, batch):
        self.complete(batch, batch.rest, refused=True, token=batch.token + 1)
        self.steady(batch)

    # Reports.

    def heartbeat(self, batch):
        answer, _ = self.delivery.send(self.path(batch, "heartbeat"), {"token": batch.token})
        if answer.status == 200:
            self.ledger.write("extended", claim=batch.claim, until=seconds(answer.json["lease_expires_at"]))

    def complete(self, batch, units, refused=False, token=None):
        """Reports results, at times twice; `refused` where the server must not take them."""
        if not units:
            return
        results = [[unit, f"{self.name}/{batch.claim}/{'/'.join(map(str, unit))}"] for unit in units]
        if refused:
            results = [[unit, f"refused {stamp}"] for unit, stamp in results]
        body = {"token": token or batch.token, "seconds": self.random.random()}
        if batch.feature == EXPANSION:
            body["units"] = [{"id": self.names(batch, unit), "records": self.parts(batch, unit, stamp)}
                             for unit, stamp in results]
            results = [[unit, [part["stamp"] for part in sent["records"]]]
                       for (unit, _), sent in zip(results, body["units"])]
        else:
            body["records"] = [{**self.names(batch, unit), "stamp": stamp, **self.versions(batch)}
                               for unit, stamp in results]
        for _ in range(2 if self.chance(0.2) else 1):
            answer = self.report("complete", self.path(batch, "complete"), body, {409} if refused else {200, 409},
                                 keyed=self.chance(0.5), claim=batch.claim, results=results)
        if answer.status == 200:
            batch.rest = [unit for unit in batch.rest if unit not in units]

    def versions(self, batch):
        """At times the output is what it was: then nothing downstream has to run."""
        if batch.feature == "leaf" and self.chance(0.3):
            return {"metaxy_data_version_by_field": {"x": "same", "y": "same"}}
        return {}

    def parts(self, batch, unit, stamp):
        return [{**self.names(batch, unit), "part": part, "stamp": f"{stamp}/{part}"}
                for part in range(self.random.randint(0, 3))]

    @staticmethod
    def names(batch, unit):
        return dict(zip(UNITS[batch.feature][0], unit))

    @staticmethod
    def path(batch, what):
        return f"/v1/claims/{batch.claim}/{what}"


if __name__ == "__main__":
    Worker(*arguments()).live()
