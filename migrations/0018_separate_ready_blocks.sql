-- What: which blocks have something to hand out is a table of its own, no longer columns of work.
-- Why:  a block that has nothing left to hand out, or something again, left a partial index of work or entered it. So its row
--       of 560 bytes was written with new entries in all three indexes, and while a snapshot is held (an ANALYZE of a large
--       table, a dump) all of the old ones are met by everyone who looks for blocks or reads them.
-- Locks: work, exclusively. Time: a second for each 100,000 blocks with something to hand out. Breaking: yes, servers from
--       before it cannot write work any more, and say so, until they are replaced.

CREATE TABLE ready_block (
    since      timestamptz NOT NULL,           -- when the block last turned from nothing to hand out to something
    feature_id integer     NOT NULL,
    block      integer     NOT NULL,
    PRIMARY KEY (feature_id, block)
) WITH (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX ready_block_since_index ON ready_block (feature_id, since, block);

INSERT INTO ready_block (since, feature_id, block)
SELECT oldest, feature_id, block FROM work WHERE ready ORDER BY feature_id, block;

-- With them go the index by `oldest` and the check of `ready`.
ALTER TABLE work DROP COLUMN oldest, DROP COLUMN ready;
