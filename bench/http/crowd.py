"""Latency of ordinary requests to metaxyd while others misbehave, and its memory afterwards: crowd.py [PROGRAM]

2,000 connections that never finish their head, 500 that never read what they asked for, and a flood of resets; each
ordinary request opens its own connection. Prints the latencies of each phase, and what is left open afterwards.
"""

import socket
import struct
import sys
import threading
import time

import bench

# The largest answer that needs no database: 100 KB.
LARGE = b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n"


def ordinary(port, seconds):
    """Latencies of requests made one after the other, in milliseconds, sorted."""
    latencies = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        start = time.monotonic()
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(bench.GET)
            bench.read_answer(connection)
        latencies.append((time.monotonic() - start) * 1e3)
    return sorted(latencies)


def report(phase, latencies):
    print(
        f"{phase:34}{len(latencies):7} requests, median {latencies[len(latencies) // 2]:6.2f} ms, "
        f"99 % {latencies[len(latencies) * 99 // 100]:6.2f} ms, slowest {latencies[-1]:6.2f} ms")


def trickle(crowd, stop):
    """A byte to each of the crowd, over and over."""
    while not stop.is_set():
        for connection in crowd:
            if stop.is_set():
                return
            try:
                connection.sendall(b"x")
            except OSError:
                pass
            time.sleep(0.0005)


def reset_flood(port, stop, count):
    while not stop.is_set() and count[0] < 10_000:
        connection = socket.create_connection(("127.0.0.1", port))
        connection.sendall(LARGE)
        connection.recv(1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        count[0] += 1


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else bench.build_metaxyd()
    with bench.running_metaxyd(program) as (process, port):
        report("alone", ordinary(port, 3))
        descriptors, memory = bench.descriptors(process.pid), bench.memory_bytes(process.pid)
        crowd = [socket.create_connection(("127.0.0.1", port)) for _ in range(2_000)]
        for connection in crowd:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX: ")
        stop = threading.Event()
        thread = threading.Thread(target=trickle, args=(crowd, stop))
        thread.start()
        report("with 2,000 unfinished heads", ordinary(port, 3))
        stop.set()
        thread.join()
        deaf = []
        for _ in range(500):
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", port))
            connection.sendall(LARGE * 10)
            deaf.append(connection)
        report("and 500 that do not read", ordinary(port, 3))
        stop, count = threading.Event(), [0]
        thread = threading.Thread(target=reset_flood, args=(port, stop, count))
        thread.start()
        latencies = ordinary(port, 3)
        stop.set()
        thread.join()
        report(f"and {count[0]} resets", latencies)
        print(f"memory {bench.memory_bytes(process.pid) / 1e6:.0f} MB with all of them")
        for connection in crowd + deaf:
            connection.close()
        # The loops notice within a moment; lingering takes 5 s at most.
        for _ in range(80):
            if bench.descriptors(process.pid) <= descriptors:
                break
            time.sleep(0.1)
        # The server looks about once a second whether a crowd has gone.
        time.sleep(3)
        print(f"memory {bench.memory_bytes(process.pid) / 1e6:.0f} MB afterwards, {memory / 1e6:.0f} MB before")
        print(f"descriptors {descriptors} before, {bench.descriptors(process.pid)} after")


if __name__ == "__main__":
    main()
