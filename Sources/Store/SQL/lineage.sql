-- Versions of records: tables lineage_{feature}, erasure. Kinds: 3 deleted, 5 rebased, 6 late (never current).

-- name: lineage_entries
-- Reads the entries of known records.
-- parameters: bigint[], bigint[]
-- columns: bigint, bigint, bigint, smallint, timestamptz, text[], text[], bigint[], bigint[], integer[], jsonb
-- columns: bigint, text, text, text, text
SELECT l.entry, l.rid, l.definition_id, l.kind, l.written_at, l.provenance, l.data_version, l.parents,
       l.parent_records, l.parent_counts, l.metadata, o.claim_id, o.worker, o.materialization_id, o.token_name,
       o.request_id
FROM unnest((SELECT $1::bigint[]), (SELECT $2::bigint[])) AS u (rid, entry)
JOIN lineage_{feature} l ON l.rid = u.rid AND l.entry = u.entry
JOIN operation o ON o.id = l.operation_id;

-- name: lineage_metadata
-- Reads the metadata of entries.
-- parameters: bigint[], bigint[]
-- columns: bigint, jsonb
SELECT l.entry, l.metadata FROM unnest((SELECT $1::bigint[]), (SELECT $2::bigint[])) AS u (rid, entry)
JOIN lineage_{feature} l ON l.rid = u.rid AND l.entry = u.entry WHERE l.metadata IS NOT NULL;

-- name: lineage_history
-- Reads the versions of a record before an entry, newest first.
-- parameters: bigint, bigint, bigint
-- columns: bigint, bigint, bigint, smallint, timestamptz, text[], text[], bigint[], bigint[], integer[], jsonb
-- columns: bigint, text, text, text, text
SELECT l.entry, l.rid, l.definition_id, l.kind, l.written_at, l.provenance, l.data_version, l.parents,
       l.parent_records, l.parent_counts, l.metadata, o.claim_id, o.worker, o.materialization_id, o.token_name,
       o.request_id
FROM lineage_{feature} l JOIN operation o ON o.id = l.operation_id
WHERE l.rid = $1 AND l.entry < $2 ORDER BY l.entry DESC LIMIT $3;

-- name: lineage_as_of
-- Reads the version of a record that was current at a time.
-- parameters: bigint, timestamptz
-- columns: bigint, bigint, bigint, smallint, timestamptz, text[], text[], bigint[], bigint[], integer[], jsonb
-- columns: bigint, text, text, text, text
SELECT l.entry, l.rid, l.definition_id, l.kind, l.written_at, l.provenance, l.data_version, l.parents,
       l.parent_records, l.parent_counts, l.metadata, o.claim_id, o.worker, o.materialization_id, o.token_name,
       o.request_id
FROM lineage_{feature} l JOIN operation o ON o.id = l.operation_id
WHERE l.rid = $1 AND l.written_at <= $2 AND l.kind <> 6
ORDER BY l.entry DESC LIMIT 1;

-- name: lineage_children
-- Reads the versions of records that were made from any of some entries.
-- parameters: bigint[], bigint[]
-- columns: bigint, bigint, bigint, smallint, timestamptz, text[], text[], bigint[], bigint[], integer[], jsonb
-- columns: bigint, text, text, text, text
SELECT l.entry, l.rid, l.definition_id, l.kind, l.written_at, l.provenance, l.data_version, l.parents,
       l.parent_records, l.parent_counts, l.metadata, o.claim_id, o.worker, o.materialization_id, o.token_name,
       o.request_id
FROM lineage_{feature} l JOIN operation o ON o.id = l.operation_id
WHERE l.rid = ANY ($1::bigint[]) AND l.parents && $2::bigint[] ORDER BY l.entry;

-- name: lineage_before_tombstone
-- Reads the newest version of each record that was current, is no tombstone and was not erased.
-- parameters: bigint[]
-- columns: bigint, bigint, bigint, smallint, timestamptz, text[], text[], bigint[], bigint[], integer[], jsonb
-- columns: bigint, text, text, text, text
SELECT DISTINCT ON (l.rid) l.entry, l.rid, l.definition_id, l.kind, l.written_at, l.provenance, l.data_version, l.parents,
       l.parent_records, l.parent_counts, l.metadata, o.claim_id, o.worker, o.materialization_id, o.token_name,
       o.request_id
FROM unnest((SELECT $1::bigint[])) AS u (rid)
JOIN lineage_{feature} l ON l.rid = u.rid
JOIN operation o ON o.id = l.operation_id
WHERE l.kind NOT IN (3, 6)
  AND l.provenance IS NOT NULL
ORDER BY l.rid, l.entry DESC;

-- name: lineage_moved
-- Finds the records whose data has changed since an entry, other than by a rebase.
-- parameters: bigint[], bigint[]
-- columns: bigint, bigint
SELECT u.rid, u.entry FROM unnest((SELECT $1::bigint[]), (SELECT $2::bigint[])) AS u (rid, entry) WHERE EXISTS (
    SELECT FROM (
        SELECT l.kind, coalesce(l.data_version, l.provenance) AS data,
               lag(coalesce(l.data_version, l.provenance)) OVER (ORDER BY l.entry) AS before, l.entry
        FROM lineage_{feature} l
        WHERE l.rid = u.rid AND l.entry >= u.entry AND l.kind <> 6
    ) v
    WHERE v.entry > u.entry AND v.kind <> 5
      AND v.data IS DISTINCT FROM v.before);

