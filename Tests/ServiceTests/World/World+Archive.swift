// Archives of a world in memory, and what its service answers about everything in it.

import Feature
import JSON
import Postgres
import Service
import Store
import Testing

extension World {
    /// Everything, as an archive.
    func archive() async throws -> [UInt8] {
        try await pool.transaction(isolation: .repeatableRead, readOnly: true, retries: 0) {
            (connection) throws(ArchiveError) in
            var bytes: [UInt8] = []
            _ = try ArchiveExport(connection).write(
                program: "test", { (piece) throws(ArchiveError) in bytes += piece }, note: { _ in })
            return bytes
        }
    }

    /// Reads an archive that comes in pieces of `size` bytes.
    func restore(_ archive: [UInt8], piecesOf size: Int = 1_000) async throws(ArchiveError) {
        try await pool.transaction(retries: 0) { (connection) throws(ArchiveError) in
            var position = 0
            _ = try ArchiveImport(connection).read(
                { () throws(ArchiveError) in
                    guard position < archive.count else { return nil }
                    defer { position += size }
                    return Array(archive[position..<min(position + size, archive.count)])
                }, note: { _ in })
        }
    }

    /// What an archive is refused for; nil where it is not.
    func refusal(ofArchive archive: [UInt8]) async -> ArchiveError? {
        do throws(ArchiveError) {
            try await restore(archive)
            return nil
        } catch {
            return error
        }
    }

    /// The history of every record, where each came from, and why it is as it is, in words.
    func answers() async throws -> [String] {
        var answers: [String] = []
        for feature in try await metaxy.graph.features(project: nil, prefix: nil, after: nil, limit: 1_000).features {
            var query = RecordQuery(feature: feature.key, limit: 1_000)
            query.hasHistory = true
            query.includesDeleted = true
            let history = try await metaxy.records.list(query).records
            answers += history.map { "\(feature.key) \($0)" }
            for key in Set(history.map(\.key)) {
                let explanation = try await metaxy.increments.explain(feature.key, key)
                answers.append("\(feature.key) \(ids(key)) \(explanation.state) \(explanation.fields)")
                for direction in TraceDirection.allCases {
                    let trace = try await metaxy.history.trace(
                        TraceQuery(feature: feature.key, key: key, direction: direction, depth: 10))
                    answers += trace.nodes.map { node in
                        "\(ids(key)) \(direction) \(node.entry) \(node.feature) \(node.id) \(node.featureVersion) "
                            + "\(node.provenance) \(node.dataVersion)"
                    }
                    answers += trace.edges.map { edge in
                        "\(ids(key)) \(direction) \(edge.from) \(edge.to) \(edge.fields.map { "\($0)" }.sorted())"
                    }
                }
            }
        }
        return answers.sorted()
    }
}
