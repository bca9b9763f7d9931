"""Huge pages for a PostgreSQL that is about to start."""
import pathlib
import re

LIMIT = pathlib.Path("/proc/sys/vm/nr_overcommit_hugepages")


class HugePages:
    """Lets the kernel give that many huge pages to whoever asks for them, for as long as it is entered.

    Nothing is reserved: pages that nobody has any more are ordinary memory again.
    """

    def __init__(self, count):
        self.count = count

    def __enter__(self):
        self.before = LIMIT.read_text()
        try:
            LIMIT.write_text(str(int(self.before) + self.count))
        except PermissionError:
            raise SystemExit(f"huge pages take the right to write {LIMIT}") from None
        return self

    def __exit__(self, *_):
        LIMIT.write_text(self.before)

    @staticmethod
    def check():
        """Ends the program where nobody has or has asked for a huge page: memory may be in too many pieces."""
        text = pathlib.Path("/proc/meminfo").read_text()
        found = {name: int(count) for name, count in re.findall(r"HugePages_(\w+):\s+(\d+)", text)}
        if found["Total"] - found["Free"] + found["Rsvd"] == 0:
            raise SystemExit("PostgreSQL got no huge pages: free memory is in too many pieces")
