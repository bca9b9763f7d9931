"""A gigabyte up and a gigabyte down, and what memory the server takes for it: transfer.py [MEGABYTES]"""

import socket
import sys
import time

import bench


def main():
    size = (int(sys.argv[1]) if len(sys.argv) > 1 else 1024) << 20
    piece = bytes(1 << 20)
    with bench.running(bench.build_server(), 1) as (process, port):
        print(f"start: {bench.peak_bytes(process.pid) / 1e6:.1f} MB at most")
        with socket.create_connection(("127.0.0.1", port)) as connection:
            start = time.monotonic()
            connection.sendall(b"GET /stream?bytes=%d HTTP/1.0\r\n\r\n" % size)
            count = 0
            while piece := connection.recv(1 << 20):
                count += len(piece)
            print(f"down: {count >> 20} MB, {count / (time.monotonic() - start) / 1e6:.0f} MB/s, "
                  f"{bench.peak_bytes(process.pid) / 1e6:.1f} MB at most")
        piece = bytes(1 << 20)
        for framing in ("length", "chunked"):
            with socket.create_connection(("127.0.0.1", port)) as connection:
                start = time.monotonic()
                if framing == "length":
                    connection.sendall(b"POST /sink HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size)
                    for _ in range(size >> 20):
                        connection.sendall(piece)
                else:
                    connection.sendall(b"POST /sink HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
                    for _ in range(size >> 20):
                        connection.sendall(b"100000\r\n" + piece + b"\r\n")
                    connection.sendall(b"0\r\n\r\n")
                answer = bench.read_answer(connection)
                if not answer.endswith(b"\r\n\r\n%d\n" % size):
                    raise RuntimeError(answer)
                print(f"up, {framing}: {size / (time.monotonic() - start) / 1e6:.0f} MB/s, "
                      f"{bench.peak_bytes(process.pid) / 1e6:.1f} MB at most")


if __name__ == "__main__":
    main()
