-- What: a number and an id space for the units of a feature whose units are not its records.
-- Why:  one upstream record expands into any number of records, also none: that it was expanded, from what and by which
--       code, is kept in a lineage and heads of its own, of the same shape as those of records.
-- Locks: feature, exclusively. Time: milliseconds. Breaking: no.

ALTER TABLE feature ADD COLUMN unit_storage integer UNIQUE, ADD COLUMN unit_space_id integer REFERENCES id_space,
    ADD CHECK ((unit_storage IS NULL) = (unit_space_id IS NULL));
COMMENT ON COLUMN feature.unit_storage IS 'stands for the feature in head, lineage, presence, work, claim and failure, where these are of units; drawn from the numbers of features';
