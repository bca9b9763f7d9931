// The use cases of API tokens.

import Postgres

/// API tokens.
public struct TokenService: Sendable {
    let pool: Pool
    /// The accepted secrets, as this process last read them.
    let memory: TokenMemory
}
