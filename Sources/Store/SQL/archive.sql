-- Facts that an export and an import need. Statements that copy whole tables are made in ArchiveSection.swift from the
-- names of the tables.

-- name: archive_spaces
-- Reads the id spaces in order.
-- columns: integer
SELECT id FROM id_space ORDER BY id;

-- name: archive_storages
-- Reads the numbers of features and of their units, in order.
-- columns: integer
SELECT id FROM feature UNION ALL SELECT unit_storage FROM feature WHERE unit_storage IS NOT NULL ORDER BY 1;

-- name: archive_sequences
-- Sets the sequences to the lines of an archive. This outlives a transaction that fails, so it is the last step.
-- The database that wrote the archive may go on issuing fencing tokens. A claim of the new database gets one that is larger
-- by 2^32 than any before: at 1,000 claims a second the old database needs 49 days to get there, and after two million
-- moves a token still fits the 2^53 that JSON readers keep exactly.
-- parameters: text[]
-- columns: bigint
SELECT setval(quote_ident(r.name)::regclass,
    r.last_value + CASE WHEN r.name = 'fencing_token_sequence' THEN 4294967296 ELSE 0 END)
FROM unnest($1::text[]) AS u (line), json_to_record(u.line::json) AS r (name text, last_value bigint);

-- name: archive_occupied
-- Finds the tables that have rows.
-- columns: text
SELECT 'id_space' WHERE EXISTS (SELECT FROM id_space) UNION ALL
SELECT 'project' WHERE EXISTS (SELECT FROM project) UNION ALL
SELECT 'feature' WHERE EXISTS (SELECT FROM feature) UNION ALL
SELECT 'push' WHERE EXISTS (SELECT FROM push) UNION ALL
SELECT 'claim' WHERE EXISTS (SELECT FROM claim) UNION ALL
SELECT 'operation' WHERE EXISTS (SELECT FROM operation) UNION ALL
SELECT 'api_token' WHERE EXISTS (SELECT FROM api_token);
