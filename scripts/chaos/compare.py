# Compares what the ledgers tell with what the database holds: every promise about claims that can be seen from outside.
import collections

from graph import EXPANSION
from stored import COMPUTED, LATE, WRITTEN
from told import ACCEPTED, REFUSED, UNKNOWN


class Finding:
    """A property: how often it was looked at, and where it does not hold."""

    def __init__(self, name):
        self.name = name
        self.checked = 0
        self.violations = []

    def expect(self, holds, violation):
        self.checked += 1
        if not holds:
            self.violations.append(violation)


def compare(stored, told):
    view = View(stored, told)
    return [rule(view) for rule in (
        acknowledged_once, provenance_as_handed_out, parents_as_handed_out, refused_nowhere, nothing_unsent,
        rows_once, claims_as_answered, tokens_increase, one_hand)]


class View:
    """Both sides, indexed."""

    def __init__(self, stored, told):
        self.stored = stored
        self.told = told
        self.by_entry = {entry.entry: entry for entry in stored.entries}
        self.results = collections.defaultdict(list)
        # How often something was written with a stamp; a version that is taken up again brings its stamp along.
        self.stamps = collections.Counter()
        for entry in stored.entries:
            if entry.kind in (WRITTEN, COMPUTED, LATE):
                self.stamps[entry.stamp] += 1
            if entry.kind in (COMPUTED, LATE) and (entry.feature != EXPANSION or entry.is_unit):
                self.results[entry.claim, entry.ids].append(entry)
        self.handed_out = {
            (claim, tuple(unit)): (provenance, parents)
            for claim, event in told.claims.items() for unit, provenance, parents in event["rows"]}

    def reported(self):
        """Versions that a worker made, with its claim and unit."""
        for (claim, unit), entries in self.results.items():
            for entry in entries:
                yield claim, unit, entry


def acknowledged_once(view):
    found = Finding("acknowledged results are in the lineage, once")
    for report in view.told.of("complete", ACCEPTED):
        for unit, stamp in report.results.items():
            entries = view.results[report.claim, unit]
            found.expect(len(entries) == 1 and has_stamp(view, entries[0], stamp),
                         f"claim {report.claim}, {unit}: {len(entries)} times, sent as {stamp}")
    return found


def has_stamp(view, entry, stamp):
    if entry.feature != EXPANSION:
        return entry.stamp == stamp
    # A late set of records does not become current, so it is not stored.
    return entry.kind == LATE or all(view.stamps[part] == 1 for part in stamp)


def provenance_as_handed_out(view):
    found = Finding("their provenance is the one handed out")
    for claim, unit, entry in view.reported():
        provenance, _ = view.handed_out.get((claim, unit), (None, None))
        found.expect(entry.provenance == provenance,
                     f"entry {entry.entry} of claim {claim}, {unit}: {entry.provenance}, handed out {provenance}")
    return found


def parents_as_handed_out(view):
    found = Finding("their parents are exactly those handed out")
    for claim, unit, entry in view.reported():
        _, parents = view.handed_out.get((claim, unit), (None, None))
        stamps = sorted(view.by_entry[parent].stamp for parent in entry.parents)
        found.expect(stamps == parents, f"entry {entry.entry} of claim {claim}, {unit}: {stamps}, handed out {parents}")
    return found


def refused_nowhere(view):
    found = Finding("results that were refused are nowhere")
    possible = {stamp for report in view.told.of("complete", ACCEPTED, UNKNOWN) for stamp in stamps_of(report)}
    for report in view.told.of("complete", REFUSED):
        for stamp in stamps_of(report):
            if stamp not in possible:
                found.expect(view.stamps[stamp] == 0, f"claim {report.claim}: {stamp} was refused and is stored")
    return found


def stamps_of(report):
    for stamp in report.results.values():
        yield from stamp if isinstance(stamp, list) else [stamp]


def nothing_unsent(view):
    found = Finding("nothing is stored that nobody sent")
    sent = {(report.claim, unit) for report in view.told.of("complete", ACCEPTED, UNKNOWN) for unit in report.results}
    for claim, unit, entry in view.reported():
        found.expect((claim, unit) in sent, f"entry {entry.entry} of claim {claim}, {unit} was not sent")
    return found


def rows_once(view):
    found = Finding("acknowledged rows of the root are there, once")
    for report in view.told.of("write", ACCEPTED):
        for unit, stamp in report.results.items():
            found.expect(view.stamps[stamp] == 1, f"{unit}: {view.stamps[stamp]} times, sent as {stamp}")
    return found


def claims_as_answered(view):
    found = Finding("claims are stored as they were answered")
    stored = {claim.id: claim for claim in view.stored.claims}
    for number, event in view.told.claims.items():
        claim = stored.get(number)
        units = {tuple(row[0]) for row in event["rows"]}
        found.expect(claim and claim.token == event["token"] and set(claim.units) == units,
                     f"claim {number}: answered {event['token']} with {len(units)} units")
    return found


def units_of(view):
    """For each unit its claims, in the order of their tokens."""
    claims = collections.defaultdict(list)
    for claim in view.stored.claims:
        for unit in claim.units:
            claims[claim.feature, unit].append(claim)
    return claims.items()


def tokens_increase(view):
    found = Finding("fencing tokens increase from claim to claim")
    tokens = collections.Counter(claim.token for claim in view.stored.claims)
    for token, count in tokens.items():
        found.expect(count == 1, f"token {token} was given {count} times")
    for unit, claims in units_of(view):
        for earlier, later in zip(claims, claims[1:]):
            found.expect(earlier.since < later.since,
                         f"{unit}: claim {later.id} has token {later.token} and is older than {earlier.id}")
    return found


def one_hand(view):
    """By the database's clock for leases, which here is the same as that of the workers."""
    found = Finding("no unit is in two hands at once")
    given_up = {}
    for report in view.told.reports:
        if report.what != "write" and report.outcome != REFUSED:
            for unit in report.units:
                place = report.claim, unit
                given_up[place] = min(report.at, given_up.get(place, report.at))
    for (feature, unit), claims in units_of(view):
        for earlier, later in zip(claims, claims[1:]):
            # A claim whose answer never arrived was held by nobody who knew of it.
            until = view.told.until.get(earlier.id, earlier.ended)
            until = min(until, given_up.get((earlier.id, unit), until))
            found.expect(until <= later.since, f"{feature} {unit}: claim {earlier.id} until {until}, "
                                               f"claim {later.id} from {later.since}")
    return found
