-- What: how often the lease on a unit ran out, and in how large a batch it may be handed out after that.
-- Why:  a record that kills its worker takes the whole batch down again and again; who is in ever smaller batches is found.
-- Locks: ACCESS EXCLUSIVE on failure for milliseconds (the constant default is not written to rows; the check reads the table,
--       which has a row for each unit that fails). Breaking: no.

ALTER TABLE failure
    ADD COLUMN expiries integer NOT NULL DEFAULT 0 CHECK (expiries >= 0),
    ADD COLUMN batch_max integer CHECK (batch_max > 0),
    DROP CONSTRAINT failure_attempts_check,
    ADD CONSTRAINT failure_attempts_check CHECK (attempts >= 0 AND attempts + expiries > 0);
COMMENT ON COLUMN failure.attempts IS 'failures that were reported, and leases that ran out on this unit alone; 0: not failing';
COMMENT ON COLUMN failure.expiries IS 'leases that ran out on a batch with this unit since it was last completed';
COMMENT ON COLUMN failure.batch_max IS 'units at most in a batch with this one; null for any number';
