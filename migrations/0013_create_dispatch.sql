-- What: how the work of each feature is handed out, how many claims a project may have at a time, and how long work took.
-- Why:  GPUs differ and are few: whoever asks gets what matters most of what it can compute, in batches of the time it has.
-- Locks: ACCESS EXCLUSIVE on project and claim for milliseconds (constant defaults are not written to rows); then SHARE on
--       claim while its new index, which is empty, is made: about a second for ten million claims. Breaking: no.

-- A feature without a row has the standard. Read whole into each server process, as the graph is.
CREATE TABLE dispatch (
    revision     bigint  NOT NULL CHECK (revision > 0),
    feature_id   integer PRIMARY KEY REFERENCES feature,
    priority     integer NOT NULL,
    max_claims   integer CHECK (max_claims >= 0),
    max_attempts integer NOT NULL CHECK (max_attempts > 0),
    retry_first  integer NOT NULL CHECK (retry_first > 0),
    retry_max    integer NOT NULL CHECK (retry_max >= retry_first),
    requires     jsonb   NOT NULL CHECK (jsonb_typeof(requires) = 'object')
);
COMMENT ON COLUMN dispatch.revision IS 'how often these settings have changed';
COMMENT ON COLUMN dispatch.max_claims IS 'active claims at a time; null: any number';
COMMENT ON COLUMN dispatch.retry_first IS 'seconds before the second attempt, doubled with each further one up to retry_max';
COMMENT ON COLUMN dispatch.requires IS 'tags, name to value, that a worker must have';

ALTER TABLE project ADD COLUMN max_claims integer CHECK (max_claims >= 0);
COMMENT ON COLUMN project.max_claims IS 'active claims on all its features at a time; null: any number';

-- With the claim, not in a sum for each feature: its row is written by the same statement in any case, and workers that
-- complete at the same time do not wait for each other.
ALTER TABLE claim
    ADD COLUMN seconds double precision NOT NULL DEFAULT 0 CHECK (seconds >= 0),
    ADD COLUMN timed integer NOT NULL DEFAULT 0 CHECK (timed >= 0);
COMMENT ON COLUMN claim.seconds IS 'compute time that its worker reported';
COMMENT ON COLUMN claim.timed IS 'units whose compute time that was';
CREATE INDEX claim_timed_index ON claim (feature_id, id) WHERE timed > 0;
