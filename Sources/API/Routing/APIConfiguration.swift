// What the API needs of the world around it.

/// The world as the API sees it, and what it says of itself.
public struct APIConfiguration: Sendable {
    /// Decides whom requests come from.
    public var authorizer: Authorizer
    /// 64 random bits, for request ids.
    public var random: @Sendable () -> UInt64
    /// Nanoseconds of a clock that never goes back.
    public var clock: @Sendable () -> UInt64
    /// The program's version, for metrics.
    public var version: String
    /// How often one token may ask; nil for as often as it likes.
    public var rateLimit: RateLimit?
    /// What the operating system says of the process, for metrics; nil where it says nothing.
    public var process: @Sendable () -> ProcessFigures?

    /// A configuration of these values.
    public init(
        authorizer: Authorizer, random: @escaping @Sendable () -> UInt64, clock: @escaping @Sendable () -> UInt64,
        version: String, rateLimit: RateLimit? = nil, process: @escaping @Sendable () -> ProcessFigures? = { nil }
    ) {
        self.authorizer = authorizer
        self.random = random
        self.clock = clock
        self.version = version
        self.rateLimit = rateLimit
        self.process = process
    }
}
