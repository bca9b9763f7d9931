-- Record ids and links between records and units: tables record_{space}, link.
-- A list is `(SELECT $1)`: the planner then expects a short one, and looks each row up (docs/decisions/0014).

-- name: record_find
-- Finds the record ids of keys.
-- parameters: bytea[]
-- columns: bigint, bigint
SELECT k.ordinal, r.rid
FROM unnest((SELECT $1::bytea[])) WITH ORDINALITY AS k (key, ordinal)
JOIN record_{space} r ON r.key = k.key;

-- name: record_keys
-- Reads the keys of records.
-- parameters: bigint[]
-- columns: bigint, bytea
SELECT r.rid, r.key FROM unnest((SELECT $1::bigint[])) AS u (rid) JOIN record_{space} r ON r.rid = u.rid;

-- name: record_keys_in_order
-- Reads the keys of records in the order of the list.
-- parameters: bigint[]
-- columns: bytea
SELECT r.key FROM unnest((SELECT $1::bigint[])) WITH ORDINALITY AS u (rid, ordinal)
JOIN record_{space} r ON r.rid = u.rid ORDER BY u.ordinal;

-- name: record_range
-- Reads the record ids of a range.
-- parameters: bigint, bigint
-- columns: bigint
SELECT rid FROM record_{space} WHERE rid >= $1 AND rid < $2 ORDER BY rid;

-- name: record_last
-- Reads the largest record id, or -1.
-- columns: bigint
SELECT coalesce(max(rid), -1) FROM record_{space};

-- name: record_insert
-- Gives ids to new keys. Keys come in their own order, so that two transactions cannot deadlock.
-- parameters: bytea[], jsonb[]
-- columns: bigint
INSERT INTO record_{space} (rid, space_id, key, ids)
SELECT nextval('record_{space}_sequence'), {space}, k.key, k.ids
FROM unnest($1::bytea[], $2::jsonb[]) AS k (key, ids)
ON CONFLICT (key) DO NOTHING
RETURNING rid;

-- name: link_records
-- Reads the records of units, in the order of their keys.
-- parameters: integer, integer, bigint[]
-- columns: bigint, bigint
SELECT l.rid, l.unit FROM unnest((SELECT $3::bigint[])) AS u (unit)
JOIN link l ON l.feature_id = $1 AND l.record_of = $2 AND l.unit = u.unit
JOIN record_{space} r ON r.rid = l.rid
ORDER BY l.unit, r.key;

-- name: link_units
-- Reads the units of records.
-- parameters: integer, integer, bigint[]
-- columns: bigint, bigint
SELECT l.rid, l.unit FROM unnest((SELECT $3::bigint[])) AS u (rid)
JOIN link l ON l.feature_id = $1 AND l.record_of = $2 AND l.rid = u.rid;

-- name: link_range
-- Reads the links of the records of a range.
-- parameters: integer, integer, bigint, bigint
-- columns: bigint, bigint
SELECT rid, unit FROM link WHERE feature_id = $1 AND record_of = $2 AND rid >= $3 AND rid < $4;

-- name: link_set
-- Links records to units.
-- parameters: integer, integer, bigint[], bigint[]
INSERT INTO link AS l (rid, unit, feature_id, record_of)
SELECT u.rid, u.unit, $1, $2 FROM unnest($3::bigint[], $4::bigint[]) AS u (rid, unit) ORDER BY u.rid
ON CONFLICT (feature_id, record_of, rid) DO UPDATE SET unit = excluded.unit WHERE l.unit <> excluded.unit;

-- name: link_remove
-- Removes the links of records.
-- parameters: integer, integer, bigint[]
DELETE FROM link WHERE feature_id = $1 AND record_of = $2 AND rid = ANY ($3::bigint[]);

-- name: link_clear
-- Removes all links between two features.
-- parameters: integer, integer
DELETE FROM link WHERE feature_id = $1 AND record_of = $2;
