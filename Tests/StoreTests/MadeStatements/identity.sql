-- Judges the units of a range.
WITH d0 AS MATERIALIZED (
SELECT h.rid AS unit, (coalesce(h.data_version, h.provenance))[1] AS v1, (coalesce(h.data_version, h.provenance))[2] AS v2
FROM head_1 h
WHERE h.rid >= $1 AND h.rid < $2 AND h.state = 0
), h AS MATERIALIZED (
SELECT rid, state, provenance FROM head_2 WHERE rid >= $1 AND rid < $2
), joined AS (
SELECT u.unit, h.state, (d0.unit IS NOT NULL) AS is_expected,
       ARRAY[
    left(encode(sha256(convert_to($4::text || d0.v1 || $5::text || d0.v2, 'UTF8')), 'hex'), 32),
    left(encode(sha256(convert_to($6::text || d0.v1 || $5::text || d0.v2, 'UTF8')), 'hex'), 32)
]::text[] AS expected, ARRAY[h.provenance[1], h.provenance[2]]::text[] AS actual
FROM (SELECT rid AS unit FROM h UNION SELECT unit FROM d0) u LEFT JOIN h ON h.rid = u.unit
LEFT JOIN d0 ON d0.unit = u.unit
), judged AS MATERIALIZED (
SELECT j.unit, CASE WHEN j.is_expected THEN j.expected END AS expected,
       CASE WHEN NOT j.is_expected THEN CASE WHEN j.state = 0 THEN 'orphaned' ELSE 'absent' END
            WHEN j.state IS NULL THEN 'new'
            WHEN j.expected = j.actual AND array_position(j.expected, NULL) IS NULL
            THEN CASE j.state WHEN 0 THEN 'up_to_date' ELSE 'suppressed' END
            ELSE CASE j.state WHEN 0 THEN 'stale' ELSE 'new' END END AS state,
       coalesce(get_bit(w.dirty | w.leased | w.parked, (j.unit & 1023)::integer) = 1, false) AS candidate,
       coalesce(get_bit(w.parked, (j.unit & 1023)::integer) = 1, false) AS parked
FROM joined j LEFT JOIN work w ON w.feature_id = 2 AND w.block = (j.unit >> 10)::integer
)
SELECT c.count, j.unit, j.state, j.expected
FROM (SELECT count(*) FROM judged) c LEFT JOIN judged j
    ON j.unit % $3 = 0 OR (j.state IN ('new', 'stale') AND (j.parked OR NOT j.candidate))
       OR (j.state = 'orphaned' AND NOT j.candidate);
-- $1: int8(0)
-- $2: int8(1024)
-- $3: int8(64)
-- $4: text("a|1|video.audio|")
-- $5: text("|video.frames|")
-- $6: text("b|2|video.audio|")

-- identity_list_2_2
SELECT u.rid,
    NULL::bytea,
    h.entry,
    h.definition_id,
    h.state,
    h.provenance[1],
    h.provenance[2],
    d0.entry,
    NULL::jsonb,
    (coalesce(d0.data_version, d0.provenance))[1],
    (coalesce(d0.data_version, d0.provenance))[2]
FROM unnest((SELECT $1::bigint[])) AS u (rid)
LEFT JOIN head_2 h ON h.rid = u.rid
LEFT JOIN head_1 d0 ON d0.rid = u.rid AND d0.state = 0;

-- identity_range_2_2
SELECT u.rid,
    NULL::bytea,
    h.entry,
    h.definition_id,
    h.state,
    h.provenance[1],
    h.provenance[2],
    d0.entry,
    NULL::jsonb,
    (coalesce(d0.data_version, d0.provenance))[1],
    (coalesce(d0.data_version, d0.provenance))[2]
FROM (SELECT rid, key FROM record_2 WHERE rid >= $1 AND rid <= $2) u
LEFT JOIN (SELECT * FROM head_2 WHERE rid >= $1 AND rid <= $2) h ON h.rid = u.rid
LEFT JOIN (SELECT * FROM head_1 WHERE rid >= $1 AND rid <= $2 AND state <> 1) d0
    ON d0.rid = u.rid;

-- identity_list_all_2_2
SELECT u.rid,
    coalesce(d0.key, h.key, (SELECT r.key FROM record_2 r WHERE r.rid = u.rid)),
    h.entry,
    h.definition_id,
    h.state,
    h.provenance[1],
    h.provenance[2],
    d0.entry,
    l0.metadata,
    (coalesce(d0.data_version, d0.provenance))[1],
    (coalesce(d0.data_version, d0.provenance))[2]
FROM unnest((SELECT $1::bigint[])) AS u (rid)
LEFT JOIN head_2 h ON h.rid = u.rid
LEFT JOIN head_1 d0 ON d0.rid = u.rid AND d0.state = 0
LEFT JOIN lineage_1 l0
    ON l0.rid = d0.rid AND l0.entry = d0.entry;

-- identity_range_all_2_2
SELECT u.rid,
    u.key,
    h.entry,
    h.definition_id,
    h.state,
    h.provenance[1],
    h.provenance[2],
    d0.entry,
    l0.metadata,
    (coalesce(d0.data_version, d0.provenance))[1],
    (coalesce(d0.data_version, d0.provenance))[2]
FROM (SELECT rid, key FROM record_2 WHERE rid >= $1 AND rid <= $2) u
LEFT JOIN (SELECT * FROM head_2 WHERE rid >= $1 AND rid <= $2) h ON h.rid = u.rid
LEFT JOIN (SELECT * FROM head_1 WHERE rid >= $1 AND rid <= $2 AND state <> 1) d0
    ON d0.rid = u.rid
LEFT JOIN (SELECT * FROM lineage_1 WHERE rid >= $1 AND rid <= $2) l0
    ON l0.rid = d0.rid AND l0.entry = d0.entry;
