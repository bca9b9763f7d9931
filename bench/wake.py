#!/usr/bin/env python3
"""Measures how long a worker that waits for work waits too long.

usage: bench/wake.py METAXYD [--waiters N] [--writes N] [--gap MILLISECONDS]

Two servers share a database. N claims wait on each, for a feature of its own below the same root; records are written to
the root on the first server, one at a time, so that each write makes work for one claim of either server. From the end of
the write (its answer: a little after the commit) to the answer of the claim, and, as an upper bound, from the beginning of
the write. Ends by itself and leaves nothing behind.
"""
import argparse
import json
import pathlib
import random
import resource
import selectors
import socket
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parent))

from server import Server  # noqa: E402

WAIT_SECONDS = 60
DEADLINE_SECONDS = 300
GRAPH = {"project": "bench", "features": [
    {"spec": {"key": "bench/root", "id_columns": ["id"], "fields": [{"key": "a"}]}},
    *({"spec": {"key": f"bench/{server}", "id_columns": ["id"], "fields": [{"key": "x"}],
                "deps": [{"feature": "bench/root"}]}} for server in ("same", "other"))]}


class Client:
    """A connection that has one request under way at a time."""

    def __init__(self, port, selector):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        selector.register(self.socket, selectors.EVENT_READ, self)

    def send(self, target, body, kind="application/json"):
        self.received = b""
        head = (f"POST {target} HTTP/1.1\r\nHost: bench\r\nContent-Type: {kind}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n")
        self.socket.sendall(head.encode() + body)

    def answer(self):
        """The status of the answer once all of it is there, None before."""
        piece = self.socket.recv(1 << 16)
        if not piece:
            raise SystemExit("a server closed a connection")
        self.received += piece
        head, end, body = self.received.partition(b"\r\n\r\n")
        if not end:
            return None
        fields = {name.lower(): value.strip() for name, _, value in
                  (line.partition(b":") for line in head.split(b"\r\n")[1:])}
        if fields.get(b"transfer-encoding") == b"chunked":
            is_whole = body.endswith(b"0\r\n\r\n")
        else:
            is_whole = len(body) >= int(fields.get(b"content-length", b"0"))
        return int(head.split(b" ", 2)[1]) if is_whole else None


class Measurement:
    def __init__(self, ports, waiters):
        self.selector = selectors.DefaultSelector()
        self.end = time.monotonic() + DEADLINE_SECONDS
        self.writer = Client(ports[0], self.selector)
        self.call(self.writer, "/v1/push", json.dumps(GRAPH).encode())
        self.claims = {}
        for server, port in zip(("same", "other"), ports):
            for _ in range(waiters):
                client = Client(port, self.selector)
                self.claims[client] = server
                self.claim(client)
        self.seconds = {"same": [], "other": []}
        self.bounds = {"same": [], "other": []}

    def claim(self, client):
        body = {"feature": f"bench/{self.claims[client]}", "worker": "bench", "limit": 1, "lease_seconds": 3600,
                "wait_seconds": WAIT_SECONDS}
        client.send("/v1/claims", json.dumps(body).encode())

    def events(self, seconds):
        """What is answered within so many seconds; claims that waited in vain ask again."""
        if time.monotonic() > self.end:
            raise SystemExit(f"not done within {DEADLINE_SECONDS} seconds")
        for key, _ in self.selector.select(seconds):
            status = key.data.answer()
            now = time.perf_counter()
            if status == 204 and key.data in self.claims:
                self.claim(key.data)
            elif status is not None:
                if status >= 300:
                    raise SystemExit(key.data.received.decode())
                yield key.data, now

    def call(self, client, target, body, kind="application/json"):
        client.send(target, body, kind)
        while not any(who is client for who, _ in self.events(1)):
            pass

    def write(self, number):
        start = time.perf_counter()
        row = json.dumps({"id": f"r{number}", "metaxy_provenance_by_field": {"a": "1"}}) + "\n"
        self.writer.send("/v1/records/bench/root", row.encode(), "application/x-ndjson")
        written, answered = None, {}
        while written is None or len(answered) < 2:
            for client, now in self.events(1):
                if client is self.writer:
                    written = now
                else:
                    answered[self.claims[client]] = now
                    self.claim(client)
        for server, now in answered.items():
            self.seconds[server].append(max(now - written, 0))
            self.bounds[server].append(now - start)

    def rest(self, seconds):
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            for _ in self.events(left):
                raise SystemExit("a claim was answered and nothing was written")


def milliseconds(values, share):
    return sorted(values)[min(int(len(values) * share), len(values) - 1)] * 1_000


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="the server's program, built for release")
    parser.add_argument("--waiters", type=int, default=1_000, help="claims that wait on each server (1000)")
    parser.add_argument("--writes", type=int, default=300, help="writes (300)")
    parser.add_argument("--gap", type=float, default=50, help="milliseconds between two writes on the average (50)")
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory(prefix="metaxy-wake-") as directory:
        directory = pathlib.Path(directory)
        directory.chmod(0o755)
        (directory / "first").mkdir()
        (directory / "second").mkdir()
        with Server(options.program, directory / "first") as first:
            database = f"host={first.directory}/socket user=metaxy dbname=metaxy"
            with Server(options.program, directory / "second", database) as second:
                measurement = Measurement([first.port, second.port], options.waiters)
                gaps = random.Random(1)
                measurement.rest(3)
                for number in range(options.writes):
                    measurement.write(number)
                    measurement.rest(gaps.uniform(0, 2) * options.gap / 1_000)
    print(f"{options.waiters} waiting on each server, {options.writes} writes, {options.gap:g} ms apart")
    print(f"{'server':<8}{'p50 ms':>10}{'p99 ms':>10}{'from the beginning of the write: p50':>40}{'p99 ms':>10}")
    for server in ("same", "other"):
        values, bounds = measurement.seconds[server], measurement.bounds[server]
        print(f"{server:<8}{milliseconds(values, 0.5):>10.1f}{milliseconds(values, 0.99):>10.1f}"
              f"{milliseconds(bounds, 0.5):>40.1f}{milliseconds(bounds, 0.99):>10.1f}")


if __name__ == "__main__":
    main()
