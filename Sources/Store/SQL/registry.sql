-- Projects, features, definitions, pushes and how work is dispatched: tables project, id_space, feature, field,
-- definition, push, registry, dispatch.

-- name: registry_lock
-- Takes the registry lock alone until the end of the transaction. The number is arbitrary; it spells MTXY.
-- columns: void
SELECT pg_advisory_xact_lock(1297373273);

-- name: registry_lock_shared
-- Takes the registry lock shared until the end of the transaction.
-- columns: void
SELECT pg_advisory_xact_lock_shared(1297373273);

-- name: registry_revision
-- Reads the revision of the registry.
-- columns: bigint
SELECT revision FROM registry;

-- name: registry_projects
-- Reads all projects, each with its newest pushed version.
-- columns: integer, text, text, integer, text, timestamptz, integer
SELECT p.id, p.name, p.hash_algorithm, p.hash_truncation_length,
       (SELECT project_version FROM push WHERE project_id = p.id ORDER BY id DESC LIMIT 1), p.created_at,
       p.max_claims
FROM project p ORDER BY p.id;

-- name: registry_project
-- Reads a project by name, with its newest pushed version.
-- parameters: text
-- columns: integer, text, text, integer, text, timestamptz, integer
SELECT p.id, p.name, p.hash_algorithm, p.hash_truncation_length,
       (SELECT project_version FROM push WHERE project_id = p.id ORDER BY id DESC LIMIT 1), p.created_at,
       p.max_claims
FROM project p WHERE p.name = $1;

-- name: registry_features
-- Reads all features.
-- columns: integer, text, integer, integer, bigint, integer, integer
SELECT id, key, project_id, space_id, current_definition, unit_storage, unit_space_id FROM feature ORDER BY id;

-- name: registry_fields
-- Reads the slots of all fields.
-- columns: integer, smallint, text
SELECT feature_id, slot, key FROM field;

-- name: registry_spaces
-- Reads all id spaces.
-- columns: integer, text[]
SELECT id, columns FROM id_space;

-- name: registry_definitions
-- Reads definitions by number.
-- parameters: bigint[]
-- columns: bigint, integer, text, text, text, text, text, text, jsonb
SELECT id, feature_id, feature_version, definition_version, spec_version, code_version, spec::text,
       schema::text, fields
FROM definition WHERE id = ANY ($1::bigint[]);

-- name: registry_version
-- Finds the definitions of a feature that have a feature version.
-- parameters: integer, text
-- columns: bigint
SELECT id FROM definition WHERE feature_id = $1 AND feature_version = $2 ORDER BY id;

-- name: registry_pushes
-- Reads the pushes of a project before a number, newest first.
-- parameters: integer, bigint, bigint
-- columns: bigint, text, timestamptz, text, jsonb, bigint[]
SELECT id, project_version, pushed_at, message, tags, definitions
FROM push WHERE project_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3;

-- name: registry_create_project
-- Creates a project.
-- parameters: text, text, integer
-- columns: integer
INSERT INTO project (name, hash_algorithm, hash_truncation_length) VALUES ($1, $2, $3) RETURNING id;

-- name: registry_change_project
-- Changes the hash settings of a project.
-- parameters: integer, text, integer
UPDATE project SET hash_algorithm = $2, hash_truncation_length = $3 WHERE id = $1;

-- name: registry_cap_project
-- Changes the number of active claims that a project may have. Null means any number.
-- parameters: integer, integer
UPDATE project SET max_claims = $2 WHERE id = $1;

-- name: registry_find_space
-- Finds an id space by its columns.
-- parameters: text[]
-- columns: integer
SELECT id FROM id_space WHERE columns = $1;

-- name: registry_create_space
-- Creates an id space.
-- parameters: text[]
-- columns: integer
INSERT INTO id_space (columns) VALUES ($1) RETURNING id;

-- name: registry_create_feature
-- Creates a feature.
-- parameters: text, integer, integer
-- columns: integer
INSERT INTO feature (key, project_id, space_id) VALUES ($1, $2, $3) RETURNING id;

-- name: registry_move_feature
-- Moves a feature to another id space.
-- parameters: integer, integer
UPDATE feature SET space_id = $2 WHERE id = $1;

