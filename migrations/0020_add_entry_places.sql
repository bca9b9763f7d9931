-- What: where the entry of a head lies in the table of its lineage.
-- Why:  whoever is handed a record gets the metadata of its inputs; finding an entry by its number takes four pages, of which
--       a place spares three (docs/decisions/0018).
-- Locks: head and its partitions, exclusively. Time: milliseconds, no table is rewritten. Breaking: no.

ALTER TABLE head ADD COLUMN entry_place tid;
COMMENT ON COLUMN head.entry_place IS 'lineage.ctid of the entry as it was written, where whoever wrote it was told; null otherwise. No more than a hint: the entry may lie elsewhere by now';
