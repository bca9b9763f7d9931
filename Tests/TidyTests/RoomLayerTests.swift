// The layers inside the targets: which room may use the types of which other rooms.

import Testing

@Suite("Layers of rooms")
struct RoomLayerTests {
    /// The rooms whose types each room uses. Arrows point down only, but for those in `upward`.
    private static let used: [String: [String: Set<String>]] = [
        "HTTP": [
            "Rules": [],
            "Message": ["Rules"],
            "Parsing": ["Message", "Rules"],
            "Connection": ["Message", "Parsing", "Rules"],
        ],
        "Postgres": [
            "Errors": [],
            "Values": ["Errors"],
            "Client": ["Errors", "Values"],
            "Copy": ["Client", "Errors", "Values"],
            "Pool": ["Client", "Errors"],
            "Embedded": ["Client", "Errors"],
        ],
    ]

    /// Arrows that point up, each of which closes a cycle.
    private static let upward: [String: [String: Set<String>]] = [:]

    @Test("every room uses the rooms that the table lists, and no others", arguments: used.keys.sorted())
    func uses(target: String) throws {
        var wrong: [String] = []
        var found: [String: Set<String>] = [:]
        for use in try RoomUses(target: target).uses {
            found[use.user, default: []].insert(use.used)
            if Self.mayUse(target, use.user)?.contains(use.used) != true {
                wrong.append("\(use.file) uses \(use.type) of \(use.used)")
            }
        }
        for (room, allowed) in Self.used[target] ?? [:] {
            let unused = allowed.union(Self.upward[target]?[room] ?? []).subtracting(found[room] ?? [])
            wrong += unused.map { "\(target)/\(room) no longer uses \($0)" }
        }
        #expect(wrong.sorted() == [])
    }

    @Test("every target with rooms is in the table, with every room")
    func complete() throws {
        let rooms = Dictionary(grouping: try Room.all().keys.filter { !$0.name.isEmpty }, by: \.target)
            .mapValues { Set($0.map(\.name)) }
        #expect(rooms == Self.used.mapValues { Set($0.keys) })
    }

    @Test("without the arrows that point up the rooms have no cycle", arguments: used.keys.sorted())
    func acyclic(target: String) {
        var open = Self.used[target] ?? [:]
        while let free = open.first(where: { entry in entry.value.allSatisfy { open[$0] == nil } })?.key {
            open[free] = nil
        }
        #expect(open.keys.sorted() == [])
    }

    private static func mayUse(_ target: String, _ room: String) -> Set<String>? {
        used[target]?[room]?.union(upward[target]?[room] ?? [])
    }
}
