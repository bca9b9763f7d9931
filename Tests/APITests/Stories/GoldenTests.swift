// The library's own scenarios, replayed through a socket: the same requests give the same versions and increments.

import Foundation
import HTTP
import JSON
import Testing

@Suite("The library's scenarios over HTTP", .serialized)
struct GoldenTests {
    /// A scenario as the library ran it.
    struct Scenario: CustomTestStringConvertible, Sendable {
        let name: String
        var testDescription: String { name }

        static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent(
                "FeatureTests/Fixtures/records")

        static let all: [Scenario] = {
            do {
                return try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
                    .map { Scenario(name: String($0.prefix { $0 != "." })) }
            } catch {
                fatalError("the scenarios cannot be read: \(error)")
            }
        }()

        func load() throws -> JSONValue {
            try JSONValue(parsing: [UInt8](Data(contentsOf: Self.directory.appendingPathComponent(name + ".json"))))
        }
    }

    @Test("every step answers what the library answered", arguments: Scenario.all)
    func replays(_ scenario: Scenario) async throws {
        let json = try scenario.load()
        try await World.overSocket { world in
            let settings: JSONObject = [
                "hash_algorithm": json["hash_algorithm"] ?? .null,
                "hash_truncation_length": json["hash_truncation_length"] ?? .null,
            ]
            let answer = try await world.send("PUT", "/v1/projects/golden", json: .object(settings))
            #expect(answer.status == 201, "\(answer.text)")
            var replay = GoldenReplay(world)
            for (index, step) in (json["steps"]?.arrayValue ?? []).enumerated() {
                try await replay.run(step, name: "step \(index) of \(scenario.name)")
            }
            let verified = try await world.send("POST", "/v1/admin/verify")
            #expect(try verified.json["mismatch_count"]?.number == 0, "\(verified.text)")
        }
    }

    @Test("there are scenarios of every kind, under both algorithms")
    func isComplete() {
        #expect(Scenario.all.count == 84)
    }
}

/// One scenario being replayed.
private struct GoldenReplay {
    private let world: World
    /// The current feature versions.
    private var versions: [String: String] = [:]

    init(_ world: World) {
        self.world = world
    }

    mutating func run(_ step: JSONValue, name: String) async throws {
        switch step["op"]?.stringValue {
        case "graph": try await push(step, name)
        case "write": try await write(step, name)
        case "delete": try await delete(step, name)
        case "resolve_update": try await resolve(step, name)
        case "read": try await read(step, name)
        case "rebase": try await rebase(step, name)
        case "input_progress": try await progress(step, name)
        case let other: Issue.record("\(name): nothing is known of \(other ?? "no operation")")
        }
    }

