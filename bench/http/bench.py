"""What the benchmarks of this directory share: starting servers, and reading what the kernel says of them."""

import contextlib
import os
import pathlib
import socket
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WORK = ROOT / ".build-bench"
TICK = os.sysconf("SC_CLK_TCK")


def build_baseline():
    """Compiles baseline.c and returns the program."""
    WORK.mkdir(exist_ok=True)
    program = WORK / "baseline"
    subprocess.run(["cc", "-O2", "-o", program, HERE / "baseline.c", "-lpthread"], check=True)
    return program


def build_server():
    """Builds the test server for release and returns the program."""
    subprocess.run(
        ["swift", "build", "-c", "release", "--product", "HTTPTestServer"], cwd=ROOT, check=True,
        stdout=subprocess.DEVNULL)
    return ROOT / ".build/release/HTTPTestServer"


def build_metaxyd():
    """Builds the program itself for release and returns it."""
    subprocess.run(
        ["swift", "build", "-c", "release", "--product", "metaxyd"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return ROOT / ".build/release/metaxyd"


def build_hummingbird():
    """Builds the Hummingbird application for release and returns the program."""
    subprocess.run(["swift", "build", "-c", "release"], cwd=HERE / "peer", check=True, stdout=subprocess.DEVNULL)
    return HERE / "peer/.build/release/Bench"


@contextlib.contextmanager
def running_metaxyd(program, core=None, options=()):
    """Runs the program itself, with its own PostgreSQL, and gives its process and port."""
    pin = [] if core is None else ["taskset", "-c", str(core)]
    with tempfile.TemporaryDirectory(prefix="metaxy-bench-") as directory:
        # The database may run as another user.
        os.chmod(directory, 0o711)
        process = subprocess.Popen(
            [*pin, program, "serve", "--insecure-no-auth", "--listen", "127.0.0.1:0", "--data-dir", directory + "/data",
             *options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            line = process.stdout.readline()
            if not line:
                raise RuntimeError("metaxyd did not start")
            yield process, int(line.rsplit(":", 1)[1])
        finally:
            process.terminate()
            process.wait()


@contextlib.contextmanager
def running(program, loops, core=None, arguments=()):
    """Runs a server on a free port of 127.0.0.1 and gives its process and port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    pin = [] if core is None else ["taskset", "-c", str(core)]
    process = subprocess.Popen([*pin, program, str(port), str(loops), *arguments], stdout=subprocess.DEVNULL)
    try:
        for _ in range(500):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.02)
        else:
            raise RuntimeError(f"{program} does not listen")
        yield process, port
    finally:
        process.kill()
        process.wait()


def cpu_seconds(pid):
    """CPU time of a process, user and system."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def memory_bytes(pid, name="Pss"):
    """Memory of a process: its private pages and its share of others."""
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no such line")


def peak_bytes(pid):
    """The most memory a process has had resident."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no such line")


def descriptors(pid):
    """Open descriptors of a process."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def read_answer(connection):
    """Reads one answer with Content-Length and returns its bytes."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            raise EOFError(data)
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(int(l.split(b":")[1]) for l in head.split(b"\r\n") if l.lower().startswith(b"content-length:"))
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


GET = b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"
