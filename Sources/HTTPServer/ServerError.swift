// The error of a server that cannot start.

/// A server could not start.
public struct ServerError: Error, CustomStringConvertible {
    /// What failed, for the operator.
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}
