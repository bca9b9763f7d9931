// What processes tell each other about work that turned up.

public import Feature
public import Postgres

/// A notice of work that is committed.
public struct WorkNotice: Hashable, Sendable {
    /// The channel on which notices go.
    public static let channel = "metaxy_work"

    /// NOTIFY takes less than 8,000 bytes.
    private static let payloadBytesMax = 7_999

    /// Whose notice it is; nil where the text does not say.
    public let origin: UInt64?
    /// The features with work; nil for too many to name, and where the text is not understood.
    public let work: [FeatureID: ReadyWork]?

    /// A notice of `origin` about work.
    public init(origin: UInt64, work: [FeatureID: ReadyWork]) {
        self.origin = origin
        self.work = work
    }

    /// Reads what `payload` wrote; text of any other form is a notice of some work somewhere.
    public init(payload: String) {
        var words = payload.split(separator: " ")
        origin = words.first.flatMap { UInt64($0) }
        guard origin != nil, words.count > 1 else {
            work = nil
            return
        }
        words.removeFirst()
        var work: [FeatureID: ReadyWork] = [:]
        for word in words {
            let numbers = word.split(separator: ":", omittingEmptySubsequences: false)
            guard
                numbers.count == 3, let feature = FeatureID(numbers[0]), let blocks = Int(numbers[1]), blocks > 0,
                let units = Int(numbers[2]), units > 0
            else {
                self.work = nil
                return
            }
            work[feature] = ReadyWork(blocks: blocks, units: units)
        }
        self.work = work
    }

    /// The notice as text: the origin, then `feature:blocks:units` of each feature where that is not too long.
    public var payload: String {
        let origin = "\(self.origin ?? 0)"
        guard let work else { return origin }
        let named = work.sorted { $0.key < $1.key }.reduce(into: origin) { text, entry in
            text += " \(entry.key):\(entry.value.blocks):\(entry.value.units)"
        }
        return named.utf8.count > Self.payloadBytesMax ? origin : named
    }

    /// Sends it, in a transaction of its own: every commit with a NOTIFY waits for the one before, so it must not be
    /// one that writes, nor wait for the disk; what a crash loses is found by those who look once a second.
    ///
    /// - Precondition: no transaction is open.
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func send(_ connection: Connection) throws(StoreError) {
        try connection.run(.named("work_notice_send"), [.text(Self.channel), .text(payload)])
    }
}
