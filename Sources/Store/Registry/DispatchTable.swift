// Dispatch settings of features: priority, tags, caps, retries, order.

public import Feature
import JSON
public import Postgres

/// The dispatch settings of a feature.
public struct DispatchSettings: Hashable, Sendable {
    /// Of several features that a worker can work on, those with the greatest number come first.
    public var priority: Int32
    /// The tags, name to value, that a worker must have.
    public var requires: [String: String]
    /// How many active claims there may be at a time; nil for any number, 0 to hand out nothing.
    public var claimsMax: Int32?
    /// Attempts before a unit is quarantined: 1 or more.
    public var attemptsMax: Int32
    /// Seconds before the second attempt, doubled with each further one, and the most that they become.
    public var retryFirst: Int32, retryMax: Int32
    /// The column of the rows by which they are handed out, so that equal ones come together; nil for oldest first.
    public var orderBy: String?

    /// These settings.
    public init(
        priority: Int32, requires: [String: String], claimsMax: Int32?, attemptsMax: Int32, retryFirst: Int32,
        retryMax: Int32, orderBy: String? = nil
    ) {
        self.priority = priority
        self.requires = requires
        self.claimsMax = claimsMax
        self.attemptsMax = attemptsMax
        self.retryFirst = retryFirst
        self.retryMax = retryMax
        self.orderBy = orderBy
    }
}

/// The settings of a feature, as changed so many times.
public struct StoredDispatch: Hashable, Sendable {
    /// How often they were changed: 0 for the standard that a feature has from the start.
    public let revision: Int64
    /// The settings.
    public let settings: DispatchSettings

    /// The settings at a revision.
    public init(revision: Int64, settings: DispatchSettings) {
        self.revision = revision
        self.settings = settings
    }
}

/// Reads and writes dispatch settings.
public struct DispatchTable {
    private let connection: Connection

    /// The settings seen through `connection`.
    public init(_ connection: Connection) {
        self.connection = connection
    }

    /// The settings of all features that do not have the standard from the start.
    ///
    /// - Throws: `.database`, `.corrupt`.
    /// - Complexity: one round trip.
    public func all() throws(StoreError) -> [FeatureID: StoredDispatch] {
        let rows = try connection.rows(.named("dispatch_all")) { row throws(PostgresError) in
            (
                feature: try row.int4(0), revision: try row.int8(1), requires: try row.jsonb(7),
                settings: DispatchSettings(
                    priority: try row.int4(2), requires: [:], claimsMax: try row.int4OrNil(3),
                    attemptsMax: try row.int4(4), retryFirst: try row.int4(5), retryMax: try row.int4(6),
                    orderBy: try row.textOrNil(8))
            )
        }
        var all: [FeatureID: StoredDispatch] = [:]
        for row in rows {
            var settings = row.settings
            settings.requires = try Self.tags(row.requires)
            all[row.feature] = StoredDispatch(revision: row.revision, settings: settings)
        }
        return all
    }

    /// Stores the settings of a feature.
    ///
    /// - Precondition: the registry lock is held alone.
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func write(_ dispatch: StoredDispatch, of feature: FeatureID) throws(StoreError) {
        let settings = dispatch.settings
        try connection.run(
            .named("dispatch_write"),
            [
                .int4(feature), .int8(dispatch.revision), .int4(settings.priority), .int4(settings.claimsMax),
                .int4(settings.attemptsMax), .int4(settings.retryFirst), .int4(settings.retryMax),
                .jsonb(Self.bytes(settings.requires)), .text(settings.orderBy),
            ])
    }

    private static func bytes(_ tags: [String: String]) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        for (name, value) in tags.sorted(by: { $0.key < $1.key }) {
            writer.key(name)
            writer.string(value)
        }
        writer.endObject()
        return writer.bytes
    }

    private static func tags(_ bytes: [UInt8]) throws(StoreError) -> [String: String] {
        do {
            var tags: [String: String] = [:]
            for member in try JSONValue(parsing: bytes).objectValue ?? [:] {
                tags[member.name] = member.value.stringValue
            }
            return tags
        } catch {
            throw .corrupt("the tags that a feature requires are not JSON")
        }
    }
}
