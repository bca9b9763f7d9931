// Rows of any feature, written as what the API makes of them.

import Feature
import Service
import Store

extension Metaxy {
    /// Writes rows of a root or of a derived feature. Of a root they come as one part, so what is wrong with them is
    /// told by line.
    func put(_ rows: [RecordRow], shape: RowShape, writer: Writer) async throws(ServiceError) -> WriteOutcome {
        guard shape.isRoot else { return try await records.write(rows, shape: shape, writer: writer) }
        var part = RecordPart(shape, fromLine: 1)
        for (index, row) in rows.enumerated() {
            let names = Set((row.provenance ?? [:]).keys).union((row.dataVersions ?? [:]).keys)
            guard names.isSubset(of: shape.fields) else {
                throw .invalid([Fault(.line(index + 1), "has unknown fields")])
            }
            for (field, name) in shape.fields.enumerated() {
                if let value = row.provenance?[name] { part.give(.provenance, field: field, value) }
                if let value = row.dataVersions?[name] { part.give(.dataVersion, field: field, value) }
            }
            guard part.missingFields.isEmpty else {
                throw .invalid([Fault(.line(index + 1), "lacks \(part.missingFields)")])
            }
            part.append(row.key.values, metadata: row.metadata)
        }
        var rest = part.count > 0 ? part : nil
        return try await roots.write(to: shape, writer: writer) { () async throws(ServiceError) in rest.take() }
    }
}

extension RecordPart {
    /// Takes a version that is a text.
    mutating func give(_ version: Version, field: Int, _ value: String) {
        let bytes = Array(value.utf8)
        give(version, field: field, bytes, in: bytes.indices)
    }
}
