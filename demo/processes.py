# The processes of the demo: the server and the workers, which end with the demo whatever happens to it.
import ctypes
import json
import pathlib
import re
import signal
import subprocess
import sys
import time

DEMO = pathlib.Path(__file__).parent
START_SECONDS = 30
STOP_SECONDS = 20
POLL_SECONDS = 0.05
PR_SET_PDEATHSIG = 1


class DemoError(Exception):
    """The demo cannot go on."""


def start(command, output, errors, **options):
    """Starts a process that gets SIGTERM when this one ends, even by kill -9.

    It has a session of its own: a terminal's interrupt comes to this process alone, which ends the others in order.
    """
    libc = ctypes.CDLL(None)
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, start_new_session=True,
        preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM), **options,
    )


def wait_for(what, seconds, condition):
    """The first true value of `condition`."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise DemoError(f"{what} took more than {seconds} s")
        time.sleep(POLL_SECONDS)
    return value


class Server:
    """The server on a free port of the loopback interface, with a PostgreSQL of its own."""

    def __init__(self, program, directory, lock):
        self.output = directory / "server.out"
        self.log = directory / "server.log"
        command = [program, "serve", "--listen", "127.0.0.1:0", "--insecure-no-auth",
                   "--data-dir", str(directory / "server")]
        with self.output.open("wb") as output, self.log.open("wb") as errors:
            # The server holds the lock of the directory as well: it is free when the last process is gone.
            self.process = start(command, output, errors, pass_fds=[lock])
        try:
            self.url = wait_for("the start of the server", START_SECONDS, self._address)
        except BaseException:
            self.stop()
            raise

    def _address(self):
        if self.process.poll() is not None:
            raise DemoError(f"the server ended with {self.process.returncode}:\n{tail(self.log)}")
        found = re.search(r"http://[\d.:]+", self.output.read_text())
        return found and found.group()

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class WorkerProcess:
    """A worker process, and what it said."""

    def __init__(self, name, url, directory, lease, hang_after=None):
        self.name = name
        self.output = directory / f"{name}.jsonl"
        self.log = directory / f"{name}.log"
        command = [sys.executable, str(DEMO / "worker.py"), url, "--name", name, "--lease", str(lease),
                   "--objects", str(directory / "objects")]
        if hang_after:
            command += ["--hang-after", str(hang_after)]
        with self.output.open("wb") as output, self.log.open("wb") as errors:
            self.process = start(command, output, errors)

    def events(self, name):
        """What it said of one kind, in order. A line that is not complete yet is left out."""
        lines = self.output.read_text().splitlines(keepends=True)
        events = [json.loads(line) for line in lines if line.endswith("\n")]
        return [event for event in events if event["event"] == name]

    def check(self):
        """Fails when it has ended by itself."""
        if self.process.poll() is not None:
            raise DemoError(f"worker {self.name} ended with {self.process.returncode}:\n{tail(self.log)}")

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait()


def tail(path):
    return "\n".join(path.read_text(errors="replace").splitlines()[-20:])
