// The library's own scenarios, replayed: the same writes give the same increments.

import Feature
import Foundation
import JSON
import Service
import Store
import Testing

@Suite("The library's scenarios")
struct GoldenTests {
    /// A scenario as the library ran it.
    struct Scenario: CustomTestStringConvertible, Sendable {
        let name: String
        var testDescription: String { name }

        /// What only the replay over HTTP does.
        static let passedOver: [String: String] = [
            "hard_delete": "replayed over HTTP",
            "rebase_default": "replayed over HTTP",
        ]

        static let all: [Scenario] = {
            do {
                return try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
                    .map { Scenario(name: String($0.prefix { $0 != "." })) }
                    .filter { scenario in !passedOver.keys.contains { scenario.name.hasPrefix($0 + "__") } }
            } catch {
                fatalError("the scenarios cannot be read: \(error)")
            }
        }()

        static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent(
                "FeatureTests/Fixtures/records")

        func load() throws -> JSONValue {
            let file = Self.directory.appendingPathComponent(name + ".json")
            return try JSONValue(parsing: [UInt8](Data(contentsOf: file)))
        }
    }

    @Test("resolving as the library does answers what it answered", arguments: Scenario.all)
    func replays(_ scenario: Scenario) async throws {
        let json = try scenario.load()
        try await World.with(connections: 2) { world in
            var replay = try await GoldenReplay(world, json)
            for (index, step) in (json["steps"]?.arrayValue ?? []).enumerated() {
                try await replay.run(step, name: "step \(index) of \(scenario.name)")
            }
            #expect(try await world.mismatches() == [])
        }
    }

    @Test("there are scenarios of every kind, under both algorithms")
    func isComplete() {
        #expect(Scenario.all.count == 80)
    }
}

/// One scenario being replayed.
private struct GoldenReplay {
    private let world: World

    init(_ world: World, _ scenario: JSONValue) async throws {
        self.world = world
        let algorithm = try #require(scenario["hash_algorithm"]?.stringValue.flatMap(HashAlgorithm.init))
        guard case .integer(let length)? = scenario["hash_truncation_length"] else {
            throw GoldenError(text: "no truncation length")
        }
        _ = try await world.metaxy.graph.configure(project: "golden", algorithm: algorithm, truncation: Int(length))
    }

    mutating func run(_ step: JSONValue, name: String) async throws {
        switch step["op"]?.stringValue {
        case "graph": try await push(step, name)
        case "write": try await write(step)
        case "delete": try await delete(step)
        case "resolve_update": try await resolve(step, name)
        case "read": try await read(step, name)
        default: break
        }
    }

    private func push(_ step: JSONValue, _ name: String) async throws {
        let specs = (step["features"]?.arrayValue ?? []).compactMap { $0["spec"] }
        let features = try specs.map { (spec: try FeatureSpec(json: $0, at: ""), schema: JSONValue?.none) }
        let outcome = try await world.metaxy.graph.push(GraphPush(project: "golden", features: features))
        for feature in step["features"]?.arrayValue ?? [] {
            let key = feature["spec"]?["key"]?.stringValue
            let pushed = outcome.features.first { $0.key.description == key }
            #expect(pushed?.featureVersion == feature["feature_version"]?.stringValue, "\(name): \(key ?? "")")
        }
    }

    private func key(_ step: JSONValue) throws -> FeatureKey {
        try #require(step["feature"]?.stringValue.flatMap { FeatureKey($0) })
    }

    private func rows(_ json: JSONValue?, _ shape: RowShape) throws -> [RecordRow] {
        try (json?.arrayValue ?? []).enumerated().map { try world.row($1, shape, line: $0 + 1) }
    }

    private func write(_ step: JSONValue) async throws {
        let shape = try await world.metaxy.records.shape(of: key(step))
        let run = step["args"]?["materialization_id"]?.stringValue
        _ = try await world.metaxy.put(
            rows(step["rows"], shape), shape: shape, writer: Writer(materialization: run))
    }

    private func delete(_ step: JSONValue) async throws {
        let filter = try step["args"]?["where"]?.stringValue.map { try Filter($0) }
        _ = try await world.metaxy.records.delete(
            key(step), filters: filter.map { [$0] } ?? [], isDryRun: false, writer: Writer())
    }

    // MARK: Resolve

