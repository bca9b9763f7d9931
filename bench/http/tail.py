"""Latency at a thousand connections, beside nginx: tail.py [ROUNDS] [SECONDS] [CONNECTIONS]

`GET /livez` of the program and a constant answer of nginx, with one worker each, on core 0, with wrk on core 1. As in
compare.py the servers take turns within a round, and the ratios are taken within one. Needs nginx.
"""

import contextlib
import os
import pathlib
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import bench

CONFIGURATION = """
daemon off; worker_processes 1; worker_rlimit_nofile 8192; pid {directory}/pid; error_log /dev/null;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000;
  client_body_temp_path {directory}/b; proxy_temp_path {directory}/p; fastcgi_temp_path {directory}/f;
  uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;
  server {{ listen 127.0.0.1:{port}; location / {{ default_type text/plain; return 200 "ok\\n"; }} }}
}}
"""


@contextlib.contextmanager
def running_nginx():
    """Runs nginx and gives its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="metaxy-bench-") as directory:
        os.chmod(directory, 0o711)
        file = pathlib.Path(directory, "nginx.conf")
        file.write_text(CONFIGURATION.format(directory=directory, port=port))
        process = subprocess.Popen(["taskset", "-c", "0", "nginx", "-c", file, "-e", "/dev/null"])
        try:
            for _ in range(500):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                time.sleep(0.02)
            yield port
        finally:
            process.terminate()
            process.wait()


def measure(port, seconds, connections):
    """Requests per second, and the latencies in milliseconds that 50 and 99 % of the requests did not exceed."""
    out = subprocess.run(
        ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds}", "--latency",
         f"http://127.0.0.1:{port}/livez"], check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in out or "Socket errors" in out:
        raise RuntimeError(out)
    units = {"us": 1e-3, "ms": 1.0, "s": 1e3}

    def latency(percent):
        value, unit = re.search(rf"{percent}%\s+([\d.]+)(us|ms|s)", out).groups()
        return float(value) * units[unit]

    return float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]), latency(50), latency(99)


def main():
    numbers = [int(a) for a in sys.argv[1:]]
    rounds, seconds, connections = (numbers + [5, 4, 1000][len(numbers):])[:3]
    program = bench.build_metaxyd()
    ours, theirs = [], []
    for _ in range(rounds):
        with bench.running_metaxyd(program, core=0) as (_, port):
            ours.append(measure(port, seconds, connections))
        with running_nginx() as port:
            theirs.append(measure(port, seconds, connections))
    print(f"{connections} connections{'':6}{'req/s':>10}{'p50 ms':>9}{'p99 ms':>9}")
    for name, runs in (("metaxyd", ours), ("nginx", theirs)):
        print(f"{name:22}" + "{:10.0f}{:9.2f}{:9.2f}".format(*(statistics.median(r[i] for r in runs) for i in range(3))))
    ratios = [statistics.median(a[i] / b[i] for a, b in zip(ours, theirs)) for i in range(3)]
    print("ratio of the rounds   " + "{:10.2f}{:9.2f}{:9.2f}".format(*ratios))


if __name__ == "__main__":
    main()
