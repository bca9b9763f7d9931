"""The server as a process, and what the kernel and PostgreSQL say about it."""
import contextlib
import ctypes
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

START_SECONDS = 60
PR_SET_PDEATHSIG = 1


class Server:
    """A server on a free port of the loopback interface, with a PostgreSQL of its own or on a given database."""

    def __init__(self, program, directory, database=None):
        self.directory = directory / "data"
        self.output = directory / "output"
        self.log = directory / "log"
        libc = ctypes.CDLL(None)
        with self.output.open("wb") as output, self.log.open("wb") as errors:
            environment = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
            if database:
                environment["DATABASE_URL"] = database
            self.process = subprocess.Popen(
                [program, "serve", "--listen", "127.0.0.1:0", "--insecure-no-auth", "--data-dir",
                 str(self.directory)],
                stdin=subprocess.DEVNULL, stdout=output, stderr=errors, env=environment,
                preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM))
        self.is_embedded = database is None
        self.wal_of_last = 0

    def __enter__(self):
        end = time.monotonic() + START_SECONDS
        while not (found := re.search(r"127\.0\.0\.1:(\d+)", self.output.read_text())):
            if self.process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"the server did not start:\n{self.log.read_text()}")
            time.sleep(0.05)
        self.port = int(found.group(1))
        if self.is_embedded:
            self.postmaster = int((self.directory / "postgres" / "postmaster.pid").read_text().split()[0])
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(60)

    def cpu_seconds(self):
        """Of the server, PostgreSQL and those of its sessions that have ended."""
        children = [int(entry.name) for entry in pathlib.Path("/proc").iterdir()
                    if entry.name.isdigit() and self._parent(entry) == self.postmaster]
        return sum(self._cpu(pid, reaped=pid == self.postmaster) for pid in
                   [self.process.pid, self.postmaster, *children])

    def peak_megabytes(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status).group(1)) / 1024

    def wal_position(self):
        return int(float(self.sql("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")))

    def read_files(self):
        """Reads what the database has on disk once, for the kernel to have it at hand."""
        for path in (self.directory / "postgres" / "base").glob("*/*"):
            with contextlib.suppress(FileNotFoundError), path.open("rb", buffering=0) as file:
                while file.read(1 << 20):
                    pass

    def sql(self, text, source=None):
        """What psql prints of statements that run in one session, each for itself."""
        psql = shutil.which("psql") or "/usr/lib/postgresql/15/bin/psql"
        owner = self.directory / "postgres"
        command = [psql, "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", str(self.directory / "socket"), "-U", "postgres",
                   "-d", "metaxy", "-f", "-"]
        if os.geteuid() == 0 and owner.stat().st_uid != 0:
            command = ["setpriv", f"--reuid={owner.stat().st_uid}", f"--regid={owner.stat().st_gid}", "--clear-groups",
                       *command]
        result = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        if result.returncode:
            raise SystemExit(f"psql: {result.stderr}")
        return result.stdout.strip()

    @staticmethod
    def _parent(entry):
        try:
            return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            return None

    @staticmethod
    def _cpu(pid, reaped):
        try:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return 0
        ticks = int(fields[11]) + int(fields[12]) + (int(fields[13]) + int(fields[14]) if reaped else 0)
        return ticks / os.sysconf("SC_CLK_TCK")
