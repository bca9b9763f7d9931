#!/usr/bin/env python3
"""Measures what people do while others do something large.

usage: bench/beside.py METAXYD [--records N] [--seconds S]

- How long a write of 256 records to the root takes alone, and while its leaf is resolved, everything is verified, and the code
  of the leaf is bumped, over and over for S seconds each.
- What workers claim and complete a second of N records, with and without a REPEATABLE READ snapshot held open all along, and
  how many dead row versions it leaves under that snapshot, which lets nobody take them away.
- Claims of one record a second, and the CPU of each, of one worker and of 32 at a time.

Ends by itself and leaves nothing behind.
"""
import argparse
import contextlib
import http.client
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parent))

from load import Load  # noqa: E402
from server import Server  # noqa: E402
from workload import Workload  # noqa: E402

WRITE = 256


class Writer(threading.Thread):
    """Writes new records to the root, a batch after the other, until it is told to end."""

    def __init__(self, server, work, first):
        super().__init__(daemon=True)
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)
        self.work, self.next, self.seconds, self.stop = work, first, [], threading.Event()

    def run(self):
        root = self.work.roots[0]
        while not self.stop.is_set():
            rows = "".join(self.work.row(root, number, "a") for number in range(self.next, self.next + WRITE))
            self.next += WRITE
            start = time.perf_counter()
            self.connection.request("POST", f"/v1/records/{root}", rows.encode(), {"Content-Type": "application/x-ndjson"})
            response = self.connection.getresponse()
            answer = response.read()
            self.seconds.append(time.perf_counter() - start)
            if response.status != 200:
                raise SystemExit(f"{response.status}: {answer.decode()}")
            time.sleep(0.005)


def beside(name, server, work, first, seconds, act):
    """The latencies of writes while `act` is done over and over; answers where the next writer begins."""
    writer = Writer(server, work, first)
    writer.start()
    end, rounds = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        act()
        rounds += 1
    writer.stop.set()
    writer.join()
    times = sorted(value * 1e3 for value in writer.seconds)
    print(f"write of {WRITE} beside {name:34} median {statistics.median(times):6.1f} ms, 99 % {times[len(times) * 99 // 100]:6.1f}"
          f" ms, most {times[-1]:6.1f} ms ({len(times)} writes, {rounds} rounds)", flush=True)
    return writer.next


@contextlib.contextmanager
def snapshot(server):
    """A session that reads as of now, all along."""
    sql = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM feature; SELECT pg_sleep(3600);"
    holder = threading.Thread(target=hold, args=(server, sql), daemon=True)
    holder.start()
    while server.sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(3600)%' AND pid <> pg_backend_pid()") == "0":
        time.sleep(0.1)
    try:
        yield
    finally:
        server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(3600)%'"
                   " AND pid <> pg_backend_pid()")
        holder.join()


def hold(server, sql):
    try:
        server.sql(sql)
    except SystemExit:
        pass


def dead_rows(server):
    """Dead row versions of all tables, counted one by one."""
    server.sql("CREATE EXTENSION IF NOT EXISTS pgstattuple SCHEMA pg_catalog")
    return int(server.sql("SELECT sum((pgstattuple(oid)).dead_tuple_count) FROM pg_class"
                          " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"))


def claims(server, leaf, count, seconds):
    """Claims of one record by `count` workers at a time: a second, and microseconds of CPU each."""
    made, stop = [0] * count, time.monotonic() + seconds
    body = json.dumps({"feature": leaf, "worker": "small", "limit": 1}).encode()

    def claim(place):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)
        while time.monotonic() < stop:
            connection.request("POST", "/v1/claims", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            response.read()
            if response.status != 201 and response.status != 200:
                raise SystemExit(f"a claim was answered with {response.status}")
            made[place] += 1

    cpu = server.cpu_seconds()
    threads = [threading.Thread(target=claim, args=(place,)) for place in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = sum(made)
    print(f"claims of 1 by {count:2} at a time: {total / seconds:8,.0f} a second, "
          f"{(server.cpu_seconds() - cpu) / total * 1e6:6,.0f} us of CPU each", flush=True)


@contextlib.contextmanager
def server(program):
    """A server on an empty database."""
    with tempfile.TemporaryDirectory(prefix="metaxy-bench-") as directory:
        pathlib.Path(directory).chmod(0o755)
        with Server(program, pathlib.Path(directory)) as started:
            yield started


def prepare(started, work):
    """Fills the root; answers what to send requests with, and what bumps the code of the leaf."""
    load = Load(started, 4)
    code = iter(range(1, 1_000_000))

    def bump():
        load.push(work.graph(leaf_code=str(next(code))))

    bump()
    load.write(work.all_rows("a"))
    return load, bump


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="the server's program, built for release")
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3, help="with and without a snapshot (3)")
    given = parser.parse_args()
    work = Workload("simple", given.records)
    with server(given.program) as started:
        load, bump = prepare(started, work)
        first = beside("nothing", started, work, given.records, given.seconds, lambda: time.sleep(0.1))
        first = beside("a resolve of the leaf", started, work, first, given.seconds,
                       lambda: load.resolve_stream(work.leaf))
        first = beside("a verification of everything", started, work, first, given.seconds,
                       lambda: load._post("/v1/admin/verify", b"{}"))
        beside("code bumps of the leaf", started, work, first, given.seconds, bump)
    with server(given.program) as started:
        prepare(started, work)
        claims(started, work.leaf, 1, given.seconds)
        claims(started, work.leaf, 32, given.seconds)
    rates = {False: [], True: []}
    for is_held in [False, True] * given.rounds:
        with server(given.program) as started:
            load, _ = prepare(started, work)
            with snapshot(started) if is_held else contextlib.nullcontext():
                before = dead_rows(started) if is_held else None
                seconds, cpu, completed = load.drain(work.leaf, limit=1024)
                left = f", {(dead_rows(started) - before) / completed:.2%} dead rows" if is_held else ""
            rates[is_held].append(completed / seconds)
            print(f"claim and complete{', a snapshot held' if is_held else '':18} {completed / seconds:8,.0f} records/s, "
                  f"{cpu / completed * 1e6:4,.0f} us of CPU each{left}", flush=True)
    print(f"of that without a snapshot, median: {statistics.median(rates[True]) / statistics.median(rates[False]):.2f}")


if __name__ == "__main__":
    main()
