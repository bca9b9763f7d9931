#!/usr/bin/env python3
"""What it costs to keep the seconds that workers report: docs/decisions/0008.

Starts a PostgreSQL of its own, as the tests do, with the schema of migrations/schema.sql, and runs the statement with
which `complete` notes results, on the table as it is and in the ways that were not chosen. Ways take turns, round by
round; shown are medians of the CPU that the backend used, and counts.
"""
import argparse
import os
import pathlib
import pwd
import shutil
import statistics
import subprocess
import tempfile

BIN = pathlib.Path("/usr/lib/postgresql/15/bin")
SCHEMA = pathlib.Path(__file__).resolve().parent.parent / "migrations" / "schema.sql"
ZEROES, HALF, FULL = (f"repeat('{c}', {n})::bit varying" for c, n in (("0", 256), ("10", 128), ("1", 256)))

NOTE = """UPDATE claim SET finished = {bits}, remaining = CASE WHEN {state} = 0 THEN units - bit_count({bits})::integer
    ELSE 0 END, state = {state}, finished_at = CASE WHEN {state} <> 0 THEN clock_timestamp() END{seconds},
    failed = coalesce(NULL, failed) WHERE id = i;"""
KEPT = ", seconds = seconds + {s}, timed = timed + {n}"
BARE = "ALTER TABLE claim DROP COLUMN seconds, DROP COLUMN timed;"
# For each way: what it changes in the schema, what the statement sets besides, and what runs after it.
WAYS = {
    "nothing is kept": (BARE, None, ""),
    "on the claim, nothing reported": ("", (0, 0), ""),
    "on the claim": ("", (7.5, 128), ""),
    "a row a feature": (
        BARE + "CREATE TABLE pace (feature_id integer PRIMARY KEY, seconds float8, units bigint)"
        " WITH (fillfactor = 50); INSERT INTO pace VALUES (1, 0, 0);", None,
        "UPDATE pace SET seconds = seconds + 7.5, units = units + 128 WHERE feature_id = 1;"),
    "a table of its own": (
        BARE + "CREATE TABLE pace (claim_id bigint PRIMARY KEY REFERENCES claim, feature_id integer, seconds float8,"
        "units integer); CREATE INDEX ON pace (feature_id, claim_id);", None,
        "INSERT INTO pace VALUES (i, 1, 7.5, 128) ON CONFLICT (claim_id)"
        " DO UPDATE SET seconds = pace.seconds + 7.5, units = pace.units + 128;"),
}


class Cluster:
    """A PostgreSQL in a directory of its own, which does not synchronise its disk."""

    def __enter__(self):
        self.directory = tempfile.mkdtemp(prefix="seconds-")
        self.user = {}
        if os.getuid() == 0:
            postgres = pwd.getpwnam("postgres")
            os.chown(self.directory, postgres.pw_uid, postgres.pw_gid)
            self.user = {"user": postgres.pw_uid, "group": postgres.pw_gid, "extra_groups": []}
        self.run("initdb", "-D", f"{self.directory}/data", "-U", "postgres", "-A", "trust", "--no-sync")
        self.run("pg_ctl", "-D", f"{self.directory}/data", "-w", "-l", f"{self.directory}/log", "-o",
                 f"-k {self.directory} -c listen_addresses='' -c fsync=off -c synchronous_commit=off"
                 " -c full_page_writes=off -c shared_buffers=256MB -c autovacuum=off", "start")
        return self

    def __exit__(self, *_):
        self.run("pg_ctl", "-D", f"{self.directory}/data", "-m", "fast", "stop")
        shutil.rmtree(self.directory)

    def run(self, program, *arguments):
        result = subprocess.run([BIN / program, *arguments], cwd="/", stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, check=False, **self.user)
        if result.returncode:
            raise SystemExit(f"{program}: {result.stdout}")
        return result.stdout

    def sql(self, database, text):
        return self.run("psql", "-h", self.directory, "-U", "postgres", "-d", database, "-qAtX", "-v",
                        "ON_ERROR_STOP=1", "-c", text).strip()

    def prepare(self, database, way, claims):
        self.sql("postgres", f"DROP DATABASE IF EXISTS {database}")
        self.sql("postgres", f"CREATE DATABASE {database}")
        self.run("psql", "-h", self.directory, "-U", "postgres", "-d", database, "-qX", "-f", SCHEMA)
        self.sql(database, WAYS[way][0] + f"""
            SET session_replication_role = replica;
            INSERT INTO claim (id, token, definition_id, claimed_at, lease_until, feature_id, lease_seconds, units,
                               remaining, state, worker, finished)
            OVERRIDING SYSTEM VALUE
            SELECT i, i, 1, now(), now() + interval '1 hour', 1, 3600, 256, 256, 0, 'gpu-7', {ZEROES}
            FROM generate_series(1, {claims}) i;""")
        self.sql(database, "VACUUM (ANALYZE) claim")


