# What the database holds after the chaos, read past the server.
import json

ENTRIES = """
SELECT json_build_array(l.entry, f.key, l.feature_id = f.unit_storage, r.ids, l.kind, l.provenance, l.parents,
                        l.metadata ->> 'stamp', o.claim_id)
FROM lineage l
JOIN feature f ON l.feature_id IN (f.id, f.unit_storage)
JOIN record r ON r.rid = l.rid
    AND r.space_id = CASE WHEN l.feature_id = f.unit_storage THEN f.unit_space_id ELSE f.space_id END
JOIN operation o ON o.id = l.operation_id
ORDER BY l.entry
"""
CLAIMS = """
SELECT json_build_array(c.id, c.token, f.key, extract(epoch FROM c.claimed_at), extract(epoch FROM c.finished_at),
                        c.state, (
    SELECT json_agg(r.ids)
    FROM unnest(b.rids) AS u (rid)
    JOIN record r ON r.rid = u.rid AND r.space_id = coalesce(f.unit_space_id, f.space_id)))
FROM claim c
JOIN claim_batch b ON b.claim_id = c.id
JOIN feature f ON c.feature_id IN (f.id, f.unit_storage)
ORDER BY c.token
"""
HEADS = "SELECT entry FROM head"
WRITTEN, COMPUTED, LATE = 0, 1, 6


class Entry:
    """A version in the lineage."""

    def __init__(self, row):
        self.entry, self.feature, self.is_unit, ids, self.kind, versions, self.parents, self.stamp, self.claim = row
        self.ids = tuple(ids)
        self.provenance = sorted(version for version in versions or [] if version is not None)


class Claim:
    """A claim and the units that were handed out with it."""

    def __init__(self, row):
        self.id, self.token, self.feature, self.since, self.ended, self.state, units = row
        self.units = [tuple(ids) for ids in units]


class Stored:
    def __init__(self, database):
        self.entries = [Entry(json.loads(line)) for line in lines(database, ENTRIES)]
        self.claims = [Claim(json.loads(line)) for line in lines(database, CLAIMS)]
        self.heads = {int(line) for line in lines(database, HEADS)}


def lines(database, query):
    return database.sql(query, database="metaxy").splitlines()
