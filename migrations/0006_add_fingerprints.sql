-- What: a digest beside each head of what its writer sent.
-- Why:  sending a million unchanged records again has to cost a comparison of 16 bytes each, not of documents.
-- Locks: head and its partitions, exclusively. Time: milliseconds, no table is rewritten. Breaking: no.

ALTER TABLE head ADD COLUMN fingerprint uuid;
COMMENT ON COLUMN head.fingerprint IS 'MD5 of definition, versions and metadata as they were sent; null where they came another way';
