"""The same work without a server: COPY and SQL through psql, on tables like the server's."""
import time

ROOTS = """
DROP SCHEMA IF EXISTS bare CASCADE;
CREATE SCHEMA bare;
SET search_path = bare, public;
CREATE UNLOGGED TABLE stage (ordinal bigserial, key text, metadata jsonb, versions text[]);
CREATE SEQUENCE rids;
CREATE SEQUENCE entries;
CREATE TABLE record (rid bigint PRIMARY KEY, key text COLLATE "C" UNIQUE);
CREATE TABLE lineage (
    entry bigint, rid bigint, definition_id bigint, operation_id bigint, written_at timestamptz, provenance text[],
    metadata jsonb, PRIMARY KEY (rid, entry));
CREATE TABLE head (rid bigint PRIMARY KEY, entry bigint, definition_id bigint, state smallint, provenance text[])
    WITH (fillfactor = 60);
"""

MERGE = """
SET search_path = bare, public;
BEGIN;
INSERT INTO record SELECT nextval('rids'), s.key FROM stage s
WHERE NOT EXISTS (SELECT FROM record r WHERE r.key = s.key) ORDER BY s.key;
WITH input AS MATERIALIZED (
    SELECT nextval('entries') AS entry, r.rid, s.versions, s.metadata
    FROM stage s JOIN record r ON r.key = s.key LEFT JOIN head h ON h.rid = r.rid
    WHERE h.rid IS NULL OR h.provenance IS DISTINCT FROM s.versions
), logged AS (
    INSERT INTO lineage SELECT entry, rid, 1, 1, now(), versions, metadata FROM input
)
INSERT INTO head SELECT rid, entry, 1, 0, versions FROM input
ON CONFLICT (rid) DO UPDATE SET entry = excluded.entry, provenance = excluded.provenance;
COMMIT;
"""


class Bare:
    """Statements run bare on the server's PostgreSQL, in a schema of their own."""

    def __init__(self, server):
        self.server = server

    def ingest(self, work):
        """Rows a second of a first write: COPY into a staging table, then set-based SQL."""
        path = self.server.directory.parent / "bare.copy"
        with path.open("w") as file:
            for key in work.roots:
                for number in range(work.records):
                    versions = ",".join(f"{number:016x}" for _ in work.fields)
                    metadata = f'{{"path": "s3://bucket/dataset/part-{number % 1000:04}/sample_{number:08}.mp4", ' \
                               f'"size": {number * 37 % 100000}}}'
                    file.write(f"{key}/sample_{number:08}\t{metadata}\t{{{versions}}}\n")
        path.chmod(0o644)
        self.server.sql(ROOTS)
        start = time.perf_counter()
        self.server.sql(f"\\copy bare.stage (key, metadata, versions) FROM '{path}'\n" + MERGE)
        seconds = time.perf_counter() - start
        self.server.sql("DROP SCHEMA bare CASCADE")
        path.unlink()
        return work.rows / seconds

    def full_diff(self, work):
        """Seconds of finding what changed by hashing and comparing all records, as a library does."""
        found = numbers(self.server)
        heads = [f"public.head_{found[key]}" for key in work.roots]
        joins = " ".join(f"JOIN {head} r{place} ON r{place}.rid = r0.rid"
                         for place, head in enumerate(heads) if place)
        fields = ", ".join(
            "left(encode(sha256(convert_to(concat_ws('|', '{}', '1', {}), 'UTF8')), 'hex'), 32)".format(
                field, ", ".join(f"r{place}.provenance[{slot + 1}]" for place in range(len(heads))))
            for slot, field in enumerate(work.leaf_fields))
        query = (f"SELECT count(*) FROM (SELECT r0.rid, ARRAY[{fields}] AS expected FROM {heads[0]} r0 {joins}) e "
                 f"LEFT JOIN public.head_{found[work.leaf]} l ON l.rid = e.rid "
                 "WHERE l.rid IS NULL OR l.provenance <> e.expected")
        start = time.perf_counter()
        self.server.sql(query)
        return time.perf_counter() - start


def numbers(server):
    """For each feature the number by which its tables are named."""
    return dict(line.split("|") for line in server.sql("SELECT key, id FROM public.feature").splitlines())
