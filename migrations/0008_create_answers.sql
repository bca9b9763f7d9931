-- What: the answers to requests that carried an Idempotency-Key.
-- Why:  a client that lost an answer sends its request again; the answer has to be the first one, and be there exactly
--       if what it tells of is. Written in the transaction that it tells of, forgotten after a day.
-- Locks: none on existing tables. Time: milliseconds. Breaking: no.

CREATE TABLE answer (
    answered_at timestamptz NOT NULL,
    status      smallint    NOT NULL,
    caller      text        NOT NULL,          -- the name of the API token, '' without one
    key         text        NOT NULL,
    digest      bytea       NOT NULL,          -- SHA-256 of method, target and body
    etag        text,
    location    text,
    content     bytea       NOT NULL,
    PRIMARY KEY (caller, key)
);
CREATE INDEX answer_age_index ON answer (answered_at);
