-- What: the metadata column by which the work of a feature is handed out.
-- Why:  records of one shard that come in one batch are opened once; records come in the order of their writing otherwise.
-- Locks: ACCESS EXCLUSIVE on dispatch for milliseconds (no row is written). Breaking: no.

ALTER TABLE dispatch ADD COLUMN order_by text;
COMMENT ON COLUMN dispatch.order_by IS 'column of the rows that are handed out; null: oldest first';
