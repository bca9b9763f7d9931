"""Compares the request parser with h11 on mutated requests: differential.py READER [COUNT] [SEED]

READER is the program HTTPRequestReader of this package, which reads requests from standard input and prints what it
found. COUNT, 100,000 unless told, is the number of mutants. A disagreement is printed with its seed and bytes.

What h11 takes and this parser refuses is allowed: this parser is stricter on purpose, and the refusals are counted by
reason. What is never allowed without one of the reasons in `explanation`: taking what h11 refuses, or finding another
request, other content or another end of it in the same bytes.

Needs h11 0.14 or later (Debian's python3-h11). Exit status 1 when there is a disagreement.
"""

import base64
import collections
import json
import pathlib
import random
import struct
import subprocess
import sys

import h11

CASES = pathlib.Path(__file__).parent / "../HTTPTests/Fixtures/http_cases.json"
PIECES = [
    b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b",", b";", b"\0", b"\x0b", b"\xff", b"0", b"5", b"A", b"chunked",
    b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: b\r\n", b"HTTP/1.1", b"GET ", b"0\r\n\r\n",
    b"%2e", b"/../", b"?", b"#", b"-1", b"+", b"0x", b"Connection: close\r\n", b"Expect: 100-continue\r\n",
    b"x: y\r\n z\r\n",
]
EXTRA = [
    b"GET /a?b=c HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n",
    b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    b"PUT /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nA: b\r\n\r\n",
    b"GET / HTTP/1.0\r\n\r\n",
]


def corpus():
    raws = [base64.b64decode(case["raw_b64"]) for case in json.load(open(CASES))["cases"] if "raw_b64" in case]
    return [raw for raw in raws if len(raw) < 600] + EXTRA * 25


def mutate(rng, raw):
    out = bytearray(raw)
    for _ in range(rng.choice([0, 1, 1, 1, 2, 2, 3, 5])):
        at = rng.randrange(len(out) + 1)
        match rng.randrange(5):
            case 0:
                out[at:at] = rng.choice(PIECES)
            case 1:
                del out[at : at + rng.choice([1, 1, 2, 8])]
            case 2 if at < len(out):
                out[at] = rng.randrange(256)
            case 3 if at < len(out):
                out[at:at] = out[at : at + rng.choice([1, 4, 16])]
            case _:
                end = min(len(out), at + rng.choice([2, 10]))
                out[at:end] = out[at:end].swapcase()
    return bytes(out)


def by_h11(raw):
    """The first request: ("refused", why, whether its head was taken), ("partial",) or
    ("request", method, target, content, bytes after it)."""
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(raw)
    connection.receive_data(b"")
    request, content = None, b""
    try:
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.Data):
                content += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                rest = len(connection.trailing_data[0])
                return ("request", bytes(request.method), bytes(request.target), content, rest)
            else:
                return ("partial",)
    except h11.RemoteProtocolError as error:
        if "without sending complete" in str(error) or "closed connection" in str(error):
            return ("partial",)
        return ("refused", str(error), request is not None)


def by_reader(process, raw):
    """The same of this project's parser; refusals have their reason."""
    process.stdin.write(struct.pack(">I", len(raw)) + raw)
    process.stdin.flush()
    line = process.stdout.readline().decode().rstrip("\n").split("\t")
    if line[0] != "request":
        return tuple(line)
    method, target, content = (base64.b64decode(part) for part in line[1:4])
    return ("request", method, target, content, len(raw) - int(line[4]))


def explanation(raw, theirs, ours):
    """Why h11 may refuse what is taken here; None when there is no reason."""
    if theirs == ("refused", "no request line received", False) and by_h11(raw.lstrip(b"\r\n")) == ours:
        return "RFC 9112 section 2.2: an empty line before a request is ignored; h11 wants a field after it"
    if theirs == ("refused", "Only Transfer-Encoding: chunked is supported", True):
        return "RFC 9110 section 6.5.1: a trailer does not frame; h11 reads Transfer-Encoding there, here it is dropped"
    return None


def main():
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    process = subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    raws = corpus()
    verdicts, reasons, explained, disagreements = collections.Counter(), collections.Counter(), collections.Counter(), 0
    for number in range(count):
        rng = random.Random(f"{seed}/{number}")
        raw = mutate(rng, rng.choice(raws))
        theirs, ours = by_h11(raw), by_reader(process, raw)
        verdicts[f"h11 {theirs[0]}, here {ours[0]}"] += 1
        if ours[0] == "refused" and theirs[0] != "refused":
            reasons[ours[1]] += 1
        if ours[0] == "request" and theirs != ours:
            reason = explanation(raw, theirs, ours)
            if reason:
                explained[reason] += 1
                continue
            disagreements += 1
            if disagreements <= 20:
                print(f"seed {seed} number {number}: {raw!r}\n  h11:  {theirs}\n  here: {ours}")
    process.stdin.close()
    for verdict, times in sorted(verdicts.items()):
        print(f"{times:8d}  {verdict}")
    print("refused here and not by h11:")
    for reason, times in reasons.most_common():
        print(f"{times:8d}  {reason}")
    print("taken here and not by h11, with reason:")
    for reason, times in explained.most_common():
        print(f"{times:8d}  {reason}")
    print(f"{disagreements} disagreements in {count} requests, seed {seed}, h11 {h11.__version__}")
    sys.exit(1 if disagreements else 0)


if __name__ == "__main__":
    main()
