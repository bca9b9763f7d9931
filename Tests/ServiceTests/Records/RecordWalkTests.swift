// Many records are read by a walk along their range, and it finds the same as looking them up.

import Feature
import Postgres
import Store
import Testing

@Suite("Walks along records")
struct RecordWalkTests {
    private static let graph = [#"{"key":"root","id_columns":["id"],"fields":[{"key":"x","code_version":"1"}]}"#]

    @Test("heads found by a walk are those that are asked for, and the same as one by one", arguments: [1, 2, 3])
    func findsTheSame(step: Int) async throws {
        try await World.with(connections: 1) { world in
            try await world.push(Self.graph)
            try await world.write("root", (0..<1_000).map { (String($0), ["x": "v\($0)"]) })
            try await world.pool.withConnection { (connection) throws(StoreError) in
                let heads = HeadTable(connection, feature: 1)
                // Some beyond the last one that there is.
                let asked = Array(stride(from: RecordID(0), to: 1_020, by: step)).shuffled()
                let found = try heads.read(asked)
                #expect(found.keys.sorted() == asked.filter { $0 < 1_000 }.sorted())
                for record in asked.prefix(50) { #expect(try heads.read([record])[record] == found[record]) }
                #expect(try heads.read([]).isEmpty)
            }
        }
    }
}
