"""The benchmark graphs of the Metaxy library, and their rows."""
import hashlib
import random


class Workload:
    """`simple`: a root of two fields and a leaf of one. `wide`: two roots of four fields and a leaf of two."""

    def __init__(self, graph, records):
        self.records = records
        self.roots = {"simple": ["bench/root"], "wide": ["bench/left", "bench/right"]}[graph]
        self.fields = [f"field_{number}" for number in range({"simple": 2, "wide": 4}[graph])]
        self.leaf_fields = self.fields[:{"simple": 1, "wide": 2}[graph]]
        self.leaf = "bench/leaf"
        self.rows = records * len(self.roots)

    def graph(self, leaf_code):
        def feature(key, fields, deps, code):
            spec = {"key": key, "id_columns": ["sample_uid"],
                    "fields": [{"key": field, "code_version": code} for field in fields]}
            if deps:
                spec["deps"] = [{"feature": dep, **self._selection(dep)} for dep in deps]
            return {"spec": spec}
        roots = [feature(key, self.fields, [], "1") for key in self.roots]
        return {"project": "bench", "features": roots + [feature(self.leaf, self.leaf_fields, self.roots, leaf_code)]}

    def _selection(self, dep):
        """Two roots bring columns of the same names; the leaf wants those of the first."""
        return {} if dep == self.roots[0] else {"select": []}

    def all_rows(self, version, numbers=None):
        """For each root, all of its rows or those of some numbers, as pieces of NDJSON."""
        numbers = range(self.records) if numbers is None else numbers
        return [(key, self._pieces(key, numbers, version)) for key in self.roots]

    def changed_rows(self, count, version):
        """For the first root, `count` of its rows, each with another version."""
        ids = sorted(random.Random(version).sample(range(self.records), count))
        return [(self.roots[0], self._pieces(self.roots[0], ids, version))]

    def _pieces(self, key, ids, version, size=2_000):
        lines = []
        for number in ids:
            lines.append(self.row(key, number, version))
            if len(lines) == size:
                yield "".join(lines).encode()
                lines = []
        if lines:
            yield "".join(lines).encode()

    def row(self, key, number, version):
        digest = hashlib.md5(f"{key}{version}{number}".encode()).hexdigest()
        versions = ",".join(f'"{field}":"{digest[place:place + 16]}"' for place, field in enumerate(self.fields))
        return (f'{{"sample_uid":"sample_{number:08}","path":"s3://bucket/dataset/part-{number % 1000:04}/'
                f'sample_{number:08}.mp4","size":{number * 37 % 100000},"metaxy_provenance_by_field":{{{versions}}}}}\n')
