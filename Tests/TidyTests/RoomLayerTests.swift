// The layers inside the targets: which room may use the types of which other rooms.

import Testing

@Suite("Layers of rooms")
struct RoomLayerTests {
    /// The rooms whose types each room may use, from the lowest room to the highest.
    private static let used: [String: [String: Set<String>]] = [
        "API": [
            "Answers": [],
            "Access": ["Answers"],
            "Bodies": ["Answers"],
            "Metrics": [],
            "Routing": ["Access", "Answers", "Bodies", "Metrics"],
            "Handlers": ["Answers", "Bodies", "Metrics", "Routing"],
        ],
        "Feature": [
            "Filter": [],
            "Spec": [],
            "Records": ["Spec"],
            "Graph": ["Filter", "Records", "Spec"],
            "Judgement": ["Graph", "Records"],
            "Work": ["Records"],
        ],
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
            "Embedded": ["Client", "Errors"],
            "Pool": ["Client", "Errors"],
        ],
        "Service": [
            "Core": [],
            "Records": ["Core"],
            "Increments": ["Core", "Records"],
            "Units": ["Core", "Increments", "Records"],
            "Waiting": ["Core"],
            "History": ["Core", "Records", "Units", "Waiting"],
            "Access": ["Core", "History"],
            "Judging": ["Core", "History", "Increments", "Records", "Units"],
            "Claims": ["Core", "History", "Increments", "Judging", "Records", "Units", "Waiting"],
            "Graph": ["Core", "History", "Records", "Units"],
            "Operations": ["Core", "Graph", "Units"],
        ],
        "Store": [
            "Core": [],
            "Changes": ["Core"],
            "Registry": ["Core"],
            "Archive": ["Changes", "Core", "Registry"],
            "Claims": ["Core"],
            "Records": ["Changes", "Core"],
            "Judging": ["Core", "Records"],
            "Retention": ["Core"],
            "Work": ["Changes", "Claims", "Core"],
        ],
        "metaxyd": [
            "Settings": [],
            "Commands": ["Settings"],
            "Serve": ["Commands", "Settings"],
        ],
    ]

    /// The uses that point up, each of which closes a cycle. The list may only become shorter.
    private static let upward: [String: [String: Set<String>]] = [
        "API": [
            "Answers": ["Bodies", "Routing"],
            "Bodies": ["Routing"],
        ],
        "Feature": [
            "Records": ["Graph"]
        ],
        "Service": [
            "Core": ["Access", "Claims", "History", "Judging", "Records", "Units", "Waiting"],
            "Records": ["History", "Increments", "Judging", "Units"],
            "Increments": ["Judging", "Units"],
            "Units": ["Graph"],
        ],
        "metaxyd": [
            "Settings": ["Commands", "Serve"],
            "Commands": ["Serve"],
        ],
    ]

    @Test("every room uses only rooms that the table allows", arguments: used.keys.sorted())
    func uses(target: String) throws {
        let uses = try RoomUses(target: target).uses
        let wrong = uses.filter { use in
            Self.used[target]?[use.user]?.contains(use.used) != true
                && Self.upward[target]?[use.user]?.contains(use.used) != true
        }
        #expect(wrong.map { "\($0.file) uses \($0.type) of \($0.used)" } == [])
        for (room, others) in Self.upward[target] ?? [:] {
            let gone = others.subtracting(uses.filter { $0.user == room }.map(\.used))
            #expect(gone == [], "\(room) no longer uses these rooms: take them out of the list")
        }
    }

    @Test("every target with rooms is in the table, with every room")
    func complete() throws {
        let rooms = Dictionary(grouping: try Room.all().keys.filter { !$0.name.isEmpty }, by: \.target)
            .mapValues { Set($0.map(\.name)) }
        #expect(rooms == Self.used.mapValues { Set($0.keys) })
    }

    @Test("the allowed uses have no cycle", arguments: used.keys.sorted())
    func acyclic(target: String) {
        var open = Self.used[target] ?? [:]
        while let free = open.first(where: { entry in entry.value.allSatisfy { open[$0] == nil } })?.key {
            open[free] = nil
        }
        #expect(open.keys.sorted() == [])
    }
}
