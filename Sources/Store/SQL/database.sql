-- Migrations and figures of the database: table schema_migration, and the catalogue of PostgreSQL.

-- name: figures_tables
-- Reads the size of each table with its partitions.
-- columns: text, bigint, bigint, bigint, bigint
SELECT r.relname::text, coalesce(sum(pg_table_size(c.oid)), 0)::bigint,
       coalesce(sum(pg_indexes_size(c.oid)), 0)::bigint,
       coalesce(sum(pg_stat_get_live_tuples(c.oid)), 0)::bigint,
       coalesce(sum(pg_stat_get_dead_tuples(c.oid)), 0)::bigint
FROM pg_class c JOIN pg_class r ON r.oid = coalesce(pg_partition_root(c.oid), c.oid)
WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND c.relnamespace = quote_ident(current_schema())::regnamespace
GROUP BY r.relname ORDER BY r.relname;

-- name: figures_state
-- Reads the state of the database. The lag is null to a role without pg_monitor.
-- columns: boolean, bigint, bigint, double precision, double precision, bigint, bigint, bigint
SELECT pg_is_in_recovery(), s.standbys, s.lag_bytes, s.lag_seconds,
       (SELECT coalesce(max(extract(epoch FROM clock_timestamp() - a.xact_start)), 0)::float8
        FROM pg_stat_activity a WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()),
       (SELECT age(d.datfrozenxid)::bigint FROM pg_database d WHERE d.datname = current_database()),
       (SELECT sum(b.numbackends)::bigint FROM pg_stat_database b),
       current_setting('max_connections')::bigint
FROM (SELECT count(*) AS standbys, extract(epoch FROM max(r.replay_lag))::float8 AS lag_seconds,
             CASE WHEN count(*) = 0 THEN 0
                  ELSE max(pg_wal_lsn_diff(r.sent_lsn, r.replay_lsn))::bigint END AS lag_bytes
      FROM pg_stat_replication r) s;

-- name: migration_lock
-- Serialises migrations. The number is arbitrary and not the one of the registry; it spells MTXM.
-- columns: void
SELECT pg_advisory_xact_lock(1297373261);

-- name: migration_applied
-- Reads the applied migrations.
-- columns: integer, text, text
SELECT number, name, checksum FROM schema_migration ORDER BY number;

-- name: migration_note
-- Notes an applied migration.
-- parameters: integer, text, text
INSERT INTO schema_migration (number, name, checksum) VALUES ($1, $2, $3);
