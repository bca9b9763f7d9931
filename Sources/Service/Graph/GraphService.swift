// The use cases of the registry: projects, pushes, features and the settings of dispatch.

/// Projects, pushes, features and the settings of dispatch.
public struct GraphService: Sendable {
    let transactions: TransactionRunner
}
