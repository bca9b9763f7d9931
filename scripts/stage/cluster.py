# PostgreSQL clusters: primary, standby, started and stopped as an operator would, or killed.
import os
import pathlib
import pwd
import signal
import subprocess

from processes import RunError, free_port, wait_for

PROGRAMS = pathlib.Path("/usr/lib/postgresql/15/bin")
START_SECONDS = 60


def as_postgres(command):
    """PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return command
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", *command]


def give_to_postgres(path):
    if os.getuid() == 0:
        account = pwd.getpwnam("postgres")
        os.chown(path, account.pw_uid, account.pw_gid)


def running():
    return [int(entry.name) for entry in pathlib.Path("/proc").iterdir() if entry.name.isdigit()]


def exists(pid):
    return pathlib.Path(f"/proc/{pid}").exists()


def parent(pid):
    """The parent of a process; None where it is gone, or ended and not yet reaped."""
    try:
        state, number = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if state == "Z" else int(number)


def send(pid, what):
    """A signal to a process that may be gone already."""
    try:
        os.kill(pid, what)
    except ProcessLookupError:
        pass


class Cluster:
    """A PostgreSQL on loopback with a role `metaxy` that owns a database `metaxy`."""

    def __init__(self, directory, name, **settings):
        self.directory = directory / name
        self.log = directory / f"{name}.log"
        self.name = name
        self.port = free_port()
        self.settings = settings

    def create(self):
        self._own_directory()
        self._run("initdb", "--pgdata", self.directory, "--auth", "trust", "--encoding", "UTF8", "--locale", "C",
                  "--username", "postgres", "--no-sync")
        self._configure()
        self.start()
        self.sql("CREATE ROLE metaxy LOGIN REPLICATION", "CREATE DATABASE metaxy OWNER metaxy",
                 "GRANT pg_monitor TO metaxy")
        return self

    def clone(self, directory, name):
        """A standby that streams from this cluster."""
        standby = Cluster(directory, name, **self.settings)
        standby._own_directory()
        standby._run("pg_basebackup", "--pgdata", standby.directory, "--write-recovery-conf", "--checkpoint", "fast",
                     "--no-sync", "--dbname", f"host=127.0.0.1 port={self.port} user=postgres application_name={name}")
        standby._configure()
        standby.start()
        return standby

    def start(self):
        self._run("pg_ctl", "start", "--pgdata", self.directory, "--wait", "--timeout", START_SECONDS, "--log",
                  self.directory / "server.log")

    def stop(self, mode="fast"):
        self._run("pg_ctl", "stop", "--pgdata", self.directory, "--wait", "--mode", mode)

    def promote(self):
        self._run("pg_ctl", "promote", "--pgdata", self.directory, "--wait")

    def reload(self, **settings):
        self.settings.update(settings)
        self._configure()
        self._run("pg_ctl", "reload", "--pgdata", self.directory)

    def kill(self):
        """Ends all of its processes at once, as the loss of the machine would."""
        killed = self.processes()
        for pid in killed:
            send(pid, signal.SIGKILL)
        # The next one to start would take a process that is not yet reaped for one that runs.
        wait_for("the end of PostgreSQL", START_SECONDS, lambda: not any(map(exists, killed)))

    def kill_session(self, pick):
        """Ends one session, the one that `pick` chooses; PostgreSQL then ends all others and recovers."""
        sessions = self.sql("SELECT pid FROM pg_stat_activity WHERE usename = 'metaxy'").split()
        if sessions:
            send(int(pick(sessions)), signal.SIGKILL)

    def processes(self):
        """The postmaster and its children, itself first; none where it does not run."""
        postmaster = self._postmaster()
        if postmaster is None:
            return []
        return [postmaster, *(pid for pid in running() if parent(pid) == postmaster)]

    def is_running(self):
        return self._postmaster() is not None

    def _postmaster(self):
        """Its number where it lives: a killed one leaves its file behind."""
        try:
            pid = int((self.directory / "postmaster.pid").read_text().split()[0])
        except (FileNotFoundError, IndexError):
            return None
        return pid if parent(pid) is not None else None

    def remove(self):
        if self.is_running():
            self.stop("immediate")

    def sql(self, *statements, database="postgres"):
        """Runs statements; answers what the last one says."""
        command = ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1",
                   "--dbname", self.url(database, "postgres")]
        for statement in statements:
            command += ["--command", statement]
        return self._output(command).strip()

    def url(self, database="metaxy", user="metaxy"):
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def wait_until_streaming(self, standby):
        query = f"SELECT count(*) FROM pg_stat_replication WHERE application_name = '{standby.name}' AND state = 'streaming'"
        wait_for("the standby's first streaming", START_SECONDS, lambda: self.sql(query) == "1")

    def _own_directory(self):
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        give_to_postgres(self.directory)

    def _configure(self):
        lines = {
            "listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": "", "fsync": "on",
            "max_connections": 40, **self.settings,
        }
        path = self.directory / "run.conf"
        path.write_text("".join(f"{name} = '{value}'\n" for name, value in lines.items()))
        give_to_postgres(path)
        main = self.directory / "postgresql.conf"
        if "run.conf" not in main.read_text():
            with main.open("a") as file:
                file.write("include 'run.conf'\n")

    def _run(self, program, *arguments):
        command = as_postgres([str(PROGRAMS / program), *map(str, arguments)])
        # The server that pg_ctl starts keeps what it is given open: a pipe would never end.
        with self.log.open("ab") as log:
            result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/")
        if result.returncode != 0:
            said = [path.read_text()[-2000:] for path in [self.log, self.directory / "server.log"] if path.exists()]
            raise RunError(f"{program} ended with {result.returncode}:\n" + "\n".join(said))

    def _output(self, command):
        result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if result.returncode != 0:
            raise RunError(f"{command[0]} ended with {result.returncode}: {result.stderr}")
        return result.stdout
