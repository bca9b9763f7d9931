-- What: erasing the payload of records, and the note of each erasure.
-- Why:  a duty to erase has to reach every version of a record, also where lineage can otherwise never be changed. What
--       was erased, when and on whose request stays known; so do the entries and what was made from them.
-- Locks: lineage, SHARE ROW EXCLUSIVE for the grant. Time: milliseconds. Breaking: no.

-- One row for each record and erasure; append-only.
CREATE TABLE erasure (
    at           timestamptz NOT NULL,
    rid          bigint      NOT NULL,
    operation_id bigint      NOT NULL,         -- who asked for it
    transaction  xid8        NOT NULL,         -- the only one in which the record's entries may lose their payload
    feature_id   integer     NOT NULL,
    entries      integer     NOT NULL,         -- how many lost their payload
    PRIMARY KEY (feature_id, rid, operation_id)
);
CREATE FUNCTION refuse_erasure_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the log of erasures is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER erasure_is_append_only BEFORE UPDATE OR DELETE ON erasure
    FOR EACH ROW EXECUTE FUNCTION refuse_erasure_change();
REVOKE UPDATE, DELETE, TRUNCATE ON erasure FROM CURRENT_USER;

-- A payload may become nothing, in a transaction that has noted the erasure of the record. Everything else is refused.
CREATE OR REPLACE FUNCTION refuse_lineage_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.provenance IS NULL AND NEW.data_version IS NULL AND NEW.metadata IS NULL
            AND ROW (NEW.entry, NEW.rid, NEW.definition_id, NEW.operation_id, NEW.written_at, NEW.feature_id, NEW.kind,
                     NEW.parents, NEW.parent_records, NEW.parent_counts)
                IS NOT DISTINCT FROM
                ROW (OLD.entry, OLD.rid, OLD.definition_id, OLD.operation_id, OLD.written_at, OLD.feature_id, OLD.kind,
                     OLD.parents, OLD.parent_records, OLD.parent_counts)
            AND EXISTS (
                SELECT FROM public.erasure e
                WHERE e.feature_id = OLD.feature_id AND e.rid = OLD.rid AND e.transaction = pg_current_xact_id())
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'lineage is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;

-- The one way to erase. It runs with the rights of the schema's owner, who may empty payloads and nothing more; a role
-- of the service that is not the owner needs no right on the tables but to call this.
GRANT UPDATE (provenance, data_version, metadata) ON lineage TO CURRENT_USER;
CREATE FUNCTION erase_records(feature integer, rids bigint[], operation bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    erased bigint;
BEGIN
    INSERT INTO erasure (at, rid, operation_id, transaction, feature_id, entries)
    SELECT now(), r.rid, operation, pg_current_xact_id(), feature, count(l.entry)
    FROM unnest(rids) AS r (rid)
    LEFT JOIN lineage l ON l.feature_id = feature AND l.rid = r.rid AND l.operation_id <> operation
        AND l.provenance IS NOT NULL
    GROUP BY r.rid;
    -- With the number written out only the feature's own partition is planned and locked.
    EXECUTE format(
        'UPDATE lineage SET provenance = NULL, data_version = NULL, metadata = NULL
         WHERE feature_id = %s AND rid = ANY ($1) AND operation_id <> $2 AND provenance IS NOT NULL', feature)
    USING rids, operation;
    GET DIAGNOSTICS erased = ROW_COUNT;
    RETURN erased;
END
$$;
