-- What: API tokens: who may do what.
-- Why:  requests are answered to those who have a secret that was given out. Only SHA-256 digests of secrets are kept: a
--       secret is 256 random bits, so nobody finds one by trying, and a slow or salted hash would buy nothing but time
--       lost on every request.
-- Locks: none on existing tables. Time: milliseconds. Breaking: no.

-- A name is never given twice: lineage and the log of changes tell by it who wrote.
CREATE TABLE api_token (
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz,
    name       text COLLATE "C" PRIMARY KEY CHECK (octet_length(name) BETWEEN 1 AND 255),
    created_by text,                           -- the name of a token; null: the command line
    scopes     text[] NOT NULL CHECK (scopes <@ '{read,write,work,admin}' AND cardinality(scopes) > 0),
    projects   text[]                          -- the only ones that it sees; null: all
);

-- A token has two secrets while it is being rotated: the new one, and the old one until it expires.
CREATE TABLE api_token_secret (
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,                    -- null: never
    token_name text COLLATE "C" NOT NULL REFERENCES api_token,
    digest     bytea NOT NULL UNIQUE CHECK (octet_length(digest) = 32)
);
CREATE INDEX api_token_secret_token_index ON api_token_secret (token_name);
