"""Claiming and completing without a server: the same SQL through psql, on tables like the server's."""
import concurrent.futures
import shutil
import time

from bare import numbers

BLOCK = 1_024

# What is written; the lineage is one table instead of partitions. The roots are read where the server has them.
TABLES = """
DROP SCHEMA IF EXISTS bare CASCADE;
CREATE SCHEMA bare;
SET search_path = bare;
CREATE SEQUENCE tokens;
CREATE SEQUENCE entries;
CREATE TABLE head (LIKE public.head_{leaf} INCLUDING ALL) WITH (fillfactor = 60);
CREATE TABLE lineage (LIKE public.lineage_{leaf}_0 INCLUDING ALL);
CREATE TABLE presence (LIKE public.presence INCLUDING ALL) WITH (fillfactor = 50);
CREATE TABLE presence_count (LIKE public.presence_count INCLUDING ALL) WITH (fillfactor = 20);
CREATE TABLE work (LIKE public.work INCLUDING ALL) WITH (fillfactor = 40);
CREATE TABLE ready_block (LIKE public.ready_block INCLUDING ALL);
CREATE TABLE claim (LIKE public.claim INCLUDING ALL EXCLUDING IDENTITY) WITH (fillfactor = 70);
CREATE TABLE claim_batch (LIKE public.claim_batch INCLUDING ALL, FOREIGN KEY (claim_id) REFERENCES claim);
INSERT INTO work (feature_id, block, active, dirty, leased, parked, awaited)
SELECT {leaf}, rid >> 10, true, rpad(repeat('1', count(*)::integer), 1024, '0')::bit(1024),
       0::bit(1024), 0::bit(1024), 0::bit(1024)
FROM public.record GROUP BY rid >> 10 ORDER BY rid >> 10;
INSERT INTO ready_block (since, feature_id, block) SELECT 'epoch', feature_id, block FROM work;
VACUUM (ANALYZE) work, ready_block, head, lineage;
"""

# What is handed out with a claim, and its results: those that the server stored first, block by block.
FILES = """
\\copy (SELECT {block}::bigint, array_agg(rid), array_agg(0::bigint), array_agg(1::smallint), array_agg(provenance), \
array_agg(parents), NULL::bigint[], NULL::integer[], {fields}, {deps} \
FROM ({results}) l) \
TO '{directory}/{block}.batch' (FORMAT binary)
\\copy ({results}) \
TO '{directory}/{block}.lineage' (FORMAT binary)
\\copy (SELECT * FROM public.head_{leaf} WHERE rid >= {first} AND rid < {end} ORDER BY rid) \
TO '{directory}/{block}.head' (FORMAT binary)
"""

RESULTS = "SELECT DISTINCT ON (rid) * FROM public.lineage_{leaf} WHERE rid >= {first} AND rid < {end} ORDER BY rid, entry"

# A session, as one of the server's pool is set up; results are fetched and go nowhere.
SESSION = """
SET search_path = bare;
SET max_parallel_workers_per_gather = 0;
\\o /dev/null
PREPARE take (integer) AS
WITH found AS (
    SELECT w.feature_id, w.block FROM ready_block r JOIN work w ON w.feature_id = r.feature_id AND w.block = r.block
    WHERE r.feature_id = {leaf} AND (r.since, r.block) > ('epoch', $1 - 1) AND bit_count(w.dirty & ~w.leased) > 0
    ORDER BY r.since, r.block LIMIT 1 FOR UPDATE OF w SKIP LOCKED
), left_it AS (
    DELETE FROM ready_block r USING found f WHERE r.feature_id = f.feature_id AND r.block = f.block
)
UPDATE work w SET dirty = 0::bit(1024), leased = w.leased | w.dirty
FROM found f WHERE w.feature_id = f.feature_id AND w.block = f.block RETURNING w.block, w.leased;
PREPARE hand_out (bigint, bigint) AS
SELECT u.rid, u.key, h.entry, h.definition_id, h.state, {columns}
FROM (SELECT rid, key FROM public.record WHERE rid >= $1 AND rid < $2) u
LEFT JOIN (SELECT * FROM head WHERE rid >= $1 AND rid < $2) h ON h.rid = u.rid {joins};
PREPARE claim (bigint, integer) AS
INSERT INTO claim (id, token, definition_id, claimed_at, lease_until, feature_id, lease_seconds, units, remaining,
                   state, worker, finished)
VALUES ($1, nextval('tokens'), 1, clock_timestamp(), clock_timestamp() + interval '600 s', {leaf}, 600, $2, $2, 0,
        'bare', repeat('0', $2)::bit varying)
RETURNING *;
PREPARE hold (bigint) AS SELECT * FROM claim WHERE id = $1 FOR UPDATE;
PREPARE number (integer) AS SELECT array_agg(nextval('entries')), now() FROM generate_series(1, $1);
PREPARE appear (integer) AS
WITH after AS (
    INSERT INTO presence AS p (feature_id, block, live, gone)
    SELECT feature_id, block, leased, 0::bit(1024) FROM work WHERE feature_id = {leaf} AND block = $1
    ON CONFLICT (feature_id, block) DO UPDATE SET live = p.live | excluded.live RETURNING live
)
INSERT INTO presence_count AS c (feature_id, stripe, live, gone)
SELECT {leaf}, pg_backend_pid() % 16, bit_count(live), 0 FROM after
ON CONFLICT (feature_id, stripe) DO UPDATE SET live = c.live + excluded.live;
PREPARE free (integer) AS
UPDATE work SET leased = 0::bit(1024), active = false WHERE feature_id = {leaf} AND block = $1;
PREPARE finish (bigint) AS
UPDATE claim SET finished = repeat('1', units)::bit varying, remaining = 0, state = 1, finished_at = clock_timestamp(),
    seconds = seconds + 1, timed = timed + units WHERE id = $1;
"""

