-- API tokens and the digests of their secrets: tables api_token, api_token_secret.

-- name: token_create
-- Creates a token without a secret. Changes no row where the name exists or existed.
-- parameters: text, text[], text[], text
INSERT INTO api_token (name, scopes, projects, created_by) VALUES ($1, $2, $3::text[], $4)
ON CONFLICT DO NOTHING;

-- name: token_secret_add
-- Adds a secret to a token. A null lifetime in seconds means that the secret never expires.
-- parameters: text, bytea, double precision
INSERT INTO api_token_secret (token_name, digest, expires_at)
VALUES ($1, $2, now() + make_interval(secs => $3::double precision));

-- name: token_secret_lifetime
-- Reads the lifetime of the newest secret of a token in seconds; null for a secret that never expires.
-- parameters: text
-- columns: double precision
SELECT extract(epoch FROM expires_at - created_at)::double precision FROM api_token_secret
WHERE token_name = $1 ORDER BY created_at DESC LIMIT 1;

-- name: token_secret_expire
-- Expires the secrets of a token after some seconds, except those that expire sooner.
-- parameters: text, double precision
UPDATE api_token_secret SET expires_at = now() + make_interval(secs => $2)
WHERE token_name = $1 AND (expires_at IS NULL OR expires_at > now() + make_interval(secs => $2));

-- name: token_revoke
-- Revokes a token, unless it is revoked already.
-- parameters: text
UPDATE api_token SET revoked_at = now() WHERE name = $1 AND revoked_at IS NULL;

-- name: token_lock
-- Locks a token until the end of the transaction.
-- parameters: text
SELECT FROM api_token WHERE name = $1 FOR UPDATE;

-- name: token_find
-- Reads a token by name, with its last expiry and the number of its accepted secrets.
-- parameters: text
-- columns: text, text[], text[], timestamptz, text, timestamptz, timestamptz, bigint
SELECT t.name, t.scopes, t.projects, t.created_at, t.created_by,
       (SELECT nullif(max(coalesce(s.expires_at, 'infinity')), 'infinity') FROM api_token_secret s
        WHERE s.token_name = t.name),
       t.revoked_at,
       (SELECT count(*) FROM api_token_secret s
        WHERE s.token_name = t.name AND t.revoked_at IS NULL AND (s.expires_at IS NULL OR s.expires_at > now()))
FROM api_token t WHERE t.name = $1;

-- name: token_page
-- Reads the tokens after a name, in the order of names.
-- parameters: text, bigint
-- columns: text, text[], text[], timestamptz, text, timestamptz, timestamptz, bigint
SELECT t.name, t.scopes, t.projects, t.created_at, t.created_by,
       (SELECT nullif(max(coalesce(s.expires_at, 'infinity')), 'infinity') FROM api_token_secret s
        WHERE s.token_name = t.name),
       t.revoked_at,
       (SELECT count(*) FROM api_token_secret s
        WHERE s.token_name = t.name AND t.revoked_at IS NULL AND (s.expires_at IS NULL OR s.expires_at > now()))
FROM api_token t WHERE t.name > $1 ORDER BY t.name LIMIT $2;

-- name: token_exist
-- Whether any token exists or existed.
-- columns: boolean
SELECT EXISTS (SELECT FROM api_token);

-- name: token_accepted_count
-- Counts the secrets that are accepted now.
-- columns: bigint
SELECT count(*) FROM api_token_secret s JOIN api_token t ON t.name = s.token_name
WHERE t.revoked_at IS NULL AND (s.expires_at IS NULL OR s.expires_at > now());

-- name: token_accepted
-- Reads the secrets that are accepted now, with the seconds left to each.
-- columns: bytea, text, text[], text[], double precision
SELECT s.digest, t.name, t.scopes, t.projects, extract(epoch FROM s.expires_at - now())::double precision
FROM api_token_secret s JOIN api_token t ON t.name = s.token_name
WHERE t.revoked_at IS NULL AND (s.expires_at IS NULL OR s.expires_at > now());
