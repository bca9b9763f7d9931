# Processes on loopback: servers, proxies, workers. They end with the script that started them, whatever happens to it.
import contextlib
import ctypes
import http.client
import json
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse

POLL_SECONDS = 0.05
START_SECONDS = 60
STOP_SECONDS = 60
PR_SET_PDEATHSIG = 1
PORTS = 20_000, 32_768


class RunError(Exception):
    """A run did not go as it has to."""


def free_port():
    """A port below those that Linux lends to outgoing connections: it stays free while its server is away."""
    while True:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", random.randrange(*PORTS)))
                return probe.getsockname()[1]
            except OSError:
                pass


def wait_for(what, seconds, condition):
    """The first true value of `condition`."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise RunError(f"{what} took more than {seconds} s")
        time.sleep(POLL_SECONDS)
    return value


def start(command, output, errors, **options):
    libc = ctypes.CDLL(None)
    return subprocess.Popen(
        [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=output, stderr=errors,
        preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL), **options)


@contextlib.contextmanager
def directory():
    """A directory that everybody may enter, removed afterwards."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="metaxy-run-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


class Server:
    """A `metaxyd serve` on loopback."""

    def __init__(self, program, directory, name, database=None, port=0, options=()):
        self.port = port
        self.command = [program, "serve", "--listen", f"127.0.0.1:{port}", "--data-dir", directory / name,
                        "--insecure-no-auth", *options]
        self.environment = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}
        if database:
            self.environment["DATABASE_URL"] = database
        self.output = directory / f"{name}.out"
        self.log = directory / f"{name}.log"
        self.process = None

    def start(self):
        self.launch()
        self.url = wait_for("the start of a server", START_SECONDS, self._address)
        return self

    def launch(self):
        """Starts it without waiting until it listens."""
        with self.output.open("wb") as output, self.log.open("ab") as errors:
            self.process = start(self.command, output, errors, env=self.environment)

    def _address(self):
        if self.process.poll() is not None:
            raise RunError(f"a server ended with {self.process.returncode}:\n{self.log.read_text()[-2000:]}")
        found = re.search(r"listens on (http://[\d.:]+)\n", self.output.read_text())
        return found and found.group(1)

    def stop(self):
        """Asks it to stop; answers its exit code."""
        self.process.terminate()
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise RunError(f"a server did not stop within {STOP_SECONDS} s") from None

    def remove(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self):
        return json.loads(self.body) if self.body else None


class Client:
    """Keeps one connection, as programs do."""

    def __init__(self, url, timeout=60):
        self.host = urllib.parse.urlsplit(url).netloc
        self.timeout = timeout
        self.connection = None

    def send(self, method, path, body=None, headers=()):
        """One request; a failure of the connection is raised, and the next request gets a new one."""
        headers = dict(headers)
        if body is not None:
            body = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.host, timeout=self.timeout)
        try:
            self.connection.request(method, path, body, headers)
            response = self.connection.getresponse()
            answer = Answer(response.status, response.headers, response.read())
            if response.will_close:
                self.close()
            return answer
        except (OSError, http.client.HTTPException):
            self.close()
            raise

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def get(self, path):
        answer = self.send("GET", path)
        if answer.status != 200:
            raise RunError(f"GET {path} answered {answer.status}: {answer.body[:500]}")
        return answer.json

    def post(self, path, body):
        answer = self.send("POST", path, body)
        if answer.status not in (200, 201):
            raise RunError(f"POST {path} answered {answer.status}: {answer.body[:500]}")
        return answer.json
