// The prepared statements of one connection, with the least recently used evicted first.

/// The prepared statements of one connection: a pure value that decides which to prepare and which to drop.
struct StatementCache {
    /// The preparation that a statement needs before it can be executed.
    struct Plan: Equatable {
        /// The name of the prepared statement on the server.
        let serverName: String
        /// Whether it has to be prepared first.
        let prepare: Bool
    }

    private struct Entry {
        let serverName: String
        let types: [UInt32]
        var used: UInt64
    }

    private let capacity: Int
    private var entries: [Statement: Entry] = [:]
    private var clock: UInt64 = 0
    private var named: UInt64 = 0
    /// Statements that the server still has, but that the client will not use again.
    private(set) var discarded: [String] = []

    init(capacity: Int) {
        precondition(capacity > 0, "a statement cache holds at least one statement")
        self.capacity = capacity
    }

    var count: Int { entries.count }

    /// Plans an execution with parameters of `types`, where 0 stands for an untyped NULL.
    ///
    /// A statement is prepared for the types of its first use. A NULL fits any type; any other difference prepares it
    /// again, with the types of both uses merged, so that a NULL on the first use costs one more round at most.
    /// - Complexity: O(types) on a hit; O(capacity) when a statement is evicted.
    mutating func plan(_ statement: Statement, types: [UInt32]) -> Plan {
        clock += 1
        var wanted = types
        if let entry = entries[statement] {
            if Self.fits(types, entry.types) {
                entries[statement]?.used = clock
                return Plan(serverName: entry.serverName, prepare: false)
            }
            for index in wanted.indices where wanted[index] == 0 && index < entry.types.count {
                wanted[index] = entry.types[index]
            }
            forget(statement)
        } else if entries.count >= capacity, let oldest = entries.min(by: { $0.value.used < $1.value.used }) {
            forget(oldest.key)
        }
        named += 1
        let entry = Entry(serverName: "\(statement.name.prefix(40))_\(named)", types: wanted, used: clock)
        entries[statement] = entry
        return Plan(serverName: entry.serverName, prepare: true)
    }

    /// The types a statement is prepared for.
    func types(of statement: Statement) -> [UInt32] {
        entries[statement]?.types ?? []
    }

    /// Drops a statement and has the server drop it with the next batch.
    mutating func forget(_ statement: Statement) {
        guard let entry = entries.removeValue(forKey: statement) else { return }
        discarded.append(entry.serverName)
    }

    /// Drops a statement that the server does not have.
    mutating func remove(_ statement: Statement) {
        entries.removeValue(forKey: statement)
    }

    /// Notes that the server has dropped a discarded statement.
    mutating func released(_ serverName: String) {
        discarded.removeAll { $0 == serverName }
    }

    private static func fits(_ types: [UInt32], _ prepared: [UInt32]) -> Bool {
        guard types.count == prepared.count else { return false }
        for index in types.indices where types[index] != 0 && types[index] != prepared[index] { return false }
        return true
    }
}
