#!/usr/bin/env python3
"""Measures how small changes depend on how much there is.

usage: bench/growth.py METAXYD [--small N] [--large N] [--rounds R] [--huge-pages]

Two servers with their databases, of N records each, are asked in turn: 100 changed records are written, resolved twice, claimed and
given back twice, claimed again and completed. Prints medians and their ratio, of all rounds and of the first tenth of them.

Before the first round the files of the larger database are read once, as some kernels soon forget what was loaded; what is read
from the disk nonetheless is told. Ends by itself and leaves nothing behind: 10,000,000 records take 20 GB and five minutes.
"""
import argparse
import contextlib
import pathlib
import re
import statistics
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parent))

from huge_pages import HugePages  # noqa: E402
from load import Load  # noqa: E402
from server import Server  # noqa: E402
from workload import Workload  # noqa: E402

CHANGED = 100
CLAIMS = 3
# Rows of a request: a row is in memory twice, here and on its way.
STEP = 1_000_000
FIGURES = ["write", "resolve for the first time", "again", "claim of 256"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="the server's program, built for release")
    parser.add_argument("--small", type=int, default=100_000, help="records of the smaller database (100000)")
    parser.add_argument("--large", type=int, default=10_000_000, help="records of the larger (10000000)")
    parser.add_argument("--rounds", type=int, default=100, help="rounds (100)")
    parser.add_argument("--huge-pages", action="store_true", help="let PostgreSQL have huge pages while it runs; as root")
    return parser.parse_args()


class Side:
    """One of the two servers, loaded and at rest."""

    def __init__(self, server, records):
        self.server = server
        self.load = Load(server, workers=4)
        self.work = Workload("simple", records)
        self.seconds = {name: [] for name in FIGURES}
        self.load.push(self.work.graph(leaf_code="1"))
        for first in range(0, records, STEP):
            self.load.write(self.work.all_rows("a", range(first, min(first + STEP, records))))
        _, _, completed = self.load.drain(self.work.leaf, limit=1024)
        assert completed == records, f"{completed} of {records} records were completed"
        server.sql("VACUUM (ANALYZE); CHECKPOINT")

    def round(self, number):
        """One change and what follows from it."""
        written, _ = self.load.write(self.work.changed_rows(CHANGED, f"round {number}"))
        self.note("write", written)
        for name in ["resolve for the first time", "again"]:
            seconds, answer = self.load.resolve(self.work.leaf, limit=CHANGED)
            assert answer["counts"]["stale"] == CHANGED, answer["counts"]
            self.note(name, seconds)
        for claims in range(CLAIMS):
            if claims:
                self.load.release(claim)
            seconds, claim = self.load.claim(self.work.leaf, limit=256)
            assert len(claim["records"]) == CHANGED
            self.note("claim of 256", seconds)
        self.load.complete(claim)

    def note(self, name, seconds):
        self.seconds[name].append(seconds)

    def medians(self, share=1.0):
        """In milliseconds, of the first part of the rounds."""
        return [statistics.median(times[:max(1, int(len(times) * share))]) * 1000 for times in self.seconds.values()]


def disk_megabytes():
    """What this machine has read from its disks."""
    return int(re.search(r"^pgpgin (\d+)$", pathlib.Path("/proc/vmstat").read_text(), re.MULTILINE).group(1)) / 1024


def huge_pages(program, directory, is_wanted):
    """What lets two servers have huge pages: how many one takes it says once it has been started."""
    if not is_wanted:
        return contextlib.nullcontext()
    with Server(program, directory) as server:
        return HugePages(2 * int(server.sql("SHOW shared_memory_size_in_huge_pages")))


def report(small, large, share, title):
    print(f"{title:<36}{'small':>10}{'large':>10}{'ratio':>8}")
    for name, one, other in zip(FIGURES, small.medians(share), large.medians(share)):
        print(f"{name:<36}{one:>7.2f} ms{other:>7.2f} ms{other / one:>8.2f}", flush=True)


def main():
    options = arguments()
    with contextlib.ExitStack() as stack:
        places = [pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="metaxy-bench-")))
                  for _ in range(3)]
        for place in places:
            place.chmod(0o755)
        pages = stack.enter_context(huge_pages(options.program, places[2], options.huge_pages))
        servers = [stack.enter_context(Server(options.program, place)) for place in places[:2]]
        if pages:
            pages.check()
        large = Side(servers[1], options.large)
        small = Side(servers[0], options.small)
        large.server.read_files()
        before = disk_megabytes()
        for number in range(options.rounds):
            small.round(number)
            large.round(number)
        report(small, large, 0.1, f"the first {max(1, options.rounds // 10)} of {options.rounds} rounds")
        report(small, large, 1.0, f"all {options.rounds} rounds")
        print(f"read from the disk meanwhile: {disk_megabytes() - before:,.0f} MB")


if __name__ == "__main__":
    main()
