"""The Metaxy library at the same work, as a process that does one step after the other as it is told.

Run by bench/peer/run with the Python that has requirements.txt installed: library.py SOCKET DATABASE GRAPH RECORDS. A
line of standard input is a step, a line of standard output what it took: seconds, CPU seconds of this process, rows.
"""
import json
import pathlib
import resource
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import polars  # noqa: E402
from metaxy import BaseFeature, FeatureGraph, FeatureSpec, MetaxyConfig  # noqa: E402
from metaxy.ext.postgresql import PostgreSQLMetadataStore  # noqa: E402
from workload import Workload  # noqa: E402


class Library:
    """A graph in the library's own store, with its own default hash."""

    def __init__(self, store, work):
        self.store = store
        self.work = work
        self.features = {}
        self.increment = None
        for feature in work.graph("1")["features"]:
            spec = FeatureSpec.model_validate(feature["spec"])
            name = str(spec.key).replace("/", "_")
            # Features are classes, whose annotations are the id columns.
            self.features[feature["spec"]["key"]] = type(BaseFeature)(
                name, (BaseFeature,), {"__annotations__": {"sample_uid": str}, "__module__": __name__}, spec=spec)

    def write(self, version, count=None):
        """Rows of the roots: all, or `count` changed ones. That they become frames is not counted."""
        bodies = self.work.all_rows(version) if count is None else self.work.changed_rows(count, version)
        frames = [(key, polars.read_ndjson(b"".join(pieces))) for key, pieces in bodies]

        def step():
            for key, frame in frames:
                self.store.write(self.features[key], frame)
            return sum(len(frame) for _, frame in frames)
        return step

    def renew(self, version, count):
        """Finds which of `count` changed rows of the first root differ from what is stored, and writes these."""
        (key, pieces), = self.work.changed_rows(count, version)
        frame = polars.read_ndjson(b"".join(pieces))

        def step():
            increment = self.store.resolve_update(self.features[key], samples=frame).to_polars()
            frames = [part for part in (increment.new, increment.stale) if len(part)]
            for part in frames:
                self.store.write(self.features[key], part)
            return sum(map(len, frames))
        return step

    def resolve(self):
        def step():
            self.increment = self.store.resolve_update(self.features[self.work.leaf]).to_polars()
            return len(self.increment.new) + len(self.increment.stale)
        return step

    def compute(self):
        """Writes what the last resolve found, as a worker would that did it all."""
        def step():
            frames = [frame for frame in (self.increment.new, self.increment.stale) if len(frame)]
            for frame in frames:
                self.store.write(self.features[self.work.leaf], frame)
            return sum(map(len, frames))
        return step


def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main(socket, database, graph, records):
    MetaxyConfig.set(MetaxyConfig(project="bench"))
    with FeatureGraph().use():
        store = PostgreSQLMetadataStore(
            connection_params={"host": socket, "user": "postgres", "database": database}, auto_create_tables=True)
        library = Library(store, Workload(graph, int(records)))
        with store.open("w"):
            for line in sys.stdin:
                name, *arguments = json.loads(line)
                step = getattr(library, name)(*arguments)
                start, used = time.perf_counter(), cpu()
                rows = step()
                taken = {"seconds": time.perf_counter() - start, "cpu": cpu() - used, "rows": rows,
                         "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
                print(json.dumps(taken), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
