// The statements of SQL/: each is valid, has the types that it declares, and is used.

import Feature
import Foundation
import Postgres
import TestSupport
import Testing

@testable import Store

@Suite("Named statements")
struct NamedStatementTests {
    /// Tables that a run of retention creates for itself.
    private static let temporaryTables = """
        CREATE TEMPORARY TABLE retention_needed (entry bigint NOT NULL, depth integer NOT NULL);
        CREATE TEMPORARY TABLE superseded_1 (entry bigint, until timestamptz, next bigint)
        """

    @Test("PostgreSQL infers the types that each statement declares")
    func types() async throws {
        try await Migrated.with { migrated in
            try await migrated.pool.transaction { (connection) throws(StoreError) in
                try FeatureStorage(connection).createSpace(1)
                try FeatureStorage(connection).createFeature(1)
            }
            let describer = StatementDescriber(connectionString: migrated.database.connectionString)
            describer.script(Self.temporaryTables)
            for statement in NamedStatement.all.values.sorted(by: { $0.name < $1.name }) {
                let found = describer.describe(statement.statement(feature: 1, space: 1).sql)
                let declared = StatementDescriber.Description.types(
                    parameters: statement.parameters, columns: statement.columns)
                #expect(found == declared, "\(statement.name)")
            }
        }
    }

    @Test("each statement is used, and each use names one, with a number for each placeholder")
    func uses() throws {
        var used: Set<String> = []
        for (file, text) in try Self.sources() {
            for match in text.matches(of: /\.named\(\s*"(\w+)"((?:,\s*(?:feature|space):[^,()]+)*)\)/) {
                let name = String(match.1)
                used.insert(name)
                guard let statement = NamedStatement.all[name] else {
                    Issue.record("\(file) uses \(name), which no file in SQL has")
                    continue
                }
                let numbers = NamedStatement.Placeholder.allCases.filter { match.2.contains("\($0.rawValue):") }
                #expect(numbers == statement.placeholders, "\(file) uses \(name)")
            }
            let calls = text.matches(of: /\.named\(\s*"/).count
            let read = text.matches(of: /\.named\(\s*"\w+"(?:,\s*(?:feature|space):[^,()]+)*\)/).count
            #expect(calls == read, "\(file) uses a statement in a way that this test does not read")
        }
        #expect(NamedStatement.all.keys.filter { !used.contains($0) }.sorted() == [])
    }

    @Test("a file is read as its statements, and only the numbers of partitions are substituted")
    func parsing() throws {
        let file = """
            -- A file.

            -- name: first
            -- Does this.
            -- parameters: bigint, text
            -- parameters: bit
            -- columns: integer
            -- unprepared
            SELECT '{}' FROM head_{feature}
            WHERE x = {other};

            -- name: second
            DELETE FROM record_{space};
            """
        let statements = NamedStatement.parse(file)
        #expect(statements.map(\.name) == ["first", "second"])
        let first = try #require(statements.first)
        #expect(first.parameters == ["bigint", "text", "bit"])
        #expect(first.columns == ["integer"])
        #expect(first.placeholders == [.feature])
        #expect(
            first.statement(feature: 7)
                == Statement("first_7", "SELECT '{}' FROM head_7\nWHERE x = {other}", prepare: false))
        #expect(statements.last?.statement(space: 3) == Statement("second_3", "DELETE FROM record_3"))
    }

    @Test("debug builds refuse parameters and columns of other types")
    func checks() {
        let statement = Statement.named("claim_extend")
        #expect(NamedStatement.accepts([.int8(1), .int4(2)], for: statement))
        #expect(NamedStatement.accepts([.int8(1), .null], for: statement))
        #expect(!NamedStatement.accepts([.int8(1), .int8(2)], for: statement))
        #expect(!NamedStatement.accepts([.int8(1)], for: statement))
        #expect(!NamedStatement.accepts(columns: 2, of: statement))
        #expect(!NamedStatement.accepts([.int8(1)], for: .named("record_find", space: 12)))
        #expect(NamedStatement.accepts([.int8(1)], for: Statement("made_1", "SELECT $1")))
    }

    private static func sources() throws -> [(file: String, text: String)] {
        let top = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Sources/Store")
        return try FileManager.default.subpathsOfDirectory(atPath: top.path).filter { $0.hasSuffix(".swift") }.map {
            ($0, try String(contentsOf: top.appendingPathComponent($0), encoding: .utf8))
        }
    }
}
