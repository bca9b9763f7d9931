# The server's API as a worker or an orchestrator calls it: JSON over one kept connection.
import http.client
import json
import urllib.parse

TIMEOUT_SECONDS = 60


class Refused(Exception):
    """The server answered with a problem."""

    def __init__(self, method, path, status, body):
        self.status = status
        self.code = body.get("code", "")
        super().__init__(f"{method} {path}: {status} {self.code}: {body.get('detail') or body}")


class Client:
    """One connection to the server; not for several threads at once."""

    def __init__(self, url):
        address = urllib.parse.urlsplit(url)
        self.connection = http.client.HTTPConnection(address.hostname, address.port, timeout=TIMEOUT_SECONDS)

    def get(self, path, **query):
        return self._call("GET", path, query, None)

    def post(self, path, body, **query):
        return self._call("POST", path, query, json.dumps(body))

    def post_rows(self, path, rows):
        """A bulk write: a row a line."""
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        return self._call("POST", path, {}, lines, "application/x-ndjson")

    def _call(self, method, path, query, body, media_type="application/json"):
        """The answer's JSON; None where there is no content."""
        target = path + ("?" + urllib.parse.urlencode(query, quote_via=urllib.parse.quote) if query else "")
        headers = {"Content-Type": media_type} if body is not None else {}
        self.connection.request(method, target, body.encode() if body is not None else None, headers)
        response = self.connection.getresponse()
        content = response.read()
        answer = json.loads(content) if content else None
        if response.status >= 400:
            raise Refused(method, target, response.status, answer or {})
        return answer
