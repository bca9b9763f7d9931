-- What: which unit of a feature a record belongs to, where that does not follow from the record's id alone.
-- Why:  an aggregation groups upstream records by columns of any kind; a change of one record must find its unit, and
--       a unit its records, without looking at any other record.
-- Locks: none on existing tables. Time: milliseconds. Breaking: no.

CREATE TABLE link (
    rid        bigint  NOT NULL,               -- the record
    unit       bigint  NOT NULL,               -- the unit of feature_id that it belongs to
    feature_id integer NOT NULL,               -- whose units these are
    record_of  integer NOT NULL,               -- whose record it is
    PRIMARY KEY (feature_id, record_of, rid)
);
CREATE INDEX link_unit_index ON link (feature_id, record_of, unit, rid);