    private func feature(_ step: JSONValue) throws -> String { try #require(step["feature"]?.stringValue) }

    // MARK: Changes

    private mutating func push(_ step: JSONValue, _ name: String) async throws {
        let features = step["features"]?.arrayValue ?? []
        let specs = features.map { JSONValue.object(["spec": $0["spec"] ?? .null]) }
        let answer = try await world.send(
            "POST", "/v1/push", json: .object(["project": .string("golden"), "features": .array(specs)]))
        #expect(answer.status < 300, "\(name): \(answer.text)")
        let pushed = try answer.json["features"]?.arrayValue ?? []
        for feature in features {
            let key = feature["spec"]?["key"]?.stringValue ?? ""
            let found = pushed.first { $0["key"]?.stringValue == key }
            #expect(found?["feature_version"] == feature["feature_version"], "\(name): \(key)")
            for field in feature["field_versions"]?.objectValue ?? [:] {
                #expect(found?["fields"]?[field.name]?["version"] == field.value, "\(name): \(key).\(field.name)")
            }
            versions[key] = feature["feature_version"]?.stringValue
        }
    }

    private func write(_ step: JSONValue, _ name: String) async throws {
        let run = step["args"]?["materialization_id"]?.stringValue.map { "?materialization_id=\($0)" } ?? ""
        let answer = try await world.send(
            "POST", "/v1/records/\(feature(step))\(run)", json: .object(["records": step["rows"] ?? .null]))
        #expect(answer.status == 200, "\(name): \(answer.text)")
    }

    private func delete(_ step: JSONValue, _ name: String) async throws {
        let filter = step["args"]?["where"]?.stringValue.map { "filter=\(Self.encoded($0))" } ?? "all=true"
        let hard = step["args"]?["soft"] == .bool(false) ? "&hard=true" : ""
        let answer = try await world.send("DELETE", "/v1/records/\(feature(step))?\(filter)\(hard)")
        #expect(answer.status == 200, "\(name): \(answer.text)")
    }

    /// The library's rebase makes rows that are then written; here it is one request.
    private func rebase(_ step: JSONValue, _ name: String) async throws {
        let from = try #require(step["input_rows"]?.arrayValue?.first?["metaxy_feature_version"])
        let answer = try await world.send(
            "POST", "/v1/rebase/\(feature(step))", json: .object(["from": from]))
        #expect(answer.status == 200, "\(name): \(answer.text)")
        #expect(try answer.json["rebased"]?.number == Int64(step["rows"]?.arrayValue?.count ?? 0), "\(name)")
        #expect(try answer.json["to"] == step["rows"]?.arrayValue?.first?["metaxy_feature_version"], "\(name)")
    }

    // MARK: Increments

    private func resolve(_ step: JSONValue, _ name: String) async throws {
        var body: JSONObject = ["compat": .string("metaxy"), "limit": .integer(10_000)]
        for member in step["args"]?.objectValue ?? [:] {
            let isAppended = body.append(member.name, member.value)
            #expect(isAppended)
        }
        let answer = try await world.send("POST", "/v1/resolve/\(feature(step))", json: .object(body))
        if let error = step["error"] {
            // A feature that was never written has no records here; there it is an error.
            if error["type"]?.stringValue != "FeatureNotFoundError" {
                #expect(answer.status == 422, "\(name): \(answer.text)")
            }
            return
        }
        #expect(answer.status == 200, "\(name): \(answer.text)")
        #expect(try answer.json["next_cursor"] == .null, "\(name)")
        let records = try answer.json["records"]?.arrayValue ?? []
        for kind in ["new", "stale", "orphaned"] {
            #expect(try answer.json["counts"]?[kind] == step["counts"]?[kind], "\(name): \(kind)")
            let found = records.filter { $0["metaxy_change"]?.stringValue == kind }
            // What is stored of an orphaned record need not be what a unit of an expansion keeps: ids tell enough.
            let comparison = RowComparison(isOfIdsAndVersions: kind == "orphaned")
            let differences = comparison.differences(found, step[kind]?.arrayValue ?? [])
            #expect(differences == [], "\(name): \(kind)")
        }
    }

    /// How many of the expected units are not new, in percent; nil where none is expected.
    private func progress(_ step: JSONValue, _ name: String) async throws {
        let body: JSONObject = ["compat": .string("metaxy"), "limit": .integer(10_000)]
        let answer = try await world.send("POST", "/v1/resolve/\(feature(step))", json: .object(body)).json
        let records = answer["records"]?.arrayValue ?? []
        func units(_ kind: String) -> Int {
            let rows = records.filter { $0["metaxy_change"]?.stringValue == kind }
            return Set(rows.map { $0["metaxy_provenance"]?.stringValue ?? "" }).count
        }
        let known = units("stale") + Int(answer["counts"]?["up_to_date"]?.number ?? 0)
        let new = units("new")
        let percent = known + new == 0 ? nil : Double(known) / Double(known + new) * 100
        let expected: Double? =
            switch step["value"] {
            case .double(let value): value
            case .integer(let value): Double(value)
            default: nil
            }
        #expect(percent.map { ($0 * 1_000).rounded() } == expected.map { ($0 * 1_000).rounded() }, "\(name)")
    }

    // MARK: Reads

    private func read(_ step: JSONValue, _ name: String) async throws {
        let arguments = step["args"] ?? .null
        // What no comparison of columns can say is an error there; here a filter may be any truth value.
        if step["error"] != nil { return }
        // A row that changes nothing writes no version, so the record stays that of the run before.
        if arguments["filters"]?.arrayValue?.first?.stringValue?.contains("materialization") == true { return }
        let key = try feature(step)
        var query = ["limit=10000"]
        if let version = arguments["feature_version"]?.stringValue {
            query.append("feature_version=\(version)")
        } else if arguments["with_feature_history"] != .bool(true) {
            query.append("feature_version=\(try #require(versions[key]))")
        }
        let hasHistory = arguments["with_sample_history"] == .bool(true)
        if hasHistory { query.append("history=true") }
        if arguments["include_soft_deleted"] == .bool(true) { query.append("include_deleted=true") }
        for filter in arguments["filters"]?.arrayValue ?? [] {
            query.append("filter=\(Self.encoded(filter.stringValue ?? ""))")
        }
        let columns = arguments["columns"]?.arrayValue?.compactMap(\.stringValue)
        if let columns { query.append("columns=\(columns.joined(separator: ","))") }
        let answer = try await world.get("/v1/records/\(key)?\(query.joined(separator: "&"))")
        if answer.status == 404, step["rows"]?.arrayValue?.isEmpty == true { return }
        #expect(answer.status == 200, "\(name): \(answer.text)")
        // A row that changes nothing writes no version, so of equal versions one is there.
        let comparison = RowComparison(isSet: hasHistory, columns: columns.map(Set.init))
        let found = try answer.json["records"]?.arrayValue ?? []
        #expect(comparison.differences(found, step["rows"]?.arrayValue ?? []) == [], "\(name)")
    }

    private static func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            let isPlain = (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            return isPlain ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }
}

/// Compares rows with those of the library, as multisets.
private struct RowComparison {
    /// Whether only ids and versions are compared.
    var isOfIdsAndVersions = false
    /// Whether equal rows count once.
    var isSet = false
    /// The columns that are compared; nil for all.
    var columns: Set<String>?

