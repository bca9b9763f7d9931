-- Leases on units: tables claim, claim_batch. Claims under a cap are serialised by the rows of project and dispatch.

-- name: claim_create
-- Stores a claim and the units that are handed out with it.
-- parameters: bigint, integer, integer, integer, text, bigint[], bigint[], smallint[], text[], bigint[], bigint[]
-- parameters: integer[], integer, integer
-- columns: bigint, bigint, integer, bigint, text, smallint, timestamptz, timestamptz, integer, integer, integer
-- columns: bit varying, bit varying
WITH created AS (
    INSERT INTO claim (token, definition_id, claimed_at, lease_until, feature_id, lease_seconds, units,
                       remaining, state, worker, finished)
    VALUES (nextval('fencing_token_sequence'), $1, clock_timestamp(),
            clock_timestamp() + make_interval(secs => $3::integer), $2, $3, $4, $4, 0, $5,
            repeat('0', $4)::bit varying)
    RETURNING *
), batch AS (
    INSERT INTO claim_batch (claim_id, rids, bases, attempts, provenance, parents, parent_records,
                             parent_counts, fields, deps)
    SELECT id, $6, $7, $8, $9, $10, $11, $12, $13, $14 FROM created
)
SELECT id, token, feature_id, definition_id, worker, state, claimed_at, lease_until, lease_seconds, units, remaining,
       finished, failed
FROM created;

-- name: claim_lock
-- Locks a claim until the end of the transaction.
-- parameters: bigint
-- columns: bigint, bigint, integer, bigint, text, smallint, timestamptz, timestamptz, integer, integer, integer
-- columns: bit varying, bit varying
SELECT id, token, feature_id, definition_id, worker, state, claimed_at, lease_until, lease_seconds, units, remaining,
       finished, failed
FROM claim WHERE id = $1 FOR UPDATE;

-- name: claim_read
-- Reads a claim.
-- parameters: bigint
-- columns: bigint, bigint, integer, bigint, text, smallint, timestamptz, timestamptz, integer, integer, integer
-- columns: bit varying, bit varying
SELECT id, token, feature_id, definition_id, worker, state, claimed_at, lease_until, lease_seconds, units, remaining,
       finished, failed
FROM claim WHERE id = $1;

-- name: claim_batch_read
-- Reads the units that were handed out with a claim.
-- parameters: bigint
-- columns: bigint[], bigint[], smallint[], text[], bigint[], bigint[], integer[], integer, integer
SELECT rids, bases, attempts, provenance, parents, parent_records, parent_counts, fields, deps
FROM claim_batch WHERE claim_id = $1;

-- name: claim_extend
-- Extends a lease from now on. It changes one row in place (HOT).
-- parameters: bigint, integer
-- columns: timestamptz
UPDATE claim SET lease_until = clock_timestamp() + make_interval(secs => $2::integer), lease_seconds = $2
WHERE id = $1 RETURNING lease_until;

-- name: claim_update
-- Notes which units are finished, and ends the claim where the state is not 0.
-- parameters: bigint, bit, smallint, double precision, integer, bit
UPDATE claim
SET finished = $2::"bit", remaining = CASE WHEN $3::smallint = 0 THEN units - bit_count($2)::integer ELSE 0 END,
    state = $3, finished_at = CASE WHEN $3 <> 0 THEN clock_timestamp() END,
    seconds = seconds + $4, timed = timed + $5, failed = coalesce($6::"bit", failed)
WHERE id = $1;

-- name: claim_batch_forget
-- Deletes the batches of claims that ended some seconds ago.
-- parameters: double precision
DELETE FROM claim_batch b USING claim c
WHERE c.id = b.claim_id AND c.finished_at < clock_timestamp() - make_interval(secs => $1);

-- name: claim_lock_expired
-- Locks the claims of a feature whose lease has run out, except those that another transaction holds.
-- parameters: integer, bigint
-- columns: bigint, bigint, integer, bigint, text, smallint, timestamptz, timestamptz, integer, integer, integer
-- columns: bit varying, bit varying
SELECT id, token, feature_id, definition_id, worker, state, claimed_at, lease_until, lease_seconds, units, remaining,
       finished, failed
FROM claim
WHERE feature_id = $1 AND state = 0 AND lease_until < clock_timestamp()
ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED;

-- name: claim_expired_features
-- Finds the features that have claims whose lease has run out.
-- columns: integer
SELECT DISTINCT feature_id FROM claim WHERE state = 0 AND lease_until < clock_timestamp();

-- name: claim_active
-- Reads active claims in the order of their numbers.
-- parameters: integer, text, bigint, bigint, integer[]
-- columns: bigint, bigint, integer, bigint, text, smallint, timestamptz, timestamptz, integer, integer, integer
-- columns: bit varying, bit varying
SELECT id, token, feature_id, definition_id, worker, state, claimed_at, lease_until, lease_seconds, units, remaining,
       finished, failed
FROM claim
WHERE state = 0 AND id > $3 AND ($1::integer IS NULL OR feature_id = $1) AND ($2::text IS NULL OR worker = $2)
    AND ($5::integer[] IS NULL OR feature_id = ANY ($5))
ORDER BY id LIMIT $4;

-- name: claim_place_lock_project
-- Serialises claims in a project. Not FOR UPDATE: features and pushes may refer to the project meanwhile.
-- parameters: integer
SELECT FROM project WHERE id = $1 FOR NO KEY UPDATE;

-- name: claim_place_lock_feature
-- Serialises claims on a feature that has dispatch settings.
-- parameters: integer
SELECT FROM dispatch WHERE feature_id = $1 FOR NO KEY UPDATE;

-- name: claim_place_count
-- Counts the active claims on a feature and on all features that share a cap.
-- parameters: integer, integer[], boolean
-- columns: bigint, bigint
SELECT count(*) FILTER (WHERE feature_id = $1), count(*) FROM claim
WHERE state = 0 AND feature_id = ANY ($2::integer[]) AND (NOT $3 OR lease_until >= clock_timestamp());

-- name: pace_read
-- Averages the seconds a unit over the last timed claims of each feature.
-- parameters: integer[], bigint
-- columns: integer, double precision
SELECT u.feature_id, p.pace
FROM unnest($1::integer[]) AS u (feature_id), LATERAL (
    SELECT sum(c.seconds) / sum(c.timed) AS pace FROM (
        SELECT seconds, timed FROM claim WHERE feature_id = u.feature_id AND timed > 0 ORDER BY id DESC LIMIT $2
    ) c
) p
WHERE p.pace IS NOT NULL;