BATCH = """
BEGIN;
EXECUTE take ({block});
EXECUTE hand_out ({first}, {end});
EXECUTE claim ({block}, {units});
\\copy claim_batch FROM '{directory}/{block}.batch' (FORMAT binary)
COMMIT;
BEGIN;
EXECUTE hold ({block});
EXECUTE number ({units});
\\copy lineage FROM '{directory}/{block}.lineage' (FORMAT binary)
\\copy head FROM '{directory}/{block}.head' (FORMAT binary)
EXECUTE appear ({block});
EXECUTE free ({block});
EXECUTE finish ({block});
COMMIT;
"""


class BareClaims:
    """Claims of 1,024 and their completion, by psql sessions beside each other, once the server has completed all.

    An upper bound: each session knows its blocks beforehand, so that none waits for another or passes over what others
    hold, and its results lie in files as COPY wants them. Nothing is judged, computed or checked, and nothing is looked
    up or noted of heads that others wrote, failures, erasures, limits, changes and features downstream.
    """

    def __init__(self, server, work, workers):
        self.server = server
        self.work = work
        self.workers = workers
        found = numbers(server)
        self.leaf = found[work.leaf]
        self.roots = [found[key] for key in work.roots]
        self.directory = server.directory.parent / "bare"

    def run(self):
        """Records a second, and CPU seconds of PostgreSQL, of claiming and completing all records."""
        self._fill()
        scripts = [self._script(number) for number in range(self.workers)]
        cpu = self.server.cpu_seconds()
        start = time.perf_counter()
        with concurrent.futures.ThreadPoolExecutor(self.workers) as pool:
            list(pool.map(self.server.sql, scripts))
        seconds = time.perf_counter() - start
        cpu = self.server.cpu_seconds() - cpu
        done = self.server.sql("SELECT count(*) FROM bare.head; SELECT sum(units) FROM bare.claim WHERE state = 1")
        assert done.split() == [str(self.work.records)] * 2, f"of {self.work.records} records {done.split()} are done"
        self.server.sql("DROP SCHEMA bare CASCADE")
        shutil.rmtree(self.directory)
        return self.work.records / seconds, cpu

    def _fill(self):
        """Makes the tables as they are before a first claim, and the files of results."""
        self.directory.mkdir()
        owner = (self.server.directory / "postgres").stat()
        shutil.chown(self.directory, owner.st_uid, owner.st_gid)
        self.server.sql(TABLES.format(leaf=self.leaf))
        about = {"leaf": self.leaf, "fields": len(self.work.leaf_fields), "deps": len(self.roots)}
        self.server.sql("".join(FILES.format(**about, **place, results=RESULTS.format(leaf=self.leaf, **place))
                                for place in self._places()))
        self.server.sql("CHECKPOINT")

    def _places(self):
        """For each block, where its records and files are."""
        for first in range(0, self.work.records, BLOCK):
            end = min(first + BLOCK, self.work.records)
            yield {"block": first // BLOCK, "first": first, "end": end, "units": end - first,
                   "directory": self.directory}

    def _script(self, number):
        """What one session runs: each so-many-th block, as workers take them from a server."""
        places = list(self._places())[number::self.workers]
        return self._session() + "".join(BATCH.format(**place) for place in places)

    def _session(self):
        slots = range(1, len(self.work.leaf_fields) + 1)
        columns = [f"h.provenance[{slot}]" for slot in slots]
        joins = []
        for root in self.roots:
            (head, log), among = (f"d{root}", f"l{root}"), "WHERE rid >= $1 AND rid < $2"
            columns += [f"{head}.entry", f"{log}.metadata"]
            columns += [f"(coalesce({head}.data_version, {head}.provenance))[{slot}]" for slot in slots]
            joins += [
                f"LEFT JOIN (SELECT * FROM public.head_{root} {among} AND state <> 1) {head} ON {head}.rid = u.rid",
                f"LEFT JOIN (SELECT * FROM public.lineage_{root} {among}) {log}",
                f"ON {log}.rid = {head}.rid AND {log}.entry = {head}.entry"]
        return SESSION.format(leaf=self.leaf, columns=", ".join(columns), joins="\n".join(joins))
