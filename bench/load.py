"""What orchestrators and workers do, timed."""
import http.client
import json
import multiprocessing
import re
import time

COUNTS = re.compile(rb'"completed":(\d+)')
# Ids are all that a worker must send back.
IDS = re.compile(rb'"sample_uid":"[^"]*"')
CLAIM = re.compile(rb'"claim_id":"?(\d+)"?.*?"token":"?(\d+)"?', re.DOTALL)


class Load:
    """Requests to a server; times in seconds, CPU in seconds of the server and PostgreSQL."""

    def __init__(self, server, workers):
        self.server = server
        self.workers = workers
        self.push_seconds = 0.0

    def push(self, graph):
        self.push_seconds, _ = self._post("/v1/push", json.dumps(graph).encode())

    def write(self, bodies):
        """Streams rows; the time to make them is not counted, as they are made before."""
        prepared = [(key, list(pieces)) for key, pieces in bodies]
        cpu = self.server.cpu_seconds()
        start = time.perf_counter()
        for key, pieces in prepared:
            connection = self._connection()
            connection.request("POST", f"/v1/records/{key}", iter(pieces), {"Content-Type": "application/x-ndjson"},
                               encode_chunked=True)
            self._answer(connection)
        return time.perf_counter() - start, self.server.cpu_seconds() - cpu

    def resolve(self, feature, limit):
        return self._post(f"/v1/resolve/{feature}", json.dumps({"limit": limit}).encode())

    def resolve_stream(self, feature):
        """Reads an increment to its end and counts its lines."""
        cpu = self.server.cpu_seconds()
        start = time.perf_counter()
        connection = self._connection()
        connection.request("POST", f"/v1/resolve/{feature}", b"{}",
                           {"Content-Type": "application/json", "Accept": "application/x-ndjson"})
        response = connection.getresponse()
        lines = 0
        while piece := response.read(1 << 18):
            lines += piece.count(b"\n")
        return time.perf_counter() - start, self.server.cpu_seconds() - cpu, lines

    def claim(self, feature, limit, wait=0):
        body = {"feature": feature, "worker": "bench", "limit": limit, "lease_seconds": 600, "wait_seconds": wait}
        return self._post("/v1/claims", json.dumps(body).encode())

    def complete(self, claim):
        records = [{"sample_uid": record["sample_uid"]} for record in claim["records"]]
        self._post(f"/v1/claims/{claim['claim_id']}/complete",
                   json.dumps({"token": claim["token"], "records": records}).encode())

    def release(self, claim):
        self._post(f"/v1/claims/{claim['claim_id']}/release", json.dumps({"token": claim["token"]}).encode())

    def drain(self, feature, limit):
        """Workers claim and complete until there is nothing left."""
        cpu = self.server.cpu_seconds()
        wal = self.server.wal_position()
        start = time.perf_counter()
        # Closed and joined: to be told to end, as `with` does it, a process may miss that has a handler of its own for it.
        pool = multiprocessing.Pool(self.workers)
        try:
            completed = sum(pool.starmap(work, [(self.server.port, feature, limit)] * self.workers))
        finally:
            pool.close()
            pool.join()
        seconds = time.perf_counter() - start
        self.server.wal_of_last = self.server.wal_position() - wal
        return seconds, self.server.cpu_seconds() - cpu, completed

    def _connection(self):
        return http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=3600)

    def _post(self, path, body):
        connection = self._connection()
        start = time.perf_counter()
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        answer = self._answer(connection)
        return time.perf_counter() - start, json.loads(answer) if answer else None

    @staticmethod
    def _answer(connection):
        response = connection.getresponse()
        answer = response.read()
        if response.status >= 300:
            raise SystemExit(f"{response.status}: {answer.decode()}")
        return answer


def work(port, feature, limit):
    """One worker: what it sends is cut out of what it got, so that it takes little of the machine."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    ask = json.dumps({"feature": feature, "worker": "bench", "limit": limit, "lease_seconds": 600}).encode()
    headers = {"Content-Type": "application/json"}
    completed = 0
    while True:
        connection.request("POST", "/v1/claims", ask, headers)
        response = connection.getresponse()
        answer = response.read()
        if response.status == 204:
            return completed
        claim, token = CLAIM.search(answer).groups()
        records = b",".join(b'{%s,"score":0.5,"model":"detector-large","uri":"s3://bucket/results/part-0001/%d"}'
                            % (identity, place) for place, identity in enumerate(IDS.findall(answer)))
        connection.request("POST", f"/v1/claims/{claim.decode()}/complete",
                           b'{"token":%s,"seconds":1.0,"records":[%s]}' % (token, records), headers)
        response = connection.getresponse()
        answer = response.read()
        if response.status != 200:
            raise SystemExit(f"{response.status}: {answer.decode()}")
        completed += int(COUNTS.search(answer).group(1))
