-- What: projects, their features, every definition that was ever pushed, and the history of pushes.
-- Why:  the graph is small (thousands of rows) and read whole into each server process; `registry.revision` says when.
-- Locks: none on existing tables. Time: milliseconds. Breaking: no.

-- One row. The revision moves with every push; a process whose copy of the graph is older loads it again.
CREATE TABLE registry (
    revision  bigint  NOT NULL DEFAULT 0,
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton)
);
INSERT INTO registry DEFAULT VALUES;

CREATE TABLE project (
    created_at             timestamptz NOT NULL DEFAULT now(),
    id                     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hash_truncation_length integer NOT NULL CHECK (hash_truncation_length BETWEEN 8 AND 64),
    hash_algorithm         text NOT NULL CHECK (hash_algorithm IN ('md5', 'sha256', 'xxhash32', 'xxhash64')),
    name                   text COLLATE "C" NOT NULL UNIQUE
);

-- An id space is a tuple of id column names. Features over the same ids share it, and so share record ids.
CREATE TABLE id_space (
    id      integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    columns text[] NOT NULL UNIQUE CHECK (cardinality(columns) > 0)
);

CREATE TABLE feature (
    created_at         timestamptz NOT NULL DEFAULT now(),
    current_definition bigint,                 -- null: the feature is no longer part of its project's graph
    id                 integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id         integer NOT NULL REFERENCES project,
    space_id           integer NOT NULL REFERENCES id_space,
    key                text COLLATE "C" NOT NULL UNIQUE
);
CREATE INDEX feature_project_index ON feature (project_id);

-- A field keeps its slot for ever: versions of records are arrays over slots, readable under any definition.
CREATE TABLE field (
    feature_id integer  NOT NULL REFERENCES feature,
    slot       smallint NOT NULL CHECK (slot > 0),
    key        text COLLATE "C" NOT NULL,
    PRIMARY KEY (feature_id, slot),
    UNIQUE (feature_id, key)
);

-- What a feature was at some time: its spec, and all that follows from the spec and the graph around it.
-- `spec` and `schema` are json, not jsonb: their bytes are hashed, and jsonb would rewrite numbers.
CREATE TABLE definition (
    created_at         timestamptz NOT NULL DEFAULT now(),
    id                 bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    feature_id         integer NOT NULL REFERENCES feature,
    feature_version    text NOT NULL,
    definition_version text NOT NULL,
    spec_version       text NOT NULL,
    code_version       text NOT NULL,
    spec               json NOT NULL,
    schema             json,
    -- [{"slot","key","version","code_version","parents":["feature/key.field/key",…]}] in the order of the spec
    fields             jsonb NOT NULL,
    UNIQUE (feature_id, feature_version, definition_version)
);
ALTER TABLE feature ADD FOREIGN KEY (current_definition) REFERENCES definition;

-- Every push, in order. The newest push of a project is its current version.
CREATE TABLE push (
    pushed_at       timestamptz NOT NULL DEFAULT now(),
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    revision        bigint NOT NULL,
    project_id      integer NOT NULL REFERENCES project,
    project_version text NOT NULL,
    message         text,
    tags            jsonb NOT NULL DEFAULT '{}',
    definitions     bigint[] NOT NULL
);
CREATE INDEX push_project_index ON push (project_id, id);
