-- Consistency checks, run by `verify`: they read every table and lock none.

-- name: audit_presence
-- Finds the records of a range whose presence bits differ from their heads.
-- parameters: bigint, bigint
-- columns: bigint
WITH h AS MATERIALIZED (
    SELECT rid, state, rid >> 10 AS block, (rid & 1023)::integer AS place
    FROM head_{feature} WHERE rid >= $1 AND rid < $2
), p AS MATERIALIZED (
    SELECT block, live, gone FROM presence
    WHERE feature_id = {feature} AND block >= $1 >> 10 AND block <= ($2 - 1) >> 10
), bits AS (
    SELECT (p.block::bigint << 10) + i AS rid, get_bit(p.live, i) + 2 * get_bit(p.gone, i) AS bits
    FROM p CROSS JOIN generate_series(0, 1023) AS i
    WHERE bit_count(p.live) + bit_count(p.gone) <> (SELECT count(*) FROM h WHERE h.block = p.block)
)
SELECT h.rid FROM h LEFT JOIN p ON p.block = h.block
WHERE p.block IS NULL OR get_bit(p.live, h.place) + 2 * get_bit(p.gone, h.place) <> h.state + 1
UNION
SELECT b.rid FROM bits b WHERE b.bits <> 0 AND b.rid >= $1 AND b.rid < $2
    AND NOT EXISTS (SELECT FROM h WHERE h.rid = b.rid)
ORDER BY 1;

-- name: audit_keys
-- Finds the records of a range whose head has another key than the record.
-- parameters: bigint, bigint
-- columns: bigint
SELECT h.rid FROM (SELECT rid, key FROM head_{feature} WHERE rid >= $1 AND rid < $2 AND key IS NOT NULL) h
LEFT JOIN (SELECT rid, key FROM record_{space} WHERE rid >= $1 AND rid < $2) r ON r.rid = h.rid
WHERE r.key IS DISTINCT FROM h.key ORDER BY 1;

-- name: audit_live
-- Counts the live records by the presence bitmaps.
-- parameters: integer
-- columns: bigint
SELECT coalesce(sum(bit_count(live)), 0)::bigint FROM presence WHERE feature_id = $1;

-- name: audit_ready
-- Finds the blocks that are ready and not listed as such, and the other way round.
-- parameters: integer
-- columns: integer
SELECT coalesce(w.block, r.block)
FROM (SELECT block FROM work WHERE feature_id = $1 AND active AND bit_count(dirty & ~leased) > 0) w
FULL JOIN (SELECT block FROM ready_block WHERE feature_id = $1) r ON r.block = w.block
WHERE w.block IS NULL OR r.block IS NULL ORDER BY 1;

-- name: audit_leases
-- Finds the units whose leased bit differs from the active claims, and units that two claims hold.
-- parameters: integer
-- columns: bigint, bigint
WITH held AS (
    SELECT u.rid, count(*) AS claims
    FROM claim c JOIN claim_batch b ON b.claim_id = c.id
    CROSS JOIN LATERAL unnest(b.rids) WITH ORDINALITY AS u (rid, place)
    WHERE c.feature_id = $1 AND c.state = 0 AND get_bit(c.finished, u.place::integer - 1) = 0
    GROUP BY u.rid
), leased AS (
    SELECT (w.block::bigint << 10) + i AS rid FROM work w CROSS JOIN generate_series(0, 1023) AS i
    WHERE w.feature_id = $1 AND w.active AND bit_count(w.leased) > 0 AND get_bit(w.leased, i) = 1
)
SELECT coalesce(l.rid, h.rid), coalesce(h.claims, 0)
FROM leased l FULL JOIN held h ON h.rid = l.rid
WHERE l.rid IS NULL OR h.rid IS NULL OR h.claims > 1
ORDER BY 1;

-- name: expectation_interpret
-- Turns compilation off for this transaction: it can take minutes for a statement that runs for milliseconds.
SET LOCAL jit = off;
