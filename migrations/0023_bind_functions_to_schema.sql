-- What: the functions that guard and erase find the tables of their own schema, whatever its name.
-- Why:  they named the schema "public". In any other schema an erasure failed, or erased records of another installation
--       in the same database.
-- Locks: none on tables. Time: milliseconds. Breaking: no.

-- SET search_path FROM CURRENT, below, keeps this path with each function.
SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

CREATE OR REPLACE FUNCTION refuse_lineage_change() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.provenance IS NULL AND NEW.data_version IS NULL AND NEW.metadata IS NULL
            AND ROW (NEW.entry, NEW.rid, NEW.definition_id, NEW.operation_id, NEW.written_at, NEW.feature_id, NEW.kind,
                     NEW.parents, NEW.parent_records, NEW.parent_counts)
                IS NOT DISTINCT FROM
                ROW (OLD.entry, OLD.rid, OLD.definition_id, OLD.operation_id, OLD.written_at, OLD.feature_id, OLD.kind,
                     OLD.parents, OLD.parent_records, OLD.parent_counts)
            AND EXISTS (
                SELECT FROM erasure e
                WHERE e.feature_id = OLD.feature_id AND e.rid = OLD.rid AND e.transaction = pg_current_xact_id())
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'lineage is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE OR REPLACE FUNCTION refuse_operation_change() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.detail IS NULL
            AND OLD.position = (SELECT feed_base FROM registry) + pg_current_xact_id()::text::bigint
            AND ROW (NEW.at, NEW.id, NEW.claim_id, NEW.worker, NEW.materialization_id, NEW.token_name, NEW.request_id,
                     NEW.position, NEW.feature_id, NEW.project_id, NEW.kind)
                IS NOT DISTINCT FROM
                ROW (OLD.at, OLD.id, OLD.claim_id, OLD.worker, OLD.materialization_id, OLD.token_name, OLD.request_id,
                     OLD.position, OLD.feature_id, OLD.project_id, OLD.kind)
        THEN
            RETURN NEW;
        END IF;
    ELSIF TG_OP = 'DELETE' THEN
        IF leaves_nothing_behind(OLD.kind, OLD.detail)
            AND (OLD.position, OLD.id) <= (SELECT h.position, h.operation_id FROM feed_horizon h)
        THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'the log of changes is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;

-- It runs with the rights of the schema's owner; pg_temp comes last, so that no caller's table takes the place of one.
ALTER FUNCTION erase_records(integer, bigint[], bigint) SET search_path FROM CURRENT;
