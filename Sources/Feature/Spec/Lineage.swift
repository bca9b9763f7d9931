// How the records of a feature come from the records of an upstream feature.

/// The cardinality between upstream records and the records computed from them.
public enum Lineage: Hashable, Sendable {
    /// One record from one upstream record with the same ids.
    case identity
    /// One record from all upstream records that agree in the columns `on` (names after the dep's rename); nil stands
    /// for the feature's own id columns.
    case aggregation(on: [String]?)
    /// Any number of records from one upstream record, which the columns `on` (names after the dep's rename) identify.
    /// The pattern is kept for the author's use and has no effect.
    case expansion(on: [String], idGenerationPattern: String?)
}
