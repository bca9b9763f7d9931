-- What: which units of a claim its worker reported as failed.
-- Why:  a result for such a unit must be refused, also after others have computed the unit and its failure is forgotten:
--       a unit that is finished looks the same whether it was completed or failed.
-- Locks: ACCESS EXCLUSIVE on claim for milliseconds (no row is written). Breaking: no.

ALTER TABLE claim ADD COLUMN failed bit varying;
COMMENT ON COLUMN claim.failed IS 'finished units that failed, by position in the batch; null: none';
