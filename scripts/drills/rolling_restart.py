# Two servers behind haproxy are restarted one after the other under load: no request fails, no lease is lost.
import pathlib

from cluster import Cluster
from load import Load, check, settle
from processes import Client, RunError, Server, free_port, start, wait_for

ROUNDS = 2
CALM_SECONDS = 3
CONFIGURATION = pathlib.Path(__file__).parents[2] / "deploy/haproxy/haproxy.cfg"


def proxy(directory, port, backends):
    """haproxy as deploy/ has it, with the addresses of the drill."""
    text = CONFIGURATION.read_text().replace("bind 0.0.0.0:8080", f"bind 127.0.0.1:{port}")
    for name, backend in zip(["metaxy-1", "metaxy-2"], backends):
        text = text.replace(f"{name}:8080", f"127.0.0.1:{backend}")
    path = directory / "haproxy.cfg"
    path.write_text(text)
    with (directory / "haproxy.log").open("wb") as log:
        return start(["haproxy", "-db", "-f", path], log, log)


def run(program, directory):
    """Fails with what went wrong; answers what was seen."""
    database = Cluster(directory, "database")
    ports = [free_port(), free_port()]
    servers = []
    balancer = None
    try:
        database.create()
        servers = [
            Server(program, directory, f"server-{n}", database.url(), port, ["--drain-delay", "3"])
            for n, port in enumerate(ports)]
        for server in servers:
            server.start()
        front = free_port()
        balancer = proxy(directory, front, ports)
        url = f"http://127.0.0.1:{front}"
        wait_for("the proxy", 30, lambda: is_ready(url))
        with Load(url) as load:
            load.run(CALM_SECONDS)
            for _ in range(ROUNDS):
                for server in servers:
                    code = server.stop()
                    if code != 0:
                        raise RunError(f"a server that was asked to stop ended with {code}")
                    server.start()
                    # The proxy wants two good answers, half a second apart, before it trusts a server again.
                    load.run(CALM_SECONDS)
        if load.crash:
            raise RunError(f"the load ended: {load.crash!r}")
        if load.failures or load.lost_leases:
            raise RunError(f"{load.failures} failed, {load.lost_leases} leases were lost")
        expired = database.sql("SELECT count(*) FROM claim WHERE state = 3", database="metaxy")
        if expired != "0":
            raise RunError(f"{expired} leases ran out")
        settle(url)
        records, _ = check(url, load.acknowledged)
        return (f"{2 * ROUNDS} restarts, {load.answered} requests, none failed, no lease lost, "
                f"slowest {load.slowest:.2f} s, {records} records as acknowledged")
    finally:
        if balancer:
            balancer.kill()
            balancer.wait()
        for server in servers:
            server.remove()
        database.remove()


def is_ready(url):
    try:
        return Client(url, timeout=2).send("GET", "/readyz").status == 200
    except OSError:
        return False
