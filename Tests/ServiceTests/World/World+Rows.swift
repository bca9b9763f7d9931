// Rows of any shape, as JSON, for tests of what records mean.

import Feature
import JSON
import Postgres
import Service
import Store
import Testing

extension World {
    /// A row from the JSON that the API would take: id columns, metadata and system columns side by side.
    func row(_ json: JSONValue, _ shape: RowShape, line: Int = 1) throws -> RecordRow {
        var columns = JSONObject()
        var versions: [String: [String: String]] = [:]
        for member in json.objectValue?.members ?? [] where !shape.idColumns.contains(member.name) {
            if member.name.hasPrefix("metaxy_") {
                let fields = member.value.objectValue?.members ?? []
                versions[member.name] = Dictionary(
                    uniqueKeysWithValues: fields.compactMap { field in
                        field.value.stringValue.map { (field.name, $0) }
                    })
            } else {
                let isNew = columns.append(member.name, member.value)
                #expect(isNew, "the row has \(member.name) twice")
            }
        }
        let key = try shape.idColumns.map { column in
            try #require(json[column].flatMap(IDValue.init), "the row lacks \(column)")
        }
        return RecordRow(
            place: .line(line), key: RecordKey(key), metadata: bytes(.object(columns)),
            provenance: versions["metaxy_provenance_by_field"],
            dataVersions: versions["metaxy_data_version_by_field"])
    }

    /// Writes records given as JSON objects.
    @discardableResult
    func put(_ feature: String, _ rows: String...) async throws -> WriteOutcome {
        let shape = try await metaxy.records.shape(of: try #require(FeatureKey(feature)))
        let records = try rows.enumerated().map { index, text in
            try row(try JSONValue(parsing: Array(text.utf8)), shape, line: index + 1)
        }
        return try await metaxy.put(records, shape: shape, writer: Writer())
    }

    /// The increment of a feature: kind → ids, the values of each joined with `,`, sorted.
    func increment(_ feature: String) async throws -> [IncrementKind: [String]] {
        let key = try #require(FeatureKey(feature))
        let page = try await metaxy.increments.resolve(
            IncrementQuery(feature: key, kinds: Set(IncrementKind.allCases), limit: 1_000))
        var result: [IncrementKind: [String]] = [:]
        for record in page.records { result[record.kind, default: []].append(ids(record.key)) }
        return result.mapValues { $0.sorted() }
    }

    /// The values of a key joined with `,`.
    func ids(_ key: RecordKey) -> String {
        key.values.map { value in
            switch value {
            case .string(let text): text
            default: String(decoding: bytes(value.json), as: UTF8.self)
            }
        }.joined(separator: ",")
    }

    /// A value as compact JSON.
    func bytes(_ json: JSONValue) -> [UInt8] {
        var writer = JSONWriter()
        writer.value(json)
        return writer.bytes
    }

    /// Deletes the records that pass a filter.
    @discardableResult
    func delete(_ feature: String, _ filter: String) async throws -> Int {
        try await metaxy.records.delete(
            try #require(FeatureKey(feature)), filters: [Filter(filter)], isDryRun: false, writer: Writer())
    }

    /// What the slow recomputation finds wrong, in words; the database and the process must agree on every unit.
    func mismatches() async throws -> [String] {
        try await metaxy.operations.verify(nil, comparingEvery: 1).mismatches.map {
            "\($0.feature) \($0.key.map(ids) ?? ""): \($0.detail)"
        }
    }

    /// How many units of each feature with any are candidates, by key.
    func candidates() async throws -> [String: Int] {
        try await pool.transaction(readOnly: true) { (connection) throws(StoreError) in
            let features = try Registry(connection).contents().features
            let keys = Dictionary(features.map { ($0.id, $0.key.description) }) { first, _ in first }
            var candidates: [String: Int] = [:]
            for count in try WorkOutlook(connection).counts() {
                candidates[keys[count.feature] ?? "?"] = count.ready + count.leased + count.parked
            }
            return candidates
        }
    }

    /// What a push is refused for: pointer and detail of each fault.
    func refusal(of specs: [String]) async throws -> [String] {
        do {
            _ = try await push(specs)
            return []
        } catch ServiceError.invalidGraph(let faults) {
            return faults.map { "\($0.place.pointer): \($0.detail)" }
        }
    }
}

extension Fault.Place {
    /// The pointer, where it is one.
    var pointer: String {
        if case .pointer(let pointer) = self { pointer } else { "" }
    }
}
