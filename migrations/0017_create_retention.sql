-- What: which tables hold the lineage of a feature, and up to where its superseded versions may be missing.
-- Why:  history that nothing needs any more may be dropped. Rows of lineage are never deleted: a table with what stays
--       takes the place of older ones, which are dropped. Whoever asks for a moment before the horizon is told so.
-- Locks: none that anybody waits for. Time: milliseconds. Breaking: no.

-- One row for each table lineage_<feature>_<part>; the newest takes the new entries.
CREATE TABLE lineage_part (
    first_entry bigint,                        -- the least entry that belongs into it; null: no bound
    feature_id  integer NOT NULL,
    part        integer NOT NULL,
    PRIMARY KEY (feature_id, part)
);
INSERT INTO lineage_part (feature_id, part)
SELECT s.id, 0 FROM feature f CROSS JOIN LATERAL (VALUES (f.id), (f.unit_storage)) AS s (id) WHERE s.id IS NOT NULL;

CREATE TABLE lineage_horizon (
    at         timestamptz NOT NULL,           -- what was current then and later is all there
    entry      bigint      NOT NULL,           -- what was current when this entry was written, or later, is all there
    feature_id integer     PRIMARY KEY
);
COMMENT ON TABLE lineage_horizon IS 'features of which superseded versions were dropped';
