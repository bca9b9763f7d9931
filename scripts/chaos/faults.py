# What goes wrong: processes are killed or frozen at random, and started again after a while.
import pathlib
import signal
import sys
import time

from cluster import send
from processes import RunError, start

HERE = pathlib.Path(__file__).resolve().parent
TICK_SECONDS = 0.05
SERVERS = 3
WORKERS = 16
# Between two faults, and until what was killed is started again.
FAULT_SECONDS = 1.5
AWAY_SECONDS = {"worker": 1, "writer": 1, "server": 4, "database": 5}
FROZEN_SECONDS = 8
LIKELIHOODS = {"worker": 9, "frozen worker": 3, "server": 4, "writer": 1, "database": 2, "session": 1}
# What a server ends with that is started while the database is away.
NO_DATABASE = 69


class Life:
    """A worker or the writer; each time it is started it has a name, and so a ledger, of its own."""

    def __init__(self, role, number, place, urls, random):
        self.role = role
        self.number = number
        self.place = place
        self.urls = urls
        self.random = random
        self.lives = 0
        self.process = None

    def launch(self):
        self.lives += 1
        name = f"{self.role}-{self.number}-{self.lives}"
        self.log = self.place / f"{name}.log"
        with self.log.open("wb") as log:
            self.process = start([sys.executable, "-B", HERE / f"{self.role}.py", name, self.place,
                                  self.random.getrandbits(32), *self.urls], log, log)


class Faults:
    """Everything that runs, and its misfortunes."""

    def __init__(self, database, servers, random, place):
        self.database = database
        self.servers = servers
        self.random = random
        urls = [f"http://127.0.0.1:{server.port}" for server in servers]
        self.workers = [Life("worker", number, place, urls, random) for number in range(WORKERS)]
        self.writer = Life("writer", 0, place, urls, random)
        self.counts = dict.fromkeys(LIKELIHOODS, 0)
        # When what is away starts again, or what is frozen goes on.
        self.due = {}

    def run(self, seconds):
        """Lets things go wrong for a while."""
        for actor in [*self.workers, self.writer]:
            actor.launch()
        end = time.monotonic() + seconds
        following = time.monotonic() + 2
        while time.monotonic() < end:
            if time.monotonic() > following:
                self.strike(self.random.choices(list(LIKELIHOODS), list(LIKELIHOODS.values()))[0])
                following = time.monotonic() + self.random.uniform(0, 2 * FAULT_SECONDS)
            self.mend()
            time.sleep(TICK_SECONDS)

    def strike(self, kind):
        if kind == "database":
            self.kill_database()
        elif kind == "session":
            if self.database in self.due:
                return
            self.database.kill_session(self.random.choice)
        else:
            healthy = [victim for victim in self.candidates(kind) if victim not in self.due]
            if not healthy:
                return
            victim = self.random.choice(healthy)
            if kind == "frozen worker":
                send(victim.process.pid, signal.SIGSTOP)
                self.later(victim, FROZEN_SECONDS)
            else:
                kill(victim.process)
                self.later(victim, AWAY_SECONDS[kind])
        self.counts[kind] += 1

    def candidates(self, kind):
        return {"server": self.servers, "writer": [self.writer]}.get(kind, self.workers)

    def kill_database(self):
        if self.database not in self.due:
            self.database.kill()
            self.later(self.database, AWAY_SECONDS["database"])

    def later(self, victim, longest):
        self.due[victim] = time.monotonic() + self.random.uniform(0, longest)

    def mend(self):
        """Starts what is due, and fails where something has ended that nobody killed."""
        now = time.monotonic()
        for victim in [victim for victim, due in self.due.items() if due < now]:
            del self.due[victim]
            if victim is self.database:
                victim.start()
            elif victim.process.poll() is None:
                send(victim.process.pid, signal.SIGCONT)
            else:
                victim.launch()
        for server in self.servers:
            if server not in self.due and (code := server.process.poll()) is not None:
                if code != NO_DATABASE:
                    raise RunError(f"a server ended with {code}:\n{server.log.read_text()[-2000:]}")
                self.later(server, AWAY_SECONDS["server"])
        for actor in [*self.workers, self.writer]:
            if actor not in self.due and (code := actor.process.poll()) is not None:
                raise RunError(f"{actor.log.stem} ended with {code}:\n{actor.log.read_text()[-2000:]}")

    def end(self):
        """Kills workers and writer a last time, and brings all else back."""
        for actor in [*self.workers, self.writer]:
            kill(actor.process)
        if self.database in self.due:
            self.database.start()
        for server in self.servers:
            if server.process.poll() is not None:
                server.launch()

    def remove(self):
        for actor in [*self.workers, self.writer]:
            if actor.process:
                kill(actor.process)


def kill(process):
    process.kill()
    process.wait()
