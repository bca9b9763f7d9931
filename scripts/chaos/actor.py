# What workers and the writer have in common: a name, a ledger, chance, and requests that are written down.
import pathlib
import random
import sys
import time
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "stage"))

from delivery import Delivery  # noqa: E402
from ledger import Ledger  # noqa: E402
from processes import RunError  # noqa: E402

TIMEOUT_SECONDS = 15


class Actor:
    """A process that sends requests to any of some servers."""

    def __init__(self, name, place, seed, urls):
        self.name = name
        self.random = random.Random(seed)
        self.ledger = Ledger(place / f"{name}.ledger")
        self.delivery = Delivery(urls, self.random.choice, lambda *_: None, TIMEOUT_SECONDS)
        self.requests = 0

    def ask(self, path, body, accepted):
        """A request under a key that is not worth a line."""
        answer, _ = self.delivery.send(path, body, {"Idempotency-Key": str(uuid.uuid4())})
        if answer.status not in accepted:
            raise RunError(f"POST {path} answered {answer.status}: {answer.body[:500]} to {str(body)[:500]}")
        return answer

    def report(self, what, path, body, accepted, keyed=True, **told):
        """A request that is written down before it is sent and when it is answered."""
        self.requests += 1
        self.ledger.write("sending", what=what, request=self.requests, **told)
        headers = {"Idempotency-Key": str(uuid.uuid4())} if keyed else {}
        answer, tries = self.delivery.send(path, body, headers)
        # Without a key, an earlier try may have taken effect where a later one is refused.
        self.ledger.write("answered", request=self.requests, status=answer.status, certain=keyed or tries == 1)
        if answer.status not in accepted:
            raise RunError(f"POST {path} answered {answer.status}: {answer.body[:500]} to {str(body)[:500]}")
        return answer

    def chance(self, likelihood):
        return self.random.random() < likelihood

    def pause(self, longest):
        time.sleep(self.random.uniform(0, longest))


def arguments():
    """Name, directory, seed and servers, as the processes are started."""
    name, place, seed, *urls = sys.argv[1:]
    return name, pathlib.Path(place), seed, urls
