"""The figures of a run, printed as they come."""
import json


class Report:
    def __init__(self):
        self.figures = []
        print(f"{'figure':<44}{'value':>12} {'unit':<10}{'CPU s':>8}  {'beside':<54}{'ratio':>7}", flush=True)

    def add(self, name, value, unit, cpu=None, beside=None, ratio=None):
        self.figures.append(
            {"figure": name, "value": value, "unit": unit, "cpu_seconds": cpu, "beside": beside, "ratio": ratio})
        shown = f"{value:,.0f}" if value >= 100 else f"{value:,.2f}"
        print(f"{name:<44}{shown:>12} {unit:<10}{'' if cpu is None else f'{cpu:.2f}':>8}  {beside or '':<54}"
              f"{'' if ratio is None else f'{ratio:.2f}':>7}", flush=True)

    def save(self, path, **about):
        path.write_text(json.dumps({**about, "figures": self.figures}, indent=1) + "\n")
