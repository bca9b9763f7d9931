"""Compares requests per second and CPU per request with the C baseline: compare.py [ROUNDS] [SECONDS] [--hummingbird]

"layer" is the HTTP layer under an application that does nothing else, "metaxyd" the program itself.

Each round runs the servers one after the other, on core 0, with wrk on core 1, so that what else the machine does hits
all alike; the ratios are taken within a round, and their medians printed.
"""

import re
import statistics
import subprocess
import sys

import bench

SHAPES = {"plain": [], "pipelined x16": ["-s", str(bench.HERE / "pipeline.lua")]}


def measure(process, port, seconds, extra):
    """Requests per second and CPU microseconds per request."""
    before = bench.cpu_seconds(process.pid)
    out = subprocess.run(
        ["taskset", "-c", "1", "wrk", "-t1", "-c64", f"-d{seconds}", *extra, f"http://127.0.0.1:{port}/livez"],
        check=True, capture_output=True, text=True).stdout
    requests = int(re.search(r"(\d+) requests in", out)[1])
    if "Non-2xx" in out or "Socket errors" in out:
        raise RuntimeError(out)
    return requests / seconds, (bench.cpu_seconds(process.pid) - before) / requests * 1e6


def main():
    numbers = [int(a) for a in sys.argv[1:] if a.isdigit()]
    rounds, seconds = (numbers + [5, 4][len(numbers):])[:2]
    programs = {"C": bench.build_baseline(), "layer": bench.build_server(), "metaxyd": bench.build_metaxyd()}
    if "--hummingbird" in sys.argv:
        programs["Hummingbird"] = bench.build_hummingbird()
    results = {(shape, name): [] for shape in SHAPES for name in programs}
    for _ in range(rounds):
        for shape, extra in SHAPES.items():
            for name, program in programs.items():
                start = bench.running_metaxyd(program, core=0) if name == "metaxyd" else bench.running(program, 1, core=0)
                with start as (process, port):
                    results[shape, name].append(measure(process, port, seconds, extra))
    print(f"{'':16}{'server':14}{'req/s':>10}{'CPU µs':>9}{'req/s : C':>11}{'CPU : C':>9}")
    for (shape, name), runs in results.items():
        base = results[shape, "C"]
        print(
            f"{shape:16}{name:14}{statistics.median(r[0] for r in runs):10.0f}{statistics.median(r[1] for r in runs):9.2f}"
            f"{statistics.median(r[0] / b[0] for r, b in zip(runs, base)):11.2f}"
            f"{statistics.median(r[1] / b[1] for r, b in zip(runs, base)):9.2f}")


if __name__ == "__main__":
    main()
