-- Units whose work failed: table failure.

-- name: failure_read
-- Reads the failures of units.
-- parameters: integer, bigint[]
-- columns: bigint, integer, timestamptz, text, text, timestamptz, timestamptz, text[], boolean, integer, integer
SELECT f.rid, f.attempts, f.retry_at, f.error, f.worker, f.first_at, f.last_at, f.provenance,
       f.attempts = 0 OR f.retry_at <= clock_timestamp(), f.expiries, f.batch_max
FROM unnest((SELECT $2::bigint[])) AS u (rid)
JOIN failure f ON f.feature_id = $1 AND f.rid = u.rid;

-- name: failure_write
-- Notes failures. The first time is kept while the provenance is the same.
-- parameters: integer, bigint, text, text, bigint[], integer[], jsonb[], double precision[], integer[], integer[]
INSERT INTO failure AS f (rid, definition_id, first_at, last_at, retry_at, feature_id, attempts, worker, error,
                          provenance, expiries, batch_max)
SELECT u.rid, $2, clock_timestamp(), clock_timestamp(),
       CASE WHEN u.delay >= 0 THEN clock_timestamp() + make_interval(secs => u.delay) END,
       $1, u.attempts, $3, $4, ARRAY(SELECT jsonb_array_elements_text(u.provenance)),
       u.expiries, nullif(u.batch_max, 0)
FROM unnest($5::bigint[], $6::integer[], $7::jsonb[], $8::double precision[], $9::integer[], $10::integer[])
    AS u (rid, attempts, provenance, delay, expiries, batch_max)
ORDER BY u.rid
ON CONFLICT (feature_id, rid) DO UPDATE SET
    definition_id = excluded.definition_id, last_at = excluded.last_at, retry_at = excluded.retry_at,
    first_at = CASE WHEN f.provenance = excluded.provenance THEN f.first_at ELSE excluded.first_at END,
    attempts = excluded.attempts, worker = excluded.worker, error = excluded.error,
    provenance = excluded.provenance, expiries = excluded.expiries, batch_max = excluded.batch_max;

-- name: failure_clear
-- Deletes the failures of units.
-- parameters: integer, bigint[]
DELETE FROM failure WHERE feature_id = $1 AND rid = ANY ($2::bigint[]);

-- name: failure_due
-- Finds the parked units whose time to be tried again has come.
-- parameters: integer, bigint
-- columns: bigint
SELECT f.rid FROM failure f
JOIN work w ON w.feature_id = f.feature_id AND w.block = (f.rid >> 10)::integer
WHERE f.feature_id = $1 AND f.retry_at <= clock_timestamp()
  AND get_bit(w.parked, (f.rid & 1023)::integer) = 1
ORDER BY f.retry_at LIMIT $2;

-- name: failure_page
-- Reads failures in the order of record ids. Units that only were in batches whose lease ran out are left out.
-- parameters: integer, bigint, bigint
-- columns: bigint, integer, timestamptz, text, text, timestamptz, timestamptz, text[], boolean, integer, integer
SELECT f.rid, f.attempts, f.retry_at, f.error, f.worker, f.first_at, f.last_at, f.provenance,
       f.attempts = 0 OR f.retry_at <= clock_timestamp(), f.expiries, f.batch_max
FROM failure f
WHERE f.feature_id = $1 AND f.rid > $2 AND f.attempts > 0 ORDER BY f.rid LIMIT $3;
