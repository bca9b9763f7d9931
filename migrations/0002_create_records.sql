-- What: record ids, the append-only lineage, heads, and which records exist.
-- Why:  text keys are looked up once and become dense integers; everything after works on integers and bitmaps.
-- Each id space and each feature has a partition of its own, addressed directly by the statements: a generic plan over
-- the parent would lock every partition. A feature's lineage is partitioned again by entry, so that retention is
-- DETACH and DROP.
-- Locks: none on existing tables. Time: milliseconds. Breaking: no.

-- The record ids of an id space. `key` is the id values in an encoding whose byte order is the order of the values
-- (integers as numbers, text by code point, false before true, column after column); `ids` is the same as a JSON array.
CREATE TABLE record (
    rid      bigint  NOT NULL,
    space_id integer NOT NULL,
    key      bytea   NOT NULL,
    ids      jsonb   NOT NULL
) PARTITION BY LIST (space_id);

CREATE SEQUENCE lineage_entry_sequence AS bigint CACHE 1;

-- One immutable version of one record. Nothing here is ever updated or deleted but for the duty to erase a payload.
CREATE TABLE lineage (
    entry          bigint      NOT NULL,
    rid            bigint      NOT NULL,
    definition_id  bigint      NOT NULL,
    operation_id   bigint      NOT NULL,
    written_at     timestamptz NOT NULL,
    feature_id     integer     NOT NULL,
    kind           smallint    NOT NULL CHECK (kind BETWEEN 0 AND 6),
    provenance     text[],                     -- by slot
    data_version   text[],                     -- by slot; null where equal to provenance
    parents        bigint[],                   -- entries, dep after dep in the order of the definition; null for a root
    parent_records bigint[],                   -- their record ids; null where all are this record's own id
    parent_counts  integer[],                  -- how many belong to each dep; null where each has exactly one
    metadata       jsonb
) PARTITION BY LIST (feature_id);
COMMENT ON COLUMN lineage.kind IS '0 written, 1 computed under a claim, 2 reverted to an earlier version, 3 soft-deleted, 4 restored, 5 rebased, 6 computed too late to become current';

CREATE FUNCTION refuse_lineage_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'lineage is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER lineage_is_append_only BEFORE UPDATE OR DELETE ON lineage
    FOR EACH ROW EXECUTE FUNCTION refuse_lineage_change();
REVOKE UPDATE, DELETE, TRUNCATE ON lineage FROM CURRENT_USER;

-- One row for each request that wrote lineage: who, on whose behalf, when.
CREATE TABLE operation (
    at                 timestamptz NOT NULL,
    id                 bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    claim_id           bigint,
    worker             text,
    materialization_id text,
    token_name         text,
    request_id         text
);

-- The latest version of each record, with what a comparison needs. No index on anything that changes: updates are HOT.
CREATE TABLE head (
    rid           bigint   NOT NULL,
    entry         bigint   NOT NULL,
    definition_id bigint   NOT NULL,
    feature_id    integer  NOT NULL,
    state         smallint NOT NULL CHECK (state IN (0, 1)),  -- 0 live, 1 soft-deleted
    provenance    text[]   NOT NULL,
    data_version  text[]
) PARTITION BY LIST (feature_id);

-- Which records of a feature exist: one row for 1,024 record ids, bit i is record id block * 1024 + i.
CREATE TABLE presence (
    feature_id integer   NOT NULL,
    block      integer   NOT NULL,
    live       bit(1024) NOT NULL,
    gone       bit(1024) NOT NULL,             -- soft-deleted
    PRIMARY KEY (feature_id, block)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 1000);

-- How many records of a feature exist, kept by whoever changes the bitmaps: a count costs the same at any size. Sixteen
-- stripes, so that writers of one feature do not wait for each other.
CREATE TABLE presence_count (
    live       bigint   NOT NULL,
    gone       bigint   NOT NULL,
    feature_id integer  NOT NULL,
    stripe     smallint NOT NULL,
    PRIMARY KEY (feature_id, stripe)
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 1000);