def statements(way, reports):
    """What the reports of claim i run: half of its units first where there are two, then all."""
    _, seconds, after = WAYS[way]
    kept = KEPT.format(s=seconds[0], n=seconds[1]) if seconds else ""
    steps = [(HALF, 0), (FULL, 1)] if reports == 2 else [(FULL, 1)]
    return "".join(NOTE.format(bits=bits, state=state, seconds=kept) + after + " COMMIT;" for bits, state in steps)


def measure(cluster, way, claims, reports):
    """Microseconds of the backend's CPU, bytes of write-ahead log, and updates that were not HOT, each a report."""
    cluster.prepare("way", way, claims)
    reader = "split_part(pg_read_file('/proc/' || pg_backend_pid() || '/schedstat'), ' ', 1)::bigint"
    body = f"DO $$ BEGIN FOR i IN 1..{claims} LOOP {statements(way, reports)} END LOOP; END $$"
    session = ["-c", f"SELECT {reader}, pg_current_wal_insert_lsn()",
               "-c", body, "-c", f"SELECT {reader}, pg_current_wal_insert_lsn()"]
    lines = cluster.run("psql", "-h", cluster.directory, "-U", "postgres", "-d", "way", "-qAtX", "-F", " ",
                        *session).split()
    wal = int(cluster.sql("way", f"SELECT '{lines[3]}'::pg_lsn - '{lines[1]}'::pg_lsn"))
    hot = cluster.sql("way", "SELECT n_tup_upd - n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'claim'")
    total = claims * reports
    return (int(lines[2]) - int(lines[0])) / total / 1e3, wal / total, int(hot) / total


def together(cluster, way, clients, seconds):
    """Reports a second of so many workers at the same time, each in a transaction that goes on for 5 ms."""
    cluster.prepare("way", way, 20_000)
    script = pathlib.Path(cluster.directory) / "script.sql"
    step = statements(way, 2).split(" COMMIT;", 1)[0].replace("WHERE id = i;", "WHERE id = :i;").replace("(i,", "(:i,")
    script.write_text("\\set i random(1, 20000)\nBEGIN;\n" + step.replace("\n", " ").replace("; ", ";\n")
                      + "\nSELECT pg_sleep(0.005);\nCOMMIT;\n")
    script.chmod(0o644)
    output = cluster.run("pgbench", "-h", cluster.directory, "-U", "postgres", "-n", "-M", "prepared", "-c",
                         str(clients), "-j", "2", "-T", str(seconds), "-f", str(script), "way")
    return float(next(line for line in output.splitlines() if line.startswith("tps")).split()[2])


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--claims", type=int, default=10_000)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--clients", type=int, default=16)
    given = options.parse_args()
    with Cluster() as cluster:
        found = {(way, reports): [] for way in WAYS for reports in (1, 2)}
        for _ in range(given.rounds):
            for (way, reports), values in found.items():
                values.append(measure(cluster, way, given.claims, reports))
        print(f"{given.claims} claims of 256, {given.rounds} rounds: medians a report")
        for reports in (1, 2):
            for way in WAYS:
                cpu, wal, cold = (statistics.median(column) for column in zip(*found[way, reports]))
                low, high = (pick(value[0] for value in found[way, reports]) for pick in (min, max))
                print(f"  {reports} report(s), {way:32} {cpu:6.1f} us ({low:.1f} to {high:.1f}), {wal:6.0f} bytes of"
                      f" log, {cold:.2f} not HOT")
        for way in WAYS:
            rates = [together(cluster, way, given.clients, 3) for _ in range(3)]
            print(f"  {given.clients} workers at a time, {way:32} {statistics.median(rates):7.0f} reports a second")


if __name__ == "__main__":
    main()
