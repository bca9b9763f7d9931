-- The log of changes, its feed, and answers to requests that are sent again: tables operation, feed_horizon, answer.

-- name: change_extent
-- Reads the horizon of the feed, its last change and the position of the oldest transaction that may still run.
-- columns: bigint, bigint, timestamptz, bigint, bigint, bigint
SELECT h.position, h.operation_id, h.at, coalesce(l.position, -1), coalesce(l.id, -1), b.position
FROM feed_horizon h
CROSS JOIN (
    SELECT feed_base + pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS position FROM registry) b
LEFT JOIN LATERAL (
    SELECT o.position, o.id FROM operation o WHERE o.position < b.position
    ORDER BY o.position DESC, o.id DESC LIMIT 1) l ON true;

-- name: change_feed
-- Reads the changes between two positions in the order of the feed. A write that changed nothing is left out.
-- parameters: bigint, bigint, bigint, integer[], integer[], text[], bigint
-- columns: bigint, bigint, timestamptz, text, integer, integer, bigint, text, text, text, text, jsonb
SELECT position, id, at, kind, feature_id, project_id, claim_id, worker, materialization_id, token_name, request_id,
       detail
FROM operation
WHERE (position, id) > ($1, $2) AND position < $3
    AND ($4::integer[] IS NULL OR feature_id = ANY ($4) OR project_id = ANY ($5::integer[]))
    AND kind <> ALL ($6) AND coalesce(detail ->> 'written', '') <> '0'
ORDER BY position, id LIMIT $7;

-- name: change_newest
-- Reads the changes before a number, newest first.
-- parameters: bigint, bigint
-- columns: bigint, bigint, timestamptz, text, integer, integer, bigint, text, text, text, text, jsonb
SELECT position, id, at, kind, feature_id, project_id, claim_id, worker, materialization_id, token_name, request_id,
       detail
FROM operation WHERE id < $1 ORDER BY id DESC LIMIT $2;

-- name: change_align
-- Raises the base of positions above all that are stored. A restored database begins its transaction ids anew.
UPDATE registry SET feed_base = m.position + 1
FROM (
    SELECT greatest(h.position, (SELECT max(position) FROM operation)) AS position FROM feed_horizon h) m
WHERE m.position >= feed_base + pg_snapshot_xmax(pg_current_snapshot())::text::bigint;

-- name: operation_begin
-- Notes a change. Its position is the id of the transaction.
-- parameters: text, integer, integer, bigint, text, text, text, text, jsonb
-- columns: bigint
INSERT INTO operation (at, position, kind, feature_id, project_id, claim_id, worker, materialization_id,
                       token_name, request_id, detail)
SELECT now(), r.feed_base + pg_current_xact_id()::text::bigint, $1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb
FROM registry r
RETURNING id;

-- name: operation_numbers
-- Draws numbers for changes that are noted later in the transaction.
-- parameters: integer
-- columns: bigint
SELECT nextval('operation_id_seq') FROM generate_series(1, $1);

-- name: operation_note
-- Notes changes of one kind under numbers that were drawn before.
-- parameters: text, integer, integer, bigint, bigint[], text[], text[], text[], text[], jsonb[]
INSERT INTO operation (at, id, position, kind, feature_id, project_id, claim_id, worker, materialization_id,
                       token_name, request_id, detail)
OVERRIDING SYSTEM VALUE
SELECT now(), u.id, r.feed_base + pg_current_xact_id()::text::bigint, $1, $2, $3, $4, u.worker,
       u.materialization_id, u.token_name, u.request_id, u.detail
FROM registry r, unnest($5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[], $10::jsonb[])
    AS u (id, worker, materialization_id, token_name, request_id, detail);

-- name: operation_complete
-- Sets the detail of a change that this transaction has begun.
-- parameters: bigint, jsonb
UPDATE operation SET detail = $2 WHERE id = $1;

-- name: horizon_enter
-- Locks the horizon. No row where another process holds it.
-- columns: bigint, bigint
SELECT position, operation_id FROM feed_horizon FOR UPDATE SKIP LOCKED;

-- name: horizon_moment
-- Reads the moment some seconds ago by the clock of the database.
-- parameters: double precision
-- columns: timestamptz
SELECT clock_timestamp() - make_interval(secs => $1);

-- name: horizon_changes
-- Reads the positions and times of changes, in the order of the feed.
-- parameters: bigint, bigint, bigint, bigint
-- columns: bigint, bigint, timestamptz
SELECT position, id, at FROM operation WHERE (position, id) > ($1, $2) AND position < $3
ORDER BY position, id LIMIT $4;

-- name: horizon_move
-- Moves the horizon.
-- parameters: bigint, bigint, timestamptz
UPDATE feed_horizon SET position = $1, operation_id = $2, at = $3;

-- name: horizon_forget
-- Deletes the changes up to the horizon that leave nothing behind.
-- parameters: bigint, bigint, bigint, bigint
DELETE FROM operation
WHERE (position, id) > ($1, $2) AND (position, id) <= ($3, $4) AND leaves_nothing_behind(kind, detail);

-- name: answer_find
-- Reads the answer to the request that a caller sent with a key.
-- parameters: text, text
-- columns: bytea, smallint, text, text, bytea
SELECT digest, status, etag, location, content FROM answer WHERE caller = $1 AND key = $2;

-- name: answer_keep
-- Keeps an answer. Changes no row where a request with the same key was faster.
-- parameters: text, text, bytea, smallint, text, text, bytea
INSERT INTO answer (answered_at, caller, key, digest, status, etag, location, content)
VALUES (clock_timestamp(), $1, $2, $3, $4, $5, $6, $7) ON CONFLICT (caller, key) DO NOTHING;

-- name: answer_forget
-- Deletes the answers that are older than some seconds.
-- parameters: double precision
DELETE FROM answer WHERE answered_at < clock_timestamp() - make_interval(secs => $1);