-- name: registry_create_units
-- Gives a feature the number under which its units are stored. It is drawn from the numbers of features.
-- parameters: integer, integer
-- columns: integer
UPDATE feature SET unit_storage = nextval(pg_get_serial_sequence('feature', 'id')), unit_space_id = $2
WHERE id = $1 RETURNING unit_storage;

-- name: registry_move_units
-- Moves the units of a feature to another id space.
-- parameters: integer, integer
-- columns: integer
UPDATE feature SET unit_space_id = $2 WHERE id = $1 RETURNING unit_storage;

-- name: registry_forget_work
-- Ends the claims on units whose numbers have lost their meaning, and deletes their work and failures.
-- parameters: integer
WITH ended AS (
    UPDATE claim SET state = 2, finished_at = now() WHERE feature_id = $1 AND state = 0
), batches AS (
    DELETE FROM claim_batch b USING claim c WHERE c.id = b.claim_id AND c.feature_id = $1
), failures AS (
    DELETE FROM failure WHERE feature_id = $1
), ready AS (
    DELETE FROM ready_block WHERE feature_id = $1
)
DELETE FROM work WHERE feature_id = $1;

-- name: registry_create_fields
-- Gives slots to fields.
-- parameters: integer, smallint[], text[]
INSERT INTO field (feature_id, slot, key) SELECT $1, u.slot, u.key FROM unnest($2::smallint[], $3::text[]) AS u (slot, key);

-- name: registry_define
-- Stores a definition, or finds the equal one. The update changes nothing: it makes RETURNING give the number.
-- parameters: integer, text, text, text, text, text, text, jsonb
-- columns: bigint
INSERT INTO definition AS d
    (feature_id, feature_version, definition_version, spec_version, code_version, spec, schema, fields)
VALUES ($1, $2, $3, $4, $5, $6::text::json, $7::text::json, $8)
ON CONFLICT (feature_id, feature_version, definition_version) DO UPDATE SET feature_id = d.feature_id
RETURNING id;

-- name: registry_activate
-- Makes definitions current. A null definition removes the feature from the graph of its project.
-- parameters: integer[], bigint[]
UPDATE feature f SET current_definition = u.definition
FROM unnest($1::integer[], $2::bigint[]) AS u (feature, definition) WHERE f.id = u.feature;

-- name: registry_record_push
-- Stores a push and moves the revision of the registry.
-- parameters: integer, text, text, jsonb, bigint[]
WITH moved AS (UPDATE registry SET revision = revision + 1 RETURNING revision)
INSERT INTO push (revision, project_id, project_version, message, tags, definitions)
SELECT revision, $1, $2, $3, $4, $5 FROM moved;

-- name: registry_touch
-- Moves the revision of the registry, so that each process loads the graph again.
UPDATE registry SET revision = revision + 1;

-- name: registry_was_pushed
-- Whether a project version has been pushed.
-- parameters: integer, text
-- columns: boolean
SELECT EXISTS (SELECT 1 FROM push WHERE project_id = $1 AND project_version = $2);

-- name: registry_push_of_version
-- Reads the newest push of a project version.
-- parameters: integer, text
-- columns: bigint, text, timestamptz, text, jsonb, bigint[]
SELECT id, project_version, pushed_at, message, tags, definitions
FROM push WHERE project_id = $1 AND project_version = $2 ORDER BY id DESC LIMIT 1;

-- name: dispatch_all
-- Reads the dispatch settings of all features that have some.
-- columns: integer, bigint, integer, integer, integer, integer, integer, jsonb, text
SELECT feature_id, revision, priority, max_claims, max_attempts, retry_first, retry_max, requires, order_by
FROM dispatch;

-- name: dispatch_write
-- Stores the dispatch settings of a feature.
-- parameters: integer, bigint, integer, integer, integer, integer, integer, jsonb, text
INSERT INTO dispatch (feature_id, revision, priority, max_claims, max_attempts, retry_first, retry_max, requires,
                      order_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (feature_id) DO UPDATE SET
    revision = excluded.revision, priority = excluded.priority, max_claims = excluded.max_claims,
    max_attempts = excluded.max_attempts, retry_first = excluded.retry_first, retry_max = excluded.retry_max,
    requires = excluded.requires, order_by = excluded.order_by;
