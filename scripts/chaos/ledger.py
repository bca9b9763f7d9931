# What a process of the chaos has seen and done, written down before it goes on: it may be killed at any moment.
import json
import os
import time


class Ledger:
    """Lines of JSON, each on the disk before the next thing happens."""

    def __init__(self, path):
        self.file = path.open("ab", buffering=0)

    def write(self, event, **members):
        self.file.write(json.dumps({"event": event, "at": time.time(), **members}).encode() + b"\n")
        os.fsync(self.file.fileno())
