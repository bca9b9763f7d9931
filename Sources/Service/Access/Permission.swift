// The permissions of callers.

/// What a request needs to be allowed.
public enum Permission: String, Sendable, Hashable, CaseIterable {
    /// Reading anything.
    case read
    /// Pushing graphs and writing records.
    case write
    /// Taking and reporting claims.
    case work
    /// Everything else.
    case admin
}
