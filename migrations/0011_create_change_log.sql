-- What: the log of operations becomes the log of every change: what it was, and where it stands in the order in which
--       changes can be seen.
-- Why:  who did what, for audits; and a feed of changes for orchestrators. One row a changing transaction serves both, and
--       lineage points at it as before: nothing is written twice.
-- Locks: operation and registry, exclusively. Time: a second for each million rows of operation. Breaking: no.

-- Transaction ids begin anew in a database that was restored from a dump. What is added to them so that positions go on
-- growing is set when a server starts.
ALTER TABLE registry ADD COLUMN feed_base bigint NOT NULL DEFAULT 0;

ALTER TABLE operation
    ADD COLUMN position   bigint NOT NULL DEFAULT 0,
    ADD COLUMN feature_id integer,
    ADD COLUMN project_id integer,
    ADD COLUMN kind       text NOT NULL DEFAULT '',
    ADD COLUMN detail     jsonb;
UPDATE operation SET kind = CASE WHEN claim_id IS NULL THEN 'records_written' ELSE 'claim_completed' END;
ALTER TABLE operation ALTER COLUMN position DROP DEFAULT, ALTER COLUMN kind DROP DEFAULT;
COMMENT ON COLUMN operation.position IS
    'registry.feed_base plus the id of the transaction: numbers of a sequence are not in the order of commits, but what '
    'is below every transaction that still runs is complete';
CREATE INDEX operation_feed_index ON operation (position, id);

-- What an operation amounted to is known at its end: its own transaction may complete the row. Nobody else changes it.
CREATE FUNCTION refuse_operation_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.detail IS NULL
            AND OLD.position = (SELECT feed_base FROM public.registry) + pg_current_xact_id()::text::bigint
            AND ROW (NEW.at, NEW.id, NEW.claim_id, NEW.worker, NEW.materialization_id, NEW.token_name, NEW.request_id,
                     NEW.position, NEW.feature_id, NEW.project_id, NEW.kind)
                IS NOT DISTINCT FROM
                ROW (OLD.at, OLD.id, OLD.claim_id, OLD.worker, OLD.materialization_id, OLD.token_name, OLD.request_id,
                     OLD.position, OLD.feature_id, OLD.project_id, OLD.kind)
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the log of changes is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER operation_is_append_only BEFORE UPDATE OR DELETE ON operation
    FOR EACH ROW EXECUTE FUNCTION refuse_operation_change();
CREATE TRIGGER operation_is_never_truncated BEFORE TRUNCATE ON operation
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_operation_change();
REVOKE UPDATE, DELETE, TRUNCATE ON operation FROM CURRENT_USER;
GRANT UPDATE (detail) ON operation TO CURRENT_USER;

-- Features that have work under way, and up to where the log was looked through for more of them: so that somebody says
-- when one has nothing left to do.
CREATE TABLE drain_watch (
    position     bigint NOT NULL,
    operation_id bigint NOT NULL,
    singleton    boolean PRIMARY KEY DEFAULT true CHECK (singleton)
);
INSERT INTO drain_watch (position, operation_id) VALUES (0, -1);
CREATE TABLE draining (
    feature_id integer PRIMARY KEY
);
