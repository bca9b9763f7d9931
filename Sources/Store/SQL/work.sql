-- The work bitmaps and what is derived from them: tables work, ready_block, draining, drain_watch.

-- name: work_with_work
-- Finds the features that have something to hand out, or failed units that are due.
-- parameters: integer[]
-- columns: integer
SELECT u.feature_id FROM unnest($1::integer[]) AS u (feature_id)
WHERE EXISTS (SELECT FROM ready_block r WHERE r.feature_id = u.feature_id)
   OR EXISTS (SELECT FROM failure f WHERE f.feature_id = u.feature_id AND f.retry_at <= clock_timestamp());

-- name: work_is_contended
-- Whether a feature has ready blocks after a position other than the given ones.
-- parameters: integer, timestamptz, integer, integer[]
-- columns: boolean
SELECT EXISTS (
    SELECT FROM ready_block r
    WHERE r.feature_id = $1 AND (r.since, r.block) > ($2, $3) AND r.block <> ALL ($4));

-- name: work_counts
-- Counts the pending units of each feature by state.
-- columns: integer, bigint, bigint, bigint, timestamptz, bigint
SELECT w.feature_id, sum(bit_count(w.dirty & ~w.leased))::bigint, sum(bit_count(w.leased))::bigint,
       sum(bit_count(w.parked))::bigint, min(r.since),
       sum(bit_count((w.dirty | w.leased | w.parked) & ~coalesce(p.live, 0::bit(1024))))::bigint
FROM work w LEFT JOIN presence p ON p.feature_id = w.feature_id AND p.block = w.block
LEFT JOIN ready_block r ON r.feature_id = w.feature_id AND r.block = w.block
WHERE w.active GROUP BY w.feature_id;

-- name: drain_enter
-- Takes the watch over finished features until the end of the transaction. The number is arbitrary; it spells DRAN.
-- columns: boolean
SELECT pg_try_advisory_xact_lock(1146241358);

-- name: drain_state
-- Reads up to where the log was looked through, and the features that had work then.
-- columns: bigint, bigint, integer[]
SELECT w.position, w.operation_id, ARRAY(SELECT feature_id FROM draining ORDER BY feature_id)
FROM drain_watch w;

-- name: drain_busy
-- Finds the features in which a unit is dirty or leased.
-- parameters: integer[]
-- columns: integer
SELECT u.feature_id FROM unnest($1::integer[]) AS u (feature_id)
WHERE EXISTS (
    SELECT FROM work w WHERE w.feature_id = u.feature_id AND w.active AND bit_count(w.dirty | w.leased) > 0);

-- name: drain_seen
-- Stores up to where the log was looked through.
-- parameters: bigint, bigint
UPDATE drain_watch SET position = $1, operation_id = $2;

-- name: drain_keep
-- Stores which features have work.
-- parameters: integer[]
WITH gone AS (DELETE FROM draining WHERE feature_id <> ALL ($1::integer[]))
INSERT INTO draining (feature_id) SELECT unnest($1::integer[]) ON CONFLICT DO NOTHING;

-- name: activity_failures
-- Counts failing and quarantined units by feature. A failed unit that is not parked counts as pending or claimed.
-- columns: integer, bigint, bigint
SELECT f.feature_id, count(*) FILTER (WHERE f.retry_at IS NOT NULL), count(*) FILTER (WHERE f.retry_at IS NULL)
FROM failure f JOIN work w ON w.feature_id = f.feature_id AND w.block = (f.rid >> 10)::integer
WHERE f.attempts > 0 AND get_bit(w.parked, (f.rid & 1023)::integer) = 1 GROUP BY f.feature_id;

-- name: activity_finished
-- Counts the units that the newest claims have finished within some seconds, by feature.
-- parameters: bigint, double precision
-- columns: integer, bigint
SELECT c.feature_id, sum(bit_count(c.finished))::bigint
FROM (SELECT feature_id, finished, claimed_at FROM claim ORDER BY id DESC LIMIT $1) c
WHERE c.claimed_at > clock_timestamp() - make_interval(secs => $2) GROUP BY c.feature_id;

-- name: activity_now
-- Reads the clock of the database.
-- columns: timestamptz
SELECT clock_timestamp();

-- name: work_notice_send
-- Sends a notice, and does not wait for the disk.
-- parameters: text, text
-- columns: text, void
SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2);
