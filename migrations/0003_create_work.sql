-- What: pending work as bitmaps, claims, failures.
-- Why:  a queue with a row for each record costs two dead tuples and 600 bytes of log a record; 1,024 records in one row
--       cost neither, cannot hold a duplicate, and count exactly.
-- Locks: none on existing tables. Time: milliseconds. Breaking: no.

-- Bit i of block b is unit b * 1024 + i of the feature.
--   dirty   may need work: a candidate, judged when it is claimed or resolved
--   leased  in the hands of a worker; dirty at the same time when its inputs moved since
--   parked  needs work that cannot be handed out now: blocked, orphaned, failing or quarantined
--   awaited some unit downstream is parked because of this one
-- A unit with none of dirty, leased and parked is up to date: every writer keeps that true.
CREATE TABLE work (
    oldest     timestamptz NOT NULL,           -- when the block last turned from nothing to hand out to something
    feature_id integer     NOT NULL,
    block      integer     NOT NULL,
    ready      boolean     NOT NULL,           -- some unit is dirty and not leased
    active     boolean     NOT NULL,           -- some unit is dirty, leased or parked
    dirty      bit(1024)   NOT NULL,
    leased     bit(1024)   NOT NULL,
    parked     bit(1024)   NOT NULL,
    awaited    bit(1024)   NOT NULL,
    PRIMARY KEY (feature_id, block),
    CHECK (ready = (bit_count(dirty & ~leased) > 0)),
    CHECK (active = (bit_count(dirty | leased | parked) > 0)),
    CHECK (bit_count(dirty & parked) = 0 AND bit_count(leased & parked) = 0)
) WITH (
    fillfactor = 40,
    autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0.0, autovacuum_analyze_threshold = 10000
);
-- Predicate columns change only when a block fills or empties, so all other updates stay HOT.
CREATE INDEX work_ready_index ON work (feature_id, oldest, block) WHERE ready;
CREATE INDEX work_active_index ON work (feature_id, block) WHERE active;

CREATE SEQUENCE fencing_token_sequence AS bigint CACHE 1;

-- A lease on a batch of units. Narrow, because heartbeats rewrite it; `lease_until` is in no index for the same reason.
CREATE TABLE claim (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token         bigint      NOT NULL,
    definition_id bigint      NOT NULL,
    claimed_at    timestamptz NOT NULL,
    lease_until   timestamptz NOT NULL,
    finished_at   timestamptz,
    feature_id    integer     NOT NULL,
    lease_seconds integer     NOT NULL CHECK (lease_seconds > 0),
    units         integer     NOT NULL CHECK (units > 0),
    remaining     integer     NOT NULL CHECK (remaining BETWEEN 0 AND units),
    state         smallint    NOT NULL CHECK (state BETWEEN 0 AND 3),
    worker        text        NOT NULL,
    finished      bit varying NOT NULL,        -- by position in the batch
    CHECK ((state = 0) = (finished_at IS NULL))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 1000);
COMMENT ON COLUMN claim.state IS '0 active, 1 finished by its worker, 2 released, 3 expired';
CREATE INDEX claim_active_index ON claim (feature_id, id) WHERE state = 0;

-- What was handed out with a claim: written once, gone an hour after the claim has ended.
CREATE TABLE claim_batch (
    claim_id       bigint PRIMARY KEY REFERENCES claim,
    rids           bigint[]   NOT NULL,
    bases          bigint[]   NOT NULL,        -- the head's entry when it was handed out; 0 where there was none
    attempts       smallint[] NOT NULL,
    provenance     text[]     NOT NULL,        -- unit after unit, `fields` of each in the order of the definition
    parents        bigint[]   NOT NULL,        -- unit after unit, dep after dep, `parent_counts` of each
    parent_records bigint[]   NOT NULL,
    parent_counts  integer[]  NOT NULL,        -- unit after unit, `deps` of each
    fields         integer    NOT NULL,
    deps           integer    NOT NULL
);

-- Units whose work failed, with the provenance on which it failed: other inputs are another chance.
CREATE TABLE failure (
    rid           bigint      NOT NULL,
    definition_id bigint      NOT NULL,
    first_at      timestamptz NOT NULL,
    last_at       timestamptz NOT NULL,
    retry_at      timestamptz,                 -- null: quarantined
    feature_id    integer     NOT NULL,
    attempts      integer     NOT NULL CHECK (attempts > 0),
    worker        text        NOT NULL,
    error         text        NOT NULL,
    provenance    text[]      NOT NULL,
    PRIMARY KEY (feature_id, rid)
) WITH (fillfactor = 70);
CREATE INDEX failure_retry_index ON failure (feature_id, retry_at) WHERE retry_at IS NOT NULL;