-- name: lineage_before
-- Reads the newest version of each record before an entry, other than those of an operation.
-- parameters: bigint[], bigint[], bigint[]
-- columns: bigint, bigint, bigint, smallint, timestamptz, text[], text[], bigint[], bigint[], integer[], jsonb
-- columns: bigint, text, text, text, text
SELECT DISTINCT ON (l.rid) l.entry, l.rid, l.definition_id, l.kind, l.written_at, l.provenance, l.data_version, l.parents,
       l.parent_records, l.parent_counts, l.metadata, o.claim_id, o.worker, o.materialization_id, o.token_name,
       o.request_id
FROM unnest((SELECT $1::bigint[]), (SELECT $2::bigint[]), (SELECT $3::bigint[])) AS u (rid, entry, operation)
JOIN lineage_{feature} l ON l.rid = u.rid AND l.entry < u.entry AND l.operation_id <> u.operation
JOIN operation o ON o.id = l.operation_id
WHERE l.kind <> 6
ORDER BY l.rid, l.entry DESC;

-- name: lineage_ends
-- Finds the entry that followed an entry of each record.
-- parameters: bigint[], bigint[]
-- columns: bigint, bigint, bigint, bigint
SELECT DISTINCT ON (u.rid) u.rid, l.entry, l.operation_id, e.operation_id
FROM unnest((SELECT $1::bigint[]), (SELECT $2::bigint[])) AS u (rid, entry)
JOIN lineage_{feature} e ON e.rid = u.rid AND e.entry = u.entry
JOIN lineage_{feature} l ON l.rid = u.rid AND l.entry > u.entry
WHERE l.kind <> 6
ORDER BY u.rid, l.entry;

-- name: lineage_current
-- Reads a page of current versions in the order of record ids.
-- parameters: bigint, bigint, boolean
-- columns: bigint, bigint, bigint, smallint, timestamptz, text[], text[], bigint[], bigint[], integer[], jsonb
-- columns: bigint, text, text, text, text
SELECT l.entry, l.rid, l.definition_id, l.kind, l.written_at, l.provenance, l.data_version, l.parents,
       l.parent_records, l.parent_counts, l.metadata, o.claim_id, o.worker, o.materialization_id, o.token_name,
       o.request_id
FROM (
    SELECT rid, entry FROM head_{feature} WHERE rid > $1 AND (state = 0 OR $3) ORDER BY rid LIMIT $2
) h
JOIN lineage_{feature} l ON l.rid = h.rid AND l.entry = h.entry
JOIN operation o ON o.id = l.operation_id
ORDER BY l.rid;

-- name: lineage_latest
-- Reads the newest selected version of each record, a page in the order of record ids.
-- parameters: bigint, bigint, bigint[], timestamptz
-- columns: bigint, bigint, bigint, smallint, timestamptz, text[], text[], bigint[], bigint[], integer[], jsonb
-- columns: bigint, text, text, text, text
SELECT DISTINCT ON (l.rid) l.entry, l.rid, l.definition_id, l.kind, l.written_at, l.provenance, l.data_version, l.parents,
       l.parent_records, l.parent_counts, l.metadata, o.claim_id, o.worker, o.materialization_id, o.token_name,
       o.request_id
FROM lineage_{feature} l JOIN operation o ON o.id = l.operation_id
WHERE l.rid > $1 AND ($3::bigint[] IS NULL OR l.definition_id = ANY ($3))
  AND ($4::timestamptz IS NULL OR l.written_at <= $4) AND l.kind <> 6
  AND l.provenance IS NOT NULL
ORDER BY l.rid, l.entry DESC LIMIT $2;

-- name: lineage_heads
-- Reads the newest version of each record under some definitions.
-- parameters: bigint[], bigint[]
-- columns: bigint, bigint, bigint, smallint, timestamptz, text[], text[], bigint[], bigint[], integer[], jsonb
-- columns: bigint, text, text, text, text
SELECT DISTINCT ON (l.rid) l.entry, l.rid, l.definition_id, l.kind, l.written_at, l.provenance, l.data_version, l.parents,
       l.parent_records, l.parent_counts, l.metadata, o.claim_id, o.worker, o.materialization_id, o.token_name,
       o.request_id
FROM unnest((SELECT $1::bigint[])) AS u (rid)
JOIN lineage_{feature} l ON l.rid = u.rid AND l.definition_id = ANY ($2::bigint[])
JOIN operation o ON o.id = l.operation_id
WHERE l.kind <> 6 AND l.provenance IS NOT NULL
ORDER BY l.rid, l.entry DESC;

-- name: lineage_versions
-- Reads a page of versions in the order of record ids and entries.
-- parameters: bigint, bigint, bigint, bigint[], timestamptz
-- columns: bigint, bigint, bigint, smallint, timestamptz, text[], text[], bigint[], bigint[], integer[], jsonb
-- columns: bigint, text, text, text, text
SELECT l.entry, l.rid, l.definition_id, l.kind, l.written_at, l.provenance, l.data_version, l.parents,
       l.parent_records, l.parent_counts, l.metadata, o.claim_id, o.worker, o.materialization_id, o.token_name,
       o.request_id
FROM lineage_{feature} l JOIN operation o ON o.id = l.operation_id
WHERE (l.rid, l.entry) > ($1, $2) AND ($4::bigint[] IS NULL OR l.definition_id = ANY ($4))
  AND ($5::timestamptz IS NULL OR l.written_at <= $5) AND l.provenance IS NOT NULL
ORDER BY l.rid, l.entry LIMIT $3;
