-- Dropping superseded versions: tables lineage_part, lineage_horizon, and tables of one run.
-- Statements that create, attach and drop partitions are made in LineageParts.swift: names and bounds cannot be parameters.
-- Kinds of versions: 3 deleted, 5 rebased, 6 late.

-- name: retention_enter
-- Makes this session the one that drops history. The number is arbitrary.
-- columns: boolean
SELECT pg_try_advisory_lock(1297373275);

-- name: retention_leave
-- Lets other sessions drop history.
-- columns: boolean
SELECT pg_advisory_unlock(1297373275);

-- name: retention_pause
-- Waits for 50 ms.
-- columns: void
SELECT pg_sleep(0.05);

-- name: retention_gates
-- Finds the lineage tables that a broken-off run has left with a bound.
-- columns: text
SELECT c.conrelid::regclass::text FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid
WHERE t.relnamespace = quote_ident(current_schema())::regnamespace AND t.relispartition
    AND t.relname ~ '^lineage_[0-9]+_[0-9]+$' AND c.conname = t.relname || '_gate';

-- name: retention_orphans
-- Finds the lineage tables that a broken-off run has left unattached.
-- columns: text
SELECT oid::regclass::text FROM pg_class
WHERE relnamespace = quote_ident(current_schema())::regnamespace AND relkind = 'r' AND NOT relispartition
    AND relname ~ '^lineage_[0-9]+_[0-9]+$';

-- name: retention_transaction
-- Reads the id of this transaction and of the oldest that may still run.
-- columns: text, text
SELECT pg_current_xact_id()::text, pg_snapshot_xmin(pg_current_snapshot())::text;

-- name: retention_behind
-- Whether a session may read as of a moment before a transaction committed.
-- parameters: text
-- columns: boolean
SELECT EXISTS (
    SELECT FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
        AND age(backend_xmin) >= age($1::text::xid8::xid));

-- name: retention_horizons
-- Reads up to where superseded versions of features may be missing.
-- parameters: integer[]
-- columns: integer, timestamptz, bigint
SELECT feature_id, at, entry FROM lineage_horizon WHERE feature_id = ANY ($1::integer[]);

-- name: retention_raise
-- Moves the horizon of features on. It never goes back.
-- parameters: integer[], timestamptz, bigint
INSERT INTO lineage_horizon AS h (feature_id, at, entry) SELECT f, $2, $3 FROM unnest($1::integer[]) AS f
ON CONFLICT (feature_id) DO UPDATE
SET at = greatest(h.at, excluded.at), entry = greatest(h.entry, excluded.entry);

-- name: part_all
-- Reads the lineage tables of a feature in the order of their entries.
-- parameters: integer
-- columns: integer, bigint
SELECT part, first_entry FROM lineage_part WHERE feature_id = $1 ORDER BY first_entry NULLS FIRST;

-- name: part_bound
-- Reads an entry number far ahead of the sequence.
-- parameters: bigint
-- columns: bigint
SELECT last_value + $1 FROM lineage_entry_sequence;

-- name: superseded_depth
-- Whether versions were found at a distance from what is current.
-- parameters: integer
-- columns: boolean
-- unprepared
SELECT EXISTS (SELECT FROM retention_needed WHERE depth = $1);

-- name: superseded_find
-- Finds the versions of a feature that nothing needs and no rule keeps.
-- The innermost query numbers the versions of each record from the newest, and finds when and by which entry each stopped
-- being current, which rebased versions stand for the same one (run), and what a tombstone would be restored to.
-- parameters: bigint, timestamptz, bigint
-- unprepared
INSERT INTO superseded_{feature}
SELECT entry, until, next FROM (
    SELECT *, is_kept OR kind <> 6 AND coalesce(entry < max(entry)
        FILTER (WHERE is_kept AND kind = 5) OVER (PARTITION BY rid, run), false)
        AS stays
    FROM (
        SELECT v.entry, v.rid, v.kind, v.run,
            CASE WHEN kind <> 6 THEN v.until END AS until, CASE WHEN kind <> 6 THEN v.next END AS next,
            coalesce(v.age <= $1::bigint, false)
                OR coalesce(CASE WHEN kind <> 6 THEN coalesce(v.until, 'infinity') ELSE v.written_at END
                    >= $2::timestamptz, false)
                OR coalesce(v.entry = h.entry, false)
                OR coalesce(h.state = 1 AND v.entry = v.restorable, false)
                OR EXISTS (SELECT FROM retention_needed n WHERE n.entry = v.entry) AS is_kept
        FROM (
            SELECT l.entry, l.rid, l.kind, l.written_at, row_number() OVER newest AS age,
                min(l.written_at) FILTER (WHERE kind <> 6) OVER newer AS until,
                min(l.entry) FILTER (WHERE kind <> 6) OVER newer AS next,
                max(l.entry) FILTER (WHERE l.kind NOT IN (3, 6) AND l.provenance IS NOT NULL) OVER (PARTITION BY l.rid) AS restorable,
                count(*) FILTER (WHERE kind <> 6 AND kind <> 5)
                    OVER (PARTITION BY l.rid ORDER BY l.entry) AS run
            FROM lineage_{feature} l
            WINDOW newest AS (PARTITION BY l.rid ORDER BY l.entry DESC),
                newer AS (PARTITION BY l.rid ORDER BY l.entry DESC
                    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
        ) v
        LEFT JOIN head_{feature} h ON h.rid = v.rid
    ) k
) s
WHERE NOT stays AND ($3::bigint IS NULL OR entry < $3);

-- name: superseded_count
-- Counts the found versions and all versions of a feature.
-- columns: bigint, bigint, timestamptz, bigint
-- unprepared
SELECT count(*), (SELECT count(*) FROM lineage_{feature}), max(until), max(next) FROM superseded_{feature};

-- name: superseded_edges
-- Reads which feature depends on which, by any definition that was ever pushed.
-- columns: integer, integer
SELECT DISTINCT u.id, s.id
FROM definition d
JOIN feature f ON f.id = d.feature_id
CROSS JOIN LATERAL (VALUES (f.id), (f.unit_storage)) AS s (id)
CROSS JOIN LATERAL json_array_elements(d.spec -> 'deps') AS dep
JOIN feature u ON u.key = dep ->> 'feature'
WHERE s.id IS NOT NULL;
