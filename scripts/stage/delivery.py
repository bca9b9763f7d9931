# Requests that are sent again until they are answered, as a careful client sends them.
import collections
import http.client
import json
import time

from processes import Client, RunError

RETRY_SECONDS = 0.2
# A request that is not answered within this time never will be.
PATIENCE_SECONDS = 120


class Delivery:
    """Sends requests to servers that may be away.

    A try that fails by its connection or with a 5xx, or that meets an earlier one still at work under the same key, is
    followed by another, the same to the byte. `pick` chooses the server of each try; `noticed` is told of each failure:
    what it was, and whether the answer said when to come again.
    """

    def __init__(self, urls, pick, noticed, timeout=60):
        self.clients = [Client(url, timeout) for url in urls]
        self.pick = pick
        self.noticed = noticed

    def send(self, path, body, headers=()):
        """The answer to a POST, and how many tries it took."""
        started = time.monotonic()
        tries = 0
        met = collections.Counter()
        while True:
            tries += 1
            try:
                answer = self.pick(self.clients).send("POST", path, body, headers)
                if not is_passing(answer):
                    return answer, tries
                what, says_when = str(answer.status), "Retry-After" in answer.headers
                last = f"{answer.status} {answer.body[:500]}"
            except (OSError, http.client.HTTPException) as error:
                what, says_when = type(error).__name__, True
                last = repr(error)
            self.noticed(what, says_when)
            met[what] += 1
            if time.monotonic() - started > PATIENCE_SECONDS:
                raise RunError(f"POST {path} was not answered within {PATIENCE_SECONDS} s, but met {dict(met)}, "
                               f"at last {last}")
            time.sleep(RETRY_SECONDS)


def is_passing(answer):
    """Whether the same request gets another answer a moment later."""
    return answer.status >= 500 or answer.status == 409 and json.loads(answer.body)["code"] == "conflict"
