"""CPU that a POST of ten records takes of the server outside the database: post.py [ROUNDS] [SECONDS]

The body, 1.6 KB of JSON, is written to a root. Outside the database is what the threads of the HTTP layer and of the API
do: reading the request, reading and checking the rows, and answering. It is measured

- "refused": with a body that breaks off at its last byte, so that all of it is read and the database never asked;
- "unchanged", "new": with records that are stored already, and new ones, each request with others than those that are under
  way, by thread: "http" is the above, "pg" what works on the records and talks to PostgreSQL.

64 connections; server on core 0, wrk on core 1 and PostgreSQL on both. `GET /livez` beside it says how fast the machine is
at the moment.
"""

import collections
import hashlib
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import urllib.request

import bench

ROOT = {"key": "video/raw", "id_columns": ["video_id"], "fields": [
    {"key": "audio", "code_version": "1"}, {"key": "frames", "code_version": "1"}]}
LEAF = {"key": "leaf", "id_columns": ["video_id"], "deps": [{"feature": "video/raw"}], "fields": [
    {"key": "y", "code_version": "1"}]}
GRAPH = {"project": "p", "features": [{"spec": ROOT}, {"spec": LEAF}]}

CONNECTIONS = 64

# Ten rows a request, as long as those of `body`, of LAST records.
ROWS = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local n = 0
local hex = "0123456789abcdef0123456789abcd"
request = function()
  local rows = {}
  for i = 1, 10 do
    n = n % LAST + 1
    rows[i] = string.format('{"video_id":"START-%d","path":"s3://bucket/n%d.mp4","metaxy_provenance_by_field":' ..
      '{"audio":"%s%d","frames":"%s%d"}}', n, n, hex, n % 90 + 10, hex, n % 90 + 10)
  end
  return wrk.format(nil, nil, nil, '{"records":[' .. table.concat(rows, ",") .. ']}')
end
"""


def body():
    """Ten records."""
    rows = [{
        "video_id": f"v{i}", "path": f"s3://bucket/v{i}.mp4",
        "metaxy_provenance_by_field": {
            field: hashlib.sha256(f"{field}{i}".encode()).hexdigest()[:32] for field in ("audio", "frames")}}
        for i in range(10)]
    return json.dumps({"records": rows}, separators=(",", ":"))


def rows(start, last):
    """A script that posts rows of so many records, one after the other, and begins anew."""
    return ROWS.replace("START", start).replace("LAST", str(last))


def constant(text):
    """A script that posts the same body over and over."""
    return f'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\nwrk.body = [=[{text}]=]\n'


def cpu_by_thread(pid):
    """CPU seconds by kind of thread."""
    seconds = collections.Counter()
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        kind = (task / "comm").read_text().strip().split("-")[0]
        seconds["pg" if kind == "pg" else "http"] += int((task / "schedstat").read_text().split()[0]) / 1e9
    return seconds


def measure(process, port, path, script, seconds):
    """Requests and CPU microseconds of each by kind of thread."""
    before = cpu_by_thread(process.pid)
    options = ["-s", script] if script else []
    out = subprocess.run(
        ["taskset", "-c", "1", "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}", *options, f"http://127.0.0.1:{port}{path}"],
        check=True, capture_output=True, text=True).stdout
    requests = int(re.search(r"(\d+) requests in", out)[1])
    after = cpu_by_thread(process.pid)
    return requests, {kind: (after[kind] - before[kind]) / requests * 1e6 for kind in ("http", "pg")}


def main():
    numbers = [int(a) for a in sys.argv[1:]]
    rounds, seconds = (numbers + [5, 2][len(numbers):])[:2]
    results = collections.defaultdict(list)
    with tempfile.TemporaryDirectory() as directory, bench.running_metaxyd(bench.build_metaxyd()) as (process, port):
        for thread in os.listdir(f"/proc/{process.pid}/task"):
            subprocess.run(["taskset", "-p", "-c", "0", thread], check=False, stdout=subprocess.DEVNULL)
        push = urllib.request.Request(
            f"http://127.0.0.1:{port}/v1/push", json.dumps(GRAPH).encode(), {"Content-Type": "application/json"})
        urllib.request.urlopen(push).close()
        for number in range(rounds):
            scripts = {
                "unchanged": rows("u", 20 * CONNECTIONS), "refused": constant(body()[:-1]),
                "new": rows(f"r{number}", 10**9)}
            results["GET /livez"].append(measure(process, port, "/livez", None, seconds))
            for name, text in scripts.items():
                script = pathlib.Path(directory, "script.lua")
                script.write_text(text)
                results[name].append(measure(process, port, "/v1/records/video/raw", script, seconds))
    print(f"{len(body())} bytes{'':6}{'requests/s':>12}{'http µs':>10}{'pg µs':>10}")
    for name, runs in results.items():
        rate = statistics.median(r[0] for r in runs) / seconds
        times = "".join(f"{statistics.median(r[1][kind] for r in runs):10.1f}" for kind in ("http", "pg"))
        print(f"{name:16}{rate:12.0f}{times}")


if __name__ == "__main__":
    main()
