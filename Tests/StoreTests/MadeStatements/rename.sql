-- Judges the units of a range.
WITH d0 AS MATERIALIZED (
SELECT u.rid AS unit, (coalesce(h.data_version, h.provenance))[1] AS v1
FROM record_2 u
JOIN record_1 r ON r.key = (SELECT decode(m[2] || m[1], 'hex') FROM regexp_match(encode(u.key, 'hex'), '^((?:02|03|11.{16}|12.{4}(?:3[0-9])*|10.{4}(?:c[6-9a-f])*|20(?:00ff|0[1-9a-f]|[1-9a-f].)*00))((?:02|03|11.{16}|12.{4}(?:3[0-9])*|10.{4}(?:c[6-9a-f])*|20(?:00ff|0[1-9a-f]|[1-9a-f].)*00))$') m)
JOIN head_1 h ON h.rid = r.rid
WHERE u.rid >= $1 AND u.rid < $2 AND h.state = 0
), h AS MATERIALIZED (
SELECT rid, state, provenance FROM head_2 WHERE rid >= $1 AND rid < $2
), joined AS (
SELECT u.unit, h.state, (d0.unit IS NOT NULL) AS is_expected,
       ARRAY[
    left(encode(sha256(convert_to($4::text || d0.v1, 'UTF8')), 'hex'), 32),
    left(encode(sha256(convert_to($5::text || d0.v1, 'UTF8')), 'hex'), 32)
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
-- $4: text("a|1|frame.image|")
-- $5: text("b|2|frame.image|")
