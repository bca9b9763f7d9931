// Counts of what the API did.

import Synchronization

/// How many requests were answered, how, and how long each took.
final class RequestTimings: Sendable {
    /// What a histogram is kept for. Few values each: no label comes from a client.
    struct Series: Hashable, Comparable, Sendable {
        /// The method, `other` where the server does not know it.
        let method: String
        /// The template of the route, `unmatched` where there is none.
        let route: String
        /// The status of the answer.
        let status: UInt16

        static func < (left: Series, right: Series) -> Bool {
            (left.route, left.method, left.status) < (right.route, right.method, right.status)
        }
    }

    /// Durations, by upper bound.
    struct Histogram: Sendable {
        /// Upper bounds in seconds: from an index lookup to a long-polling claim.
        static let bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

        /// How many were within each bound and not within the one before; beyond the last at the end.
        private(set) var counts = [UInt64](repeating: 0, count: bounds.count + 1)
        /// The sum of all, in seconds.
        private(set) var sum = 0.0

        /// How many there are.
        var count: UInt64 { counts.reduce(0, +) }

        /// Counts durations of nothing.
        mutating func add(instant number: UInt64) {
            counts[0] += number
        }

        /// Counts a duration in seconds.
        mutating func add(_ seconds: Double) {
            counts[Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count] += 1
            sum += seconds
        }
    }

    /// A request being answered. It counts until the last reference to it goes: also where its client goes first, and
    /// nobody asks for the rest of the answer.
    final class Request: Sendable {
        private let metrics: RequestTimings

        fileprivate init(_ metrics: RequestTimings) {
            self.metrics = metrics
            metrics.inFlight.add(1, ordering: .relaxed)
        }

        deinit {
            metrics.inFlight.subtract(1, ordering: .relaxed)
        }
    }

    private let histograms = Mutex<[Series: Histogram]>([:])
    /// The answers to `GET /livez` that were given at once: counted without looking for their series.
    private let liveness = Atomic<UInt64>(0)
    private let inFlight = Atomic<Int>(0)

    /// Counts a request that has come in, for as long as the result is kept.
    func begin() -> Request { Request(self) }

    /// Counts a request that has been answered.
    func answered(_ series: Series, nanoseconds: UInt64) {
        histograms.withLock { $0[series, default: Histogram()].add(Double(nanoseconds) / 1e9) }
    }

    /// Counts an answer to `GET /livez` that was given at once; it takes a microsecond, which counts as none.
    func alive() {
        liveness.add(1, ordering: .relaxed)
    }

    /// Requests being answered now.
    var inFlightCount: Int { inFlight.load(ordering: .relaxed) }

    /// All series in order.
    var series: [(series: Series, histogram: Histogram)] {
        var all = histograms.withLock { $0 }
        let alive = liveness.load(ordering: .relaxed)
        if alive > 0 {
            all[Series(method: "GET", route: "/livez", status: 200), default: Histogram()].add(instant: alive)
        }
        return all.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}
