-- What: ten thousand rows of no feature among the blocks that have something to hand out.
-- Why:  most of the time there is nothing to hand out, and that is when VACUUM counts. Of a table that it knows to be empty the planner
--       reads all to find one block, or all entries of the other index, and goes on doing so when a feature has thousands of
--       blocks or the table is full of dead rows (docs/decisions/0021).
-- Locks: none. Time: 50 ms; 1 MB. Breaking: no.

INSERT INTO ready_block (since, feature_id, block) SELECT 'epoch', 0, block FROM generate_series(0, 9999) AS block;
COMMENT ON TABLE ready_block IS 'blocks that have something to hand out; rows of feature 0 are of no feature and keep the planner from taking the table for an empty one';
