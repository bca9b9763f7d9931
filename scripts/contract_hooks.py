# What no schema says of requests, for schemathesis: keys that belong to one request, cursors that only a server gives, waits
# that a run has no time for, and rows as lines.
import uuid

import schemathesis
from schemathesis.generation.meta import CoverageScenario

WAIT_SECONDS_MAX = 1
# Parameters with what only a server gives.
CURSORS = {"cursor", "after"}


@schemathesis.hook
def before_call(context, case, kwargs):
    """Changes what is valid and cannot work, and only that: what is wrong on purpose stays as it is."""
    if case.meta is None:
        return
    # A case that leaves a header field out is told by what it was made of: it stays untouched.
    leaves_out = getattr(case.meta.phase.data, "scenario", None) == CoverageScenario.MISSING_PARAMETER
    if not leaves_out and "Idempotency-Key" in (case.headers or {}) and is_key(case.headers["Idempotency-Key"]):
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
    if not case.meta.generation.mode.is_positive:
        return
    tag = (case.headers or {}).get("If-Match")
    if isinstance(tag, str) and '"' not in tag:
        # Generated without regard to its pattern.
        case.headers["If-Match"] = f'"{tag}"'
    for name in CURSORS & set(case.query or {}):
        del case.query[name]
    if case.query and "wait_seconds" in case.query:
        case.query["wait_seconds"] = WAIT_SECONDS_MAX
    if isinstance(case.body, dict):
        case.body.pop("cursor", None)
        if isinstance(case.body.get("wait_seconds"), int):
            case.body["wait_seconds"] = min(case.body["wait_seconds"], WAIT_SECONDS_MAX)


def is_key(text):
    return isinstance(text, str) and 1 <= len(text) <= 255 and all("!" <= letter <= "~" for letter in text)


@schemathesis.serializer("application/x-ndjson")
def lines(context, value):
    """The contract has bodies of lines as text."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")
