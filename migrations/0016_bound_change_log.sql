-- What: up to where the feed of changes is no longer told, and which rows may leave the log of changes from there back.
-- Why:  the log grew for ever. Whoever reads the feed from a place before the horizon is told so; nothing is skipped. What
--       lineage points at, and what somebody did, stays.
-- Locks: operation, SHARE ROW EXCLUSIVE for the grant. Time: milliseconds. Breaking: no.

CREATE TABLE feed_horizon (
    at           timestamptz,                  -- when the change at the horizon was made
    position     bigint NOT NULL,
    operation_id bigint NOT NULL,
    singleton    boolean PRIMARY KEY DEFAULT true CHECK (singleton)
);
COMMENT ON TABLE feed_horizon IS 'the last change that the feed no longer tells; nothing before it is told either';
INSERT INTO feed_horizon (position, operation_id) VALUES (-1, -1);

CREATE FUNCTION refuse_horizon_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.position, NEW.operation_id) >= (OLD.position, OLD.operation_id) THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the horizon of the feed only moves on: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER feed_horizon_only_moves_on BEFORE UPDATE OR DELETE ON feed_horizon
    FOR EACH ROW EXECUTE FUNCTION refuse_horizon_change();

-- Changes that leave nothing behind: no lineage entry has their number, and nobody's doing is forgotten with them but that
-- something failed (the failure itself is kept while it matters) or was already there.
CREATE FUNCTION leaves_nothing_behind(kind text, detail jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN kind IN ('claim_failed', 'drained') OR kind = 'records_written' AND coalesce(detail ->> 'written', '') = '0';

CREATE OR REPLACE FUNCTION refuse_operation_change() RETURNS trigger LANGUAGE plpgsql AS $$
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
    ELSIF TG_OP = 'DELETE' THEN
        IF public.leaves_nothing_behind(OLD.kind, OLD.detail)
            AND (OLD.position, OLD.id) <= (SELECT h.position, h.operation_id FROM public.feed_horizon h)
        THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'the log of changes is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;
GRANT DELETE ON operation TO CURRENT_USER;
