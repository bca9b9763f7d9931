# What the ledgers tell: what was handed out, what was reported, and what the server said to it.
import json

ACCEPTED, REFUSED, UNKNOWN = "accepted", "refused", "unknown"


class Report:
    """A request that was sent, and what became of it as far as its sender knows."""

    def __init__(self, event):
        self.what = event["what"]
        self.claim = event.get("claim")
        self.at = event["at"]
        self.results = {tuple(unit): stamp for unit, stamp in event.get("results", [])}
        self.units = {tuple(unit) for unit in event.get("units", [])} | set(self.results)
        self.outcome = UNKNOWN

    def answered(self, event):
        if event["status"] == 200:
            self.outcome = ACCEPTED
        elif event["certain"]:
            self.outcome = REFUSED


class Told:
    """All ledgers together."""

    def __init__(self, place):
        self.claims = {}
        self.until = {}
        self.reports = []
        for path in sorted(place.glob("*.ledger")):
            self._read(path)

    def _read(self, path):
        open_reports = {}
        # A last line that was cut off was never acted on.
        for line in path.read_bytes().split(b"\n")[:-1]:
            event = json.loads(line)
            match event["event"]:
                case "claimed":
                    self.claims[event["claim"]] = event
                    self._extend(event)
                case "extended":
                    self._extend(event)
                case "sending":
                    open_reports[event["request"]] = Report(event)
                    self.reports.append(open_reports[event["request"]])
                case "answered":
                    open_reports[event["request"]].answered(event)

    def _extend(self, event):
        """The latest moment until which a worker was told that it holds a claim."""
        self.until[event["claim"]] = max(event["until"], self.until.get(event["claim"], 0))

    def of(self, what, *outcomes):
        return [report for report in self.reports if report.what == what and report.outcome in outcomes]
