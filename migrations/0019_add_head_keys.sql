-- What: the key of a record beside its head.
-- Why:  whoever is handed a record gets its id columns, and looking these up was one of four lookups (docs/decisions/0017).
-- Locks: head and its partitions, exclusively. Time: milliseconds, no table is rewritten. Breaking: no.

ALTER TABLE head ADD COLUMN key bytea;
COMMENT ON COLUMN head.key IS 'record.key, where that is short and whoever wrote the first version had it at hand; null otherwise';
