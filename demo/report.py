# The tables that the demo prints, and the check of their numbers.
import sys

from graph import FIELDS


class Report:
    """Prints, and remembers every number that is not as expected."""

    def __init__(self):
        self.checked = 0
        self.differences = []
        # Whether an empty line is missing before what comes next.
        self.needs_space = False
        # Seconds that each computation took when it last ran, by (feature, field, id).
        self.costs = {}

    def title(self, text):
        if self.needs_space:
            print()
        print(f"\033[1m{text}\033[0m" if sys.stdout.isatty() else text, flush=True)
        self.needs_space = True

    def line(self, text=""):
        print(f"   {text}".rstrip(), flush=True)
        self.needs_space = bool(text)

    def expect(self, what, found, expected):
        self.checked += 1
        if found != expected:
            self.differences.append(f"{what}: expected {expected}, found {found}")
            self.line(f"DIFFERENT {self.differences[-1]}")

    def increment(self, part, increments, expected):
        """What the server says is to be done: for each feature the answer of a resolve.

        `expected` has the stale fields and their causes, as text, by feature.
        """
        columns = ["new", "stale", "blocked", "up_to_date"]
        rows = []
        for feature, answer in increments.items():
            causes = sorted({
                f"{field}: {' and '.join(found)}"
                for record in answer["records"] for field, found in record["metaxy_causes"].items()
            })
            rows.append([feature] + [answer["counts"][column] for column in columns] + [", ".join(causes)])
            self.expect(f"{part}: what is stale in {feature}", ", ".join(causes), expected.get(feature, ""))
        self._table("<>>>><", ["to do, says the server", *columns, "fields, and why"], rows)

    def recomputed(self, part, computed, ids, expected):
        """What was computed: events of the workers, of which `expected` says how many there are for each field."""
        rows, spent, saved = [], 0.0, 0.0
        for feature, field in FIELDS:
            events = [event for event in computed if (event["feature"], event["field"]) == (feature, field)]
            times = {event["id"]: event["seconds"] for event in events}
            skipped = [name for name in ids if name not in times]
            seconds = sum(event["seconds"] for event in events)
            kept = sum(self.costs.get((feature, field, name), 0.0) for name in skipped)
            self.costs.update({(feature, field, name): cost for name, cost in times.items()})
            rows.append([f"{feature}.{field}", len(events), len(skipped), f"{seconds:.2f} s", f"{kept:.2f} s"])
            spent, saved = spent + seconds, saved + kept
            wanted = expected.get((feature, field), 0)
            self.expect(f"{part}: {feature}.{field} recomputed", len(events), wanted)
            self.expect(f"{part}: {feature}.{field} skipped", len(skipped), len(ids) - wanted)
        rows.append(["together", sum(row[1] for row in rows), sum(row[2] for row in rows),
                     f"{spent:.2f} s", f"{saved:.2f} s"])
        self._table("<>>>>", ["field", "recomputed", "skipped", "computing", "saved"], rows)

    def _table(self, alignment, head, rows):
        """Prints rows in columns; `alignment` has < for words and > for numbers."""
        texts = [[str(cell) for cell in row] for row in [head, *rows]]
        widths = [max(map(len, column)) for column in zip(*texts)]
        for row in texts:
            cells = [f"{cell:{side}{width}}" for cell, side, width in zip(row, alignment, widths)]
            self.line("  ".join(cells).rstrip())
        self.line()
