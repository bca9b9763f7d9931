// How often one token may ask.

import HTTP
import Synchronization

/// How many requests a token may make of one process.
public struct RateLimit: Sendable, Hashable {
    /// Requests a second in the long run: 1 or more.
    public let perSecond: Int
    /// For how many seconds a token that was silent may catch up: so many requests may come at once.
    public static let windowSeconds = 10

    /// A limit of so many requests a second.
    public init(perSecond: Int) {
        precondition(perSecond > 0, "a limit lets something through")
        self.perSecond = perSecond
    }

    /// The most requests that may come at once.
    var burst: Int { perSecond * Self.windowSeconds }
}

/// What a token has left: it fills steadily and each request takes one.
struct RateBucket: Sendable {
    private var left: Double
    private var filledAt: UInt64

    /// What one that has just come has: everything.
    init(_ limit: RateLimit, at nanoseconds: UInt64) {
        left = Double(limit.burst)
        filledAt = nanoseconds
    }

    /// Takes one request.
    ///
    /// - Returns: how many are left and after how many seconds there is one again, 0 where there is; nil for `left` where
    ///   there was none to take.
    mutating func take(_ limit: RateLimit, at nanoseconds: UInt64) -> (left: Int?, seconds: Int) {
        let passed = Double(nanoseconds - min(nanoseconds, filledAt)) / 1e9
        left = min(Double(limit.burst), left + passed * Double(limit.perSecond))
        filledAt = max(filledAt, nanoseconds)
        guard left >= 1 else {
            return (nil, max(1, Int(((1 - left) / Double(limit.perSecond)).rounded(.up))))
        }
        left -= 1
        return (Int(left), left >= 1 ? 0 : 1)
    }
}

/// The limits of all tokens that this process knows. Truth of a process alone: behind a balancer each of n processes lets
/// its share through, so that a token gets up to n times the rate.
final class RateLimiter: Sendable {
    private let limit: RateLimit
    private let buckets = Mutex<[String: RateBucket]>([:])

    /// A limiter that gives each token the same.
    init(_ limit: RateLimit) {
        self.limit = limit
    }

    /// Counts a request of a token.
    ///
    /// - Returns: the header fields that tell of the limit (draft-ietf-httpapi-ratelimit-headers).
    /// - Throws: `rate_limited`.
    func count(_ name: String, at nanoseconds: UInt64) throws(Problem) -> [(FieldName, String)] {
        let taken = buckets.withLock { buckets in
            buckets[name, default: RateBucket(limit, at: nanoseconds)].take(limit, at: nanoseconds)
        }
        let fields: [(FieldName, String)] = [
            ("RateLimit-Policy", "\"token\";q=\(limit.burst);w=\(RateLimit.windowSeconds)"),
            ("RateLimit", "\"token\";r=\(taken.left ?? 0);t=\(taken.seconds)"),
        ]
        guard taken.left == nil else { return fields }
        let problem = Problem(
            .rateLimited,
            "The token may make \(limit.perSecond) requests a second, \(limit.burst) at once; wait \(taken.seconds) s.")
        throw fields.reduce(problem.with("Retry-After", "\(taken.seconds)")) { $0.with($1.0, $1.1) }
    }
}
