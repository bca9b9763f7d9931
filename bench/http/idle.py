"""Memory of idle connections: idle.py [CONNECTIONS]

Each connection makes one request and then stays. Kernel memory of sockets is not counted.
"""

import socket
import sys
import time

import bench


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with bench.running(bench.build_server(), 2) as (process, port):
        start = bench.memory_bytes(process.pid)
        print(f"start: {start / 1e6:.1f} MB")
        connections = []
        for number in range(1, count + 1):
            connection = socket.create_connection(("127.0.0.1", port))
            connection.sendall(bench.GET)
            bench.read_answer(connection)
            connections.append(connection)
            if number % (count // 2) == 0:
                now = bench.memory_bytes(process.pid)
                print(f"{number} idle: {now / 1e6:.1f} MB, {(now - start) / number:.0f} bytes each")
        for connection in connections:
            connection.close()
        time.sleep(1)
        print(f"after closing: {bench.memory_bytes(process.pid) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
