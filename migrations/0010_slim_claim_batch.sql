-- Of most units every dep has one parent, which has the unit's own record id: saying so costs nothing a unit.

ALTER TABLE claim_batch ALTER parent_records DROP NOT NULL, ALTER parent_counts DROP NOT NULL;
COMMENT ON COLUMN claim_batch.parent_records IS 'null where each parent has its unit''s own record id';
COMMENT ON COLUMN claim_batch.parent_counts IS 'null where each dep has exactly one parent';
