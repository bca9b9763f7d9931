-- What: no statistics of the arrays of a batch.
-- Why:  they are read and written whole, never searched. Counting their elements took ANALYZE 8 to 13 s for 16,000 batches of 100
--       units, again for every tenth more; all that time its snapshot kept dead versions of blocks, which whoever looks for work
--       then went through (docs/decisions/0019).
-- Locks: claim_batch, against other changes of its definition and VACUUM alone. Time: milliseconds. Breaking: no.

ALTER TABLE claim_batch
    ALTER rids SET STATISTICS 0,
    ALTER bases SET STATISTICS 0,
    ALTER attempts SET STATISTICS 0,
    ALTER provenance SET STATISTICS 0,
    ALTER parents SET STATISTICS 0,
    ALTER parent_records SET STATISTICS 0,
    ALTER parent_counts SET STATISTICS 0;
