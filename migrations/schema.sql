-- The schema: the sum of the migrations, as pg_dump writes it. Made by `make schema`.

CREATE FUNCTION public.erase_records(feature integer, rids bigint[], operation bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $_$
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
$_$;

CREATE FUNCTION public.leaves_nothing_behind(kind text, detail jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ((kind = ANY (ARRAY['claim_failed'::text, 'drained'::text])) OR ((kind = 'records_written'::text) AND (COALESCE((detail ->> 'written'::text), ''::text) = '0'::text)));

CREATE FUNCTION public.refuse_erasure_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'the log of erasures is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE FUNCTION public.refuse_horizon_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.position, NEW.operation_id) >= (OLD.position, OLD.operation_id) THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the horizon of the feed only moves on: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE FUNCTION public.refuse_lineage_change() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.refuse_operation_change() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
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

CREATE TABLE public.answer (
    answered_at timestamp with time zone NOT NULL,
    status smallint NOT NULL,
    caller text NOT NULL,
    key text NOT NULL,
    digest bytea NOT NULL,
    etag text,
    location text,
    content bytea NOT NULL
);

CREATE TABLE public.api_token (
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    revoked_at timestamp with time zone,
    name text NOT NULL COLLATE pg_catalog."C",
    created_by text,
    scopes text[] NOT NULL,
    projects text[],
    CONSTRAINT api_token_name_check CHECK (((octet_length(name) >= 1) AND (octet_length(name) <= 255))),
    CONSTRAINT api_token_scopes_check CHECK (((scopes <@ '{read,write,work,admin}'::text[]) AND (cardinality(scopes) > 0)))
);

CREATE TABLE public.api_token_secret (
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone,
    token_name text NOT NULL COLLATE pg_catalog."C",
    digest bytea NOT NULL,
    CONSTRAINT api_token_secret_digest_check CHECK ((octet_length(digest) = 32))
);

CREATE TABLE public.claim (
    id bigint NOT NULL,
    token bigint NOT NULL,
    definition_id bigint NOT NULL,
    claimed_at timestamp with time zone NOT NULL,
    lease_until timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    feature_id integer NOT NULL,
    lease_seconds integer NOT NULL,
    units integer NOT NULL,
    remaining integer NOT NULL,
    state smallint NOT NULL,
    worker text NOT NULL,
    finished bit varying NOT NULL,
    seconds double precision DEFAULT 0 NOT NULL,
    timed integer DEFAULT 0 NOT NULL,
    failed bit varying,
    CONSTRAINT claim_check CHECK (((remaining >= 0) AND (remaining <= units))),
    CONSTRAINT claim_check1 CHECK (((state = 0) = (finished_at IS NULL))),
    CONSTRAINT claim_lease_seconds_check CHECK ((lease_seconds > 0)),
    CONSTRAINT claim_seconds_check CHECK ((seconds >= (0)::double precision)),
    CONSTRAINT claim_state_check CHECK (((state >= 0) AND (state <= 3))),
    CONSTRAINT claim_timed_check CHECK ((timed >= 0)),
    CONSTRAINT claim_units_check CHECK ((units > 0))
)
WITH (fillfactor='70', autovacuum_vacuum_scale_factor='0.0', autovacuum_vacuum_threshold='1000');

COMMENT ON COLUMN public.claim.state IS '0 active, 1 finished by its worker, 2 released, 3 expired';

COMMENT ON COLUMN public.claim.seconds IS 'compute time that its worker reported';

COMMENT ON COLUMN public.claim.timed IS 'units whose compute time that was';

COMMENT ON COLUMN public.claim.failed IS 'finished units that failed, by position in the batch; null: none';

CREATE TABLE public.claim_batch (
    claim_id bigint NOT NULL,
    rids bigint[] NOT NULL,
    bases bigint[] NOT NULL,
    attempts smallint[] NOT NULL,
    provenance text[] NOT NULL,
    parents bigint[] NOT NULL,
    parent_records bigint[],
    parent_counts integer[],
    fields integer NOT NULL,
    deps integer NOT NULL
);
ALTER TABLE ONLY public.claim_batch ALTER COLUMN rids SET STATISTICS 0;
ALTER TABLE ONLY public.claim_batch ALTER COLUMN bases SET STATISTICS 0;
ALTER TABLE ONLY public.claim_batch ALTER COLUMN attempts SET STATISTICS 0;
ALTER TABLE ONLY public.claim_batch ALTER COLUMN provenance SET STATISTICS 0;
ALTER TABLE ONLY public.claim_batch ALTER COLUMN parents SET STATISTICS 0;
ALTER TABLE ONLY public.claim_batch ALTER COLUMN parent_records SET STATISTICS 0;
ALTER TABLE ONLY public.claim_batch ALTER COLUMN parent_counts SET STATISTICS 0;

COMMENT ON COLUMN public.claim_batch.parent_records IS 'null where each parent has its unit''s own record id';

COMMENT ON COLUMN public.claim_batch.parent_counts IS 'null where each dep has exactly one parent';

ALTER TABLE public.claim ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.claim_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.definition (
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    id bigint NOT NULL,
    feature_id integer NOT NULL,
    feature_version text NOT NULL,
    definition_version text NOT NULL,
    spec_version text NOT NULL,
    code_version text NOT NULL,
    spec json NOT NULL,
    schema json,
    fields jsonb NOT NULL
);

ALTER TABLE public.definition ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.definition_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.dispatch (
    revision bigint NOT NULL,
    feature_id integer NOT NULL,
    priority integer NOT NULL,
    max_claims integer,
    max_attempts integer NOT NULL,
    retry_first integer NOT NULL,
    retry_max integer NOT NULL,
    requires jsonb NOT NULL,
    order_by text,
    CONSTRAINT dispatch_check CHECK ((retry_max >= retry_first)),
    CONSTRAINT dispatch_max_attempts_check CHECK ((max_attempts > 0)),
    CONSTRAINT dispatch_max_claims_check CHECK ((max_claims >= 0)),
    CONSTRAINT dispatch_requires_check CHECK ((jsonb_typeof(requires) = 'object'::text)),
    CONSTRAINT dispatch_retry_first_check CHECK ((retry_first > 0)),
    CONSTRAINT dispatch_revision_check CHECK ((revision > 0))
);

COMMENT ON COLUMN public.dispatch.revision IS 'how often these settings have changed';

COMMENT ON COLUMN public.dispatch.max_claims IS 'active claims at a time; null: any number';

COMMENT ON COLUMN public.dispatch.retry_first IS 'seconds before the second attempt, doubled with each further one up to retry_max';

COMMENT ON COLUMN public.dispatch.requires IS 'tags, name to value, that a worker must have';

COMMENT ON COLUMN public.dispatch.order_by IS 'column of the rows that are handed out; null: oldest first';

CREATE TABLE public.drain_watch (
    "position" bigint NOT NULL,
    operation_id bigint NOT NULL,
    singleton boolean DEFAULT true NOT NULL,
    CONSTRAINT drain_watch_singleton_check CHECK (singleton)
);

CREATE TABLE public.draining (
    feature_id integer NOT NULL
);

CREATE TABLE public.erasure (
    at timestamp with time zone NOT NULL,
    rid bigint NOT NULL,
    operation_id bigint NOT NULL,
    transaction xid8 NOT NULL,
    feature_id integer NOT NULL,
    entries integer NOT NULL
);

CREATE TABLE public.failure (
    rid bigint NOT NULL,
    definition_id bigint NOT NULL,
    first_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    retry_at timestamp with time zone,
    feature_id integer NOT NULL,
    attempts integer NOT NULL,
    worker text NOT NULL,
    error text NOT NULL,
    provenance text[] NOT NULL,
    expiries integer DEFAULT 0 NOT NULL,
    batch_max integer,
    CONSTRAINT failure_attempts_check CHECK (((attempts >= 0) AND ((attempts + expiries) > 0))),
    CONSTRAINT failure_batch_max_check CHECK ((batch_max > 0)),
    CONSTRAINT failure_expiries_check CHECK ((expiries >= 0))
)
WITH (fillfactor='70');

COMMENT ON COLUMN public.failure.attempts IS 'failures that were reported, and leases that ran out on this unit alone; 0: not failing';

COMMENT ON COLUMN public.failure.expiries IS 'leases that ran out on a batch with this unit since it was last completed';

COMMENT ON COLUMN public.failure.batch_max IS 'units at most in a batch with this one; null for any number';

CREATE TABLE public.feature (
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    current_definition bigint,
    id integer NOT NULL,
    project_id integer NOT NULL,
    space_id integer NOT NULL,
    key text NOT NULL COLLATE pg_catalog."C",
    unit_storage integer,
    unit_space_id integer,
    CONSTRAINT feature_check CHECK (((unit_storage IS NULL) = (unit_space_id IS NULL)))
);

COMMENT ON COLUMN public.feature.unit_storage IS 'stands for the feature in head, lineage, presence, work, claim and failure, where these are of units; drawn from the numbers of features';

ALTER TABLE public.feature ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.feature_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.feed_horizon (
    at timestamp with time zone,
    "position" bigint NOT NULL,
    operation_id bigint NOT NULL,
    singleton boolean DEFAULT true NOT NULL,
    CONSTRAINT feed_horizon_singleton_check CHECK (singleton)
);

COMMENT ON TABLE public.feed_horizon IS 'the last change that the feed no longer tells; nothing before it is told either';

CREATE SEQUENCE public.fencing_token_sequence
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE public.field (
    feature_id integer NOT NULL,
    slot smallint NOT NULL,
    key text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT field_slot_check CHECK ((slot > 0))
);

CREATE TABLE public.head (
    rid bigint NOT NULL,
    entry bigint NOT NULL,
    definition_id bigint NOT NULL,
    feature_id integer NOT NULL,
    state smallint NOT NULL,
    provenance text[] NOT NULL,
    data_version text[],
    fingerprint uuid,
    key bytea,
    CONSTRAINT head_state_check CHECK ((state = ANY (ARRAY[0, 1])))
)
PARTITION BY LIST (feature_id);

COMMENT ON COLUMN public.head.fingerprint IS 'MD5 of definition, versions and metadata as they were sent; null where they came another way';

COMMENT ON COLUMN public.head.key IS 'record.key, where that is short and whoever wrote the first version had it at hand; null otherwise';

CREATE TABLE public.id_space (
    id integer NOT NULL,
    columns text[] NOT NULL,
    CONSTRAINT id_space_columns_check CHECK ((cardinality(columns) > 0))
);

ALTER TABLE public.id_space ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.id_space_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.lineage (
    entry bigint NOT NULL,
    rid bigint NOT NULL,
    definition_id bigint NOT NULL,
    operation_id bigint NOT NULL,
    written_at timestamp with time zone NOT NULL,
    feature_id integer NOT NULL,
    kind smallint NOT NULL,
    provenance text[],
    data_version text[],
    parents bigint[],
    parent_records bigint[],
    parent_counts integer[],
    metadata jsonb,
    CONSTRAINT lineage_kind_check CHECK (((kind >= 0) AND (kind <= 6)))
)
PARTITION BY LIST (feature_id);

COMMENT ON COLUMN public.lineage.kind IS '0 written, 1 computed under a claim, 2 reverted to an earlier version, 3 soft-deleted, 4 restored, 5 rebased, 6 computed too late to become current';

CREATE SEQUENCE public.lineage_entry_sequence
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE public.lineage_horizon (
    at timestamp with time zone NOT NULL,
    entry bigint NOT NULL,
    feature_id integer NOT NULL
);

COMMENT ON TABLE public.lineage_horizon IS 'features of which superseded versions were dropped';

CREATE TABLE public.lineage_part (
    first_entry bigint,
    feature_id integer NOT NULL,
    part integer NOT NULL
);

CREATE TABLE public.link (
    rid bigint NOT NULL,
    unit bigint NOT NULL,
    feature_id integer NOT NULL,
    record_of integer NOT NULL
);

CREATE TABLE public.operation (
    at timestamp with time zone NOT NULL,
    id bigint NOT NULL,
    claim_id bigint,
    worker text,
    materialization_id text,
    token_name text,
    request_id text,
    "position" bigint NOT NULL,
    feature_id integer,
    project_id integer,
    kind text NOT NULL,
    detail jsonb
);

COMMENT ON COLUMN public.operation."position" IS 'registry.feed_base plus the id of the transaction: numbers of a sequence are not in the order of commits, but what is below every transaction that still runs is complete';

ALTER TABLE public.operation ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.operation_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.presence (
    feature_id integer NOT NULL,
    block integer NOT NULL,
    live bit(1024) NOT NULL,
    gone bit(1024) NOT NULL
)
WITH (fillfactor='50', autovacuum_vacuum_scale_factor='0.0', autovacuum_vacuum_threshold='1000');

CREATE TABLE public.presence_count (
    live bigint NOT NULL,
    gone bigint NOT NULL,
    feature_id integer NOT NULL,
    stripe smallint NOT NULL
)
WITH (fillfactor='20', autovacuum_vacuum_scale_factor='0.0', autovacuum_vacuum_threshold='1000');

CREATE TABLE public.project (
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    id integer NOT NULL,
    hash_truncation_length integer NOT NULL,
    hash_algorithm text NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    max_claims integer,
    CONSTRAINT project_hash_algorithm_check CHECK ((hash_algorithm = ANY (ARRAY['md5'::text, 'sha256'::text, 'xxhash32'::text, 'xxhash64'::text]))),
    CONSTRAINT project_hash_truncation_length_check CHECK (((hash_truncation_length >= 8) AND (hash_truncation_length <= 64))),
    CONSTRAINT project_max_claims_check CHECK ((max_claims >= 0))
);

COMMENT ON COLUMN public.project.max_claims IS 'active claims on all its features at a time; null: any number';

ALTER TABLE public.project ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.project_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.push (
    pushed_at timestamp with time zone DEFAULT now() NOT NULL,
    id bigint NOT NULL,
    revision bigint NOT NULL,
    project_id integer NOT NULL,
    project_version text NOT NULL,
    message text,
    tags jsonb DEFAULT '{}'::jsonb NOT NULL,
    definitions bigint[] NOT NULL
);

ALTER TABLE public.push ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.push_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.ready_block (
    since timestamp with time zone NOT NULL,
    feature_id integer NOT NULL,
    block integer NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0.0', autovacuum_vacuum_threshold='1000', autovacuum_vacuum_cost_delay='0');

COMMENT ON TABLE public.ready_block IS 'blocks that have something to hand out; rows of feature 0 are of no feature and keep the planner from taking the table for an empty one';

CREATE TABLE public.record (
    rid bigint NOT NULL,
    space_id integer NOT NULL,
    key bytea NOT NULL,
    ids jsonb NOT NULL
)
PARTITION BY LIST (space_id);

CREATE TABLE public.registry (
    revision bigint DEFAULT 0 NOT NULL,
    singleton boolean DEFAULT true NOT NULL,
    feed_base bigint DEFAULT 0 NOT NULL,
    CONSTRAINT registry_singleton_check CHECK (singleton)
);

CREATE TABLE public.schema_migration (
    applied_at timestamp with time zone DEFAULT now() NOT NULL,
    number integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL
);

CREATE TABLE public.work (
    feature_id integer NOT NULL,
    block integer NOT NULL,
    active boolean NOT NULL,
    dirty bit(1024) NOT NULL,
    leased bit(1024) NOT NULL,
    parked bit(1024) NOT NULL,
    awaited bit(1024) NOT NULL,
    CONSTRAINT work_check1 CHECK ((active = (bit_count(((dirty | leased) | parked)) > 0))),
    CONSTRAINT work_check2 CHECK (((bit_count((dirty & parked)) = 0) AND (bit_count((leased & parked)) = 0)))
)
WITH (fillfactor='40', autovacuum_vacuum_scale_factor='0.0', autovacuum_vacuum_threshold='1000', autovacuum_vacuum_cost_delay='0', autovacuum_analyze_scale_factor='0.0', autovacuum_analyze_threshold='10000');

ALTER TABLE ONLY public.answer
    ADD CONSTRAINT answer_pkey PRIMARY KEY (caller, key);

ALTER TABLE ONLY public.api_token
    ADD CONSTRAINT api_token_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.api_token_secret
    ADD CONSTRAINT api_token_secret_digest_key UNIQUE (digest);

ALTER TABLE ONLY public.claim_batch
    ADD CONSTRAINT claim_batch_pkey PRIMARY KEY (claim_id);

ALTER TABLE ONLY public.claim
    ADD CONSTRAINT claim_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.definition
    ADD CONSTRAINT definition_feature_id_feature_version_definition_version_key UNIQUE (feature_id, feature_version, definition_version);

ALTER TABLE ONLY public.definition
    ADD CONSTRAINT definition_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.dispatch
    ADD CONSTRAINT dispatch_pkey PRIMARY KEY (feature_id);

ALTER TABLE ONLY public.drain_watch
    ADD CONSTRAINT drain_watch_pkey PRIMARY KEY (singleton);

ALTER TABLE ONLY public.draining
    ADD CONSTRAINT draining_pkey PRIMARY KEY (feature_id);

ALTER TABLE ONLY public.erasure
    ADD CONSTRAINT erasure_pkey PRIMARY KEY (feature_id, rid, operation_id);

ALTER TABLE ONLY public.failure
    ADD CONSTRAINT failure_pkey PRIMARY KEY (feature_id, rid);

ALTER TABLE ONLY public.feature
    ADD CONSTRAINT feature_key_key UNIQUE (key);

ALTER TABLE ONLY public.feature
    ADD CONSTRAINT feature_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.feature
    ADD CONSTRAINT feature_unit_storage_key UNIQUE (unit_storage);

ALTER TABLE ONLY public.feed_horizon
    ADD CONSTRAINT feed_horizon_pkey PRIMARY KEY (singleton);

ALTER TABLE ONLY public.field
    ADD CONSTRAINT field_feature_id_key_key UNIQUE (feature_id, key);

ALTER TABLE ONLY public.field
    ADD CONSTRAINT field_pkey PRIMARY KEY (feature_id, slot);

ALTER TABLE ONLY public.id_space
    ADD CONSTRAINT id_space_columns_key UNIQUE (columns);

ALTER TABLE ONLY public.id_space
    ADD CONSTRAINT id_space_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.lineage_horizon
    ADD CONSTRAINT lineage_horizon_pkey PRIMARY KEY (feature_id);

ALTER TABLE ONLY public.lineage_part
    ADD CONSTRAINT lineage_part_pkey PRIMARY KEY (feature_id, part);

ALTER TABLE ONLY public.link
    ADD CONSTRAINT link_pkey PRIMARY KEY (feature_id, record_of, rid);

ALTER TABLE ONLY public.operation
    ADD CONSTRAINT operation_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.presence_count
    ADD CONSTRAINT presence_count_pkey PRIMARY KEY (feature_id, stripe);

ALTER TABLE ONLY public.presence
    ADD CONSTRAINT presence_pkey PRIMARY KEY (feature_id, block);

ALTER TABLE ONLY public.project
    ADD CONSTRAINT project_name_key UNIQUE (name);

ALTER TABLE ONLY public.project
    ADD CONSTRAINT project_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.push
    ADD CONSTRAINT push_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.ready_block
    ADD CONSTRAINT ready_block_pkey PRIMARY KEY (feature_id, block);

ALTER TABLE ONLY public.registry
    ADD CONSTRAINT registry_pkey PRIMARY KEY (singleton);

ALTER TABLE ONLY public.schema_migration
    ADD CONSTRAINT schema_migration_pkey PRIMARY KEY (number);

ALTER TABLE ONLY public.work
    ADD CONSTRAINT work_pkey PRIMARY KEY (feature_id, block);

CREATE INDEX answer_age_index ON public.answer USING btree (answered_at);

CREATE INDEX api_token_secret_token_index ON public.api_token_secret USING btree (token_name);

CREATE INDEX claim_active_index ON public.claim USING btree (feature_id, id) WHERE (state = 0);

CREATE INDEX claim_timed_index ON public.claim USING btree (feature_id, id) WHERE (timed > 0);

CREATE INDEX failure_retry_index ON public.failure USING btree (feature_id, retry_at) WHERE (retry_at IS NOT NULL);

CREATE INDEX feature_project_index ON public.feature USING btree (project_id);

CREATE INDEX link_unit_index ON public.link USING btree (feature_id, record_of, unit, rid);

CREATE INDEX operation_feed_index ON public.operation USING btree ("position", id);

CREATE INDEX push_project_index ON public.push USING btree (project_id, id);

CREATE INDEX ready_block_since_index ON public.ready_block USING btree (feature_id, since, block);

CREATE INDEX work_active_index ON public.work USING btree (feature_id, block) WHERE active;

CREATE TRIGGER erasure_is_append_only BEFORE DELETE OR UPDATE ON public.erasure FOR EACH ROW EXECUTE FUNCTION public.refuse_erasure_change();

CREATE TRIGGER feed_horizon_only_moves_on BEFORE DELETE OR UPDATE ON public.feed_horizon FOR EACH ROW EXECUTE FUNCTION public.refuse_horizon_change();

CREATE TRIGGER lineage_is_append_only BEFORE DELETE OR UPDATE ON public.lineage FOR EACH ROW EXECUTE FUNCTION public.refuse_lineage_change();

CREATE TRIGGER operation_is_append_only BEFORE DELETE OR UPDATE ON public.operation FOR EACH ROW EXECUTE FUNCTION public.refuse_operation_change();

CREATE TRIGGER operation_is_never_truncated BEFORE TRUNCATE ON public.operation FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_operation_change();

ALTER TABLE ONLY public.api_token_secret
    ADD CONSTRAINT api_token_secret_token_name_fkey FOREIGN KEY (token_name) REFERENCES public.api_token(name);

ALTER TABLE ONLY public.claim_batch
    ADD CONSTRAINT claim_batch_claim_id_fkey FOREIGN KEY (claim_id) REFERENCES public.claim(id);

ALTER TABLE ONLY public.definition
    ADD CONSTRAINT definition_feature_id_fkey FOREIGN KEY (feature_id) REFERENCES public.feature(id);

ALTER TABLE ONLY public.dispatch
    ADD CONSTRAINT dispatch_feature_id_fkey FOREIGN KEY (feature_id) REFERENCES public.feature(id);

ALTER TABLE ONLY public.feature
    ADD CONSTRAINT feature_current_definition_fkey FOREIGN KEY (current_definition) REFERENCES public.definition(id);

ALTER TABLE ONLY public.feature
    ADD CONSTRAINT feature_project_id_fkey FOREIGN KEY (project_id) REFERENCES public.project(id);

ALTER TABLE ONLY public.feature
    ADD CONSTRAINT feature_space_id_fkey FOREIGN KEY (space_id) REFERENCES public.id_space(id);

ALTER TABLE ONLY public.feature
    ADD CONSTRAINT feature_unit_space_id_fkey FOREIGN KEY (unit_space_id) REFERENCES public.id_space(id);

ALTER TABLE ONLY public.field
    ADD CONSTRAINT field_feature_id_fkey FOREIGN KEY (feature_id) REFERENCES public.feature(id);

ALTER TABLE ONLY public.push
    ADD CONSTRAINT push_project_id_fkey FOREIGN KEY (project_id) REFERENCES public.project(id);