    /// The system columns that both sides have.
    private static let system: Set<String> = [
        "metaxy_provenance", "metaxy_provenance_by_field", "metaxy_feature_version", "metaxy_data_version_by_field",
        "metaxy_data_version",
    ]

    /// Rows that only one side has.
    func differences(_ found: [JSONValue], _ expected: [JSONValue]) -> [String] {
        let both = Set(found.flatMap(names)).intersection(expected.flatMap(names))
        // Where one side has no rows at all there are no common names: then every row is a difference.
        let names = isOfIdsAndVersions && !both.isEmpty ? both : nil
        let left = found.map { line($0, names, both) }.sorted()
        let right = expected.map { line($0, names, both) }.sorted()
        if isSet ? Set(left) == Set(right) : left == right { return [] }
        return ["found:"] + left + ["expected:"] + right
    }

    private func names(_ row: JSONValue) -> [String] {
        (row.objectValue ?? [:]).filter { $0.value != .null }.map(\.name)
    }

    /// A column that is null and one that is missing are the same; so are a tombstone's two marks.
    private func line(_ row: JSONValue, _ names: Set<String>?, _ both: Set<String>) -> String {
        var parts: [String] = []
        for member in row.objectValue ?? [:] where member.value != .null {
            let isSystem = member.name.hasPrefix("metaxy_")
            guard columns?.contains(member.name) ?? (isSystem ? Self.system.contains(member.name) : true) else {
                continue
            }
            guard names?.contains(member.name) ?? (!isSystem || both.contains(member.name)) else { continue }
            if member.name == "__deleted" { continue }
            parts.append("\(member.name)=\(text(member.value))")
        }
        if row["__deleted"] == .bool(true) || row["metaxy_deleted_at"]?.stringValue != nil { parts.append("deleted") }
        return parts.sorted().joined(separator: " ")
    }

    private func text(_ value: JSONValue) -> String {
        if let members = value.objectValue {
            // A field that a version does not have is null there.
            return members.filter { $0.value != .null }.map { "\($0.name):\(text($0.value))" }.sorted().joined(
                separator: ",")
        }
        var writer = JSONWriter()
        writer.value(value)
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}

extension World {
    /// Sends a JSON value.
    fileprivate func send(_ method: String, _ target: String, json: JSONValue) async throws -> Answer {
        var writer = JSONWriter()
        writer.value(json)
        return try await send(
            method, target, headers: [("Content-Type", "application/json")], body: writer.bytes)
    }
}
