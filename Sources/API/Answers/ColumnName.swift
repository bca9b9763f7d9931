// What the name of a column says about it.

import JSON

/// What a column is, by its name alone; id columns and versions are known before.
enum ColumnName {
    /// A metadata column.
    case metadata
    /// A column that only answers have: a row from a resolve can be sent back as it is.
    case ignored
    /// No column at all.
    case refused(String)

    private static let prefix = Array("metaxy_".utf8)
    private static let ignoredNames: Set<String> = [
        "metaxy_provenance", "metaxy_data_version", "metaxy_feature_version", "metaxy_project_version",
        "metaxy_created_at", "metaxy_updated_at", "metaxy_deleted_at", "metaxy_materialization_id", "metaxy_change",
        "metaxy_stale_fields", "metaxy_causes", "metaxy_attempt",
    ]

    /// What the name that `reader` has just read says.
    init(_ name: JSONText, _ reader: borrowing JSONReader) {
        if name.isEscaped {
            self.init(Array(reader.string(name).utf8)[...])
        } else {
            self.init(reader.bytes[name.range])
        }
    }

    private init(_ bytes: ArraySlice<UInt8>) {
        if bytes.isEmpty {
            self = .refused("the name of a column must not be empty")
        } else if bytes.count > RequestLimits.columnNameBytesMax {
            self = .refused("the name of a column has at most \(RequestLimits.columnNameBytesMax) bytes")
        } else if bytes.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
            self = .refused("the name of a column has no control character")
        } else if !bytes.starts(with: Self.prefix) {
            self = .metadata
        } else if Self.ignoredNames.contains(String(decoding: bytes, as: UTF8.self)) {
            self = .ignored
        } else {
            self = .refused("unknown system column; names that start with metaxy_ are the server's")
        }
    }
}
