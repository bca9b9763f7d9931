// Rows of an increment, from columns to JSON.

import Feature
import JSON
import Postgres
import Service

/// Writes the records of one page: what most of them share is written once and copied.
struct IncrementEncoder {
    private let plan: FeaturePlan
    private let rows: IncrementRows
    /// For each standing: change, stale fields and causes.
    private let standings: [[UInt8]]
    private let fieldNames: [String]

    /// An encoder of `rows`, which are records of the feature of `plan`.
    init(_ rows: IncrementRows, _ plan: FeaturePlan) {
        self.plan = plan
        self.rows = rows
        fieldNames = plan.fields.map(\.structKey)
        standings = rows.standings.map { standing in
            var writer = JSONWriter()
            writer.member("metaxy_change", standing.kind.rawValue)
            writer.member("metaxy_stale_fields", standing.staleFields.map { plan.fields[$0.field].structKey })
            writer.object("metaxy_causes") { writer in
                for stale in standing.staleFields {
                    writer.member(plan.fields[stale.field].structKey, stale.causes.map(\.rawValue))
                }
            }
            return writer.bytes
        }
    }

    /// Writes the members of a record.
    func write(_ index: Int, to writer: inout JSONWriter) {
        var key = EncodedKey(rows.keys[index] ?? [])
        for column in plan.spec.idColumns {
            guard let value = key.next() else { break }
            writer.key(column)
            writer.id(value)
        }
        if let members = rows.members[index], !members.isEmpty { writer.members(members) }
        writer.members(standings[rows.standing[index]])
        writer.object("metaxy_provenance_by_field") { writer in
            for (field, name) in fieldNames.enumerated() {
                writer.key(name)
                writer.text(rows.provenance[index * rows.fields + field])
            }
        }
        writer.key("metaxy_provenance")
        writer.text(rows.recordProvenance[index])
    }
}

extension JSONWriter {
    /// Writes a string that is UTF-8 in a buffer, or null.
    fileprivate mutating func text(_ bytes: ArraySlice<UInt8>?) {
        if let bytes { string(utf8: bytes) } else { null() }
    }
}