    private func resolve(_ step: JSONValue, _ name: String) async throws {
        let feature = try key(step)
        let arguments = step["args"] ?? .null
        var restriction = IncrementRestriction(
            global: try filters(arguments["global_filters"]), target: try filters(arguments["target_filters"]),
            predicates: try filters(arguments["staleness_predicates"]),
            skipsComparison: arguments["skip_comparison"] == .bool(true))
        restriction.isCompatible = true
        for member in arguments["filters"]?.objectValue?.members ?? [] {
            restriction.filters[try #require(FeatureKey(member.name))] = try filters(member.value)
        }
        let shape = try await world.metaxy.records.shape(of: feature)
        var query = IncrementQuery(feature: feature, limit: 10_000, restriction: restriction)
        if arguments["samples"]?.arrayValue != nil { query.samples = try rows(arguments["samples"], shape) }
        if step["error"] != nil {
            // A feature that was never written has no records here; there it is an error.
            if step["error"]?["type"]?.stringValue == "FeatureNotFoundError" { return }
            do {
                _ = try await world.metaxy.increments.resolve(query)
                Issue.record("\(name) is not refused")
            } catch {
                if case .invalid = error { return }
                throw error
            }
            return
        }
        let page = try await world.metaxy.increments.resolve(query)
        #expect(page.next == nil)
        for (kind, counted) in [IncrementKind.new, .stale, .orphaned].map({ ($0, page.counts?.kinds[$0] ?? 0) }) {
            let expected = step[kind.rawValue]?.arrayValue ?? []
            let found = try page.records.filter { $0.kind == kind }.map { try object($0, page.plan) }
            #expect(counted == expected.count, "\(name): \(kind)")
            compare(found, expected, hasMetadata: kind != .orphaned, "\(name): \(kind)")
        }
    }

    private func filters(_ json: JSONValue?) throws -> [Filter] {
        try (json?.arrayValue ?? []).compactMap(\.stringValue).map { try Filter($0) }
    }

    private func object(_ record: IncrementRecord, _ plan: FeaturePlan) throws -> [String: JSONValue] {
        var row: [String: JSONValue] = [:]
        for column in record.columns { row[column.name] = try JSONValue(parsing: column.value) }
        for (column, value) in zip(plan.spec.idColumns, record.key.values) { row[column] = value.json }
        row["metaxy_provenance"] = record.recordProvenance.map(JSONValue.string)
        let fields = zip(plan.fields, record.provenance).map { ($0.structKey, $1 ?? "") }
        row["metaxy_provenance_by_field"] = .string(Self.text(fields))
        return row
    }

    private static func text(_ fields: [(String, String)]) -> String {
        fields.map { "\($0)=\($1)" }.sorted().joined(separator: ",")
    }

    /// Rows as multisets. A column that is null and one that is missing are the same.
    private func compare(
        _ found: [[String: JSONValue]], _ expected: [JSONValue], hasMetadata: Bool, _ name: String
    ) {
        let wanted = expected.map { row -> [String: JSONValue] in
            var columns: [String: JSONValue] = [:]
            for member in row.objectValue?.members ?? [] where member.value != .null {
                if member.name == "metaxy_provenance_by_field" {
                    let fields = (member.value.objectValue?.members ?? []).map { ($0.name, $0.value.stringValue ?? "") }
                    columns[member.name] = .string(Self.text(fields))
                } else if member.name == "metaxy_provenance" || !member.name.hasPrefix("metaxy_"),
                    member.name != "__deleted"
                {
                    columns[member.name] = member.value
                }
            }
            return columns
        }
        // What is stored of an orphaned record need not be what a unit of an expansion keeps: ids tell enough.
        let names = hasMetadata ? nil : Set(found.flatMap(\.keys)).intersection(wanted.flatMap(\.keys))
        func lines(_ rows: [[String: JSONValue]]) -> [String] {
            rows.map { row in
                row.filter { $0.value != .null && names?.contains($0.key) ?? true }
                    .map { "\($0)=\(String(decoding: world.bytes($1), as: UTF8.self))" }.sorted().joined(separator: " ")
            }.sorted()
        }
        #expect(lines(found) == lines(wanted), "\(name)")
    }

    // MARK: Read

    /// Reads of what is current under the current feature version; those of several versions at once are answered
    /// otherwise here, since an unchanged row writes no version.
    private func read(_ step: JSONValue, _ name: String) async throws {
        let arguments = step["args"] ?? .null
        // A row that changes nothing writes no version, so the record stays that of the run before.
        guard arguments["filters"]?.arrayValue?.first?.stringValue?.contains("materialization") != true else { return }
        let others = ["with_feature_history", "with_sample_history", "columns"]
        guard step["error"] == nil, others.allSatisfy({ arguments[$0] == nil }) else { return }
        var query = RecordQuery(feature: try key(step), limit: 10_000)
        query.filters = try filters(arguments["filters"])
        query.includesDeleted = arguments["include_soft_deleted"] == .bool(true)
        let rows = step["rows"]?.arrayValue ?? []
        guard let version = rows.first?["metaxy_feature_version"]?.stringValue else { return }
        query.featureVersion = version
        let page = try await world.metaxy.records.list(query)
        let found = try page.records.map { record in
            var row: [String: JSONValue] = [:]
            for column in record.columns { row[column.name] = try JSONValue(parsing: column.value) }
            for (column, value) in zip(page.plan.spec.idColumns, record.key.values) { row[column] = value.json }
            row["metaxy_provenance"] = record.recordProvenance.map(JSONValue.string)
            row["metaxy_provenance_by_field"] = .string(Self.text(record.provenance.map { ($0.structKey, $0.version) }))
            return row
        }
        compare(found, rows, hasMetadata: true, name)
    }
}

/// A scenario that cannot be read.
private struct GoldenError: Error {
    let text: String
}
