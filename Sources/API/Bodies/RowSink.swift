// What the rows of a body become.

import Feature
import JSON
import Service

/// Takes rows as a reader finds them, member by member.
protocol RowSink: Sendable {
    /// How many rows there are.
    var count: Int { get }

    /// The versions of a kind follow.
    mutating func open(_ version: RecordPart.Version)

    /// Takes the version of one field.
    ///
    /// - Returns: what is wrong with it, nil where nothing is.
    mutating func give(
        _ version: RecordPart.Version, _ name: JSONText, _ value: JSONText, _ reader: JSONReader
    ) -> String?

    /// Those were all versions of a kind.
    ///
    /// - Parameter isNullOnly: whether some field was null, which gives nothing.
    mutating func close(_ version: RecordPart.Version, isNullOnly: Bool)

    /// Ends a row without faults.
    ///
    /// - Parameter metadata: its metadata columns, a compact JSON object.
    /// - Returns: what is wrong with the row as a whole; it is not taken then.
    mutating func end(_ key: [IDValue], _ metadata: [UInt8], at place: RowLocation) -> [String]

    /// Forgets a row in which something was wrong.
    mutating func discard()
}

/// Rows one by one, for what judges them one by one.
struct RowList: RowSink {
    /// The rows so far.
    private(set) var rows: [RecordRow] = []
    private var provenance: [String: String]?
    private var dataVersions: [String: String]?

    var count: Int { rows.count }

    mutating func open(_ version: RecordPart.Version) {
        switch version {
        case .provenance: provenance = [:]
        case .dataVersion: dataVersions = [:]
        }
    }

    mutating func give(
        _ version: RecordPart.Version, _ name: JSONText, _ value: JSONText, _ reader: JSONReader
    ) -> String? {
        let field = reader.string(name)
        let text = reader.string(value)
        let earlier =
            switch version {
            case .provenance: provenance?.updateValue(text, forKey: field)
            case .dataVersion: dataVersions?.updateValue(text, forKey: field)
            }
        return earlier == nil ? nil : FaultText.twice(field)
    }

    mutating func close(_ version: RecordPart.Version, isNullOnly: Bool) {
        guard isNullOnly else { return }
        switch version {
        case .provenance: if provenance?.isEmpty == true { provenance = nil }
        case .dataVersion: if dataVersions?.isEmpty == true { dataVersions = nil }
        }
    }

    mutating func end(_ key: [IDValue], _ metadata: [UInt8], at place: RowLocation) -> [String] {
        rows.append(
            RecordRow(
                place: place.place, key: RecordKey(key), metadata: metadata, provenance: provenance,
                dataVersions: dataVersions))
        discard()
        return []
    }

    mutating func discard() {
        provenance = nil
        dataVersions = nil
    }
}

/// Rows of a root as columns, part by part.
struct PartSink: RowSink {
    private let shape: RowShape
    private let names: JSONNames
    private var part: RecordPart
    private var hasProvenance = false
    private var rowsBefore = 0

    /// Rows of a root that stand on lines.
    init(_ shape: RowShape) {
        self.init(shape, RecordPart(shape, fromLine: 1))
    }

    /// Rows of a root that are the elements of a list.
    ///
    /// - Parameter list: the JSON pointer to the list.
    init(_ shape: RowShape, list: String) {
        self.init(shape, RecordPart(shape, list: list))
    }

    private init(_ shape: RowShape, _ part: RecordPart) {
        self.shape = shape
        self.part = part
        names = JSONNames(shape.fields)
    }

    var count: Int { rowsBefore + part.count }

    /// Whether there is enough for a part.
    var isFull: Bool {
        part.count >= TransactionLimits.partRowsMax || part.byteCount >= TransactionLimits.partBytesMax
    }

    /// Takes what there is, of lines to go on behind it; nil where there is nothing.
    mutating func take() -> RecordPart? {
        guard part.count > 0 else { return nil }
        let taken = part
        rowsBefore += taken.count
        part = RecordPart(shape, fromLine: rowsBefore + 1)
        return taken
    }

    mutating func open(_ version: RecordPart.Version) {
        if version == .provenance { hasProvenance = true }
    }

    mutating func give(
        _ version: RecordPart.Version, _ name: JSONText, _ value: JSONText, _ reader: JSONReader
    ) -> String? {
        guard let field = reader.index(of: name, among: names) else {
            return "has the unknown field \"\(reader.string(name))\""
        }
        let isFirst: Bool
        if value.isEscaped {
            let bytes = Array(reader.string(value).utf8)
            isFirst = part.give(version, field: field, bytes, in: bytes.indices)
        } else {
            isFirst = part.give(version, field: field, reader.bytes, in: value.range)
        }
        return isFirst ? nil : FaultText.twice(reader.string(name))
    }

    mutating func close(_ version: RecordPart.Version, isNullOnly: Bool) {
        if version == .provenance, isNullOnly, part.missingFields.count == shape.fields.count { hasProvenance = false }
    }

    mutating func end(_ key: [IDValue], _ metadata: [UInt8], at place: RowLocation) -> [String] {
        guard hasProvenance else {
            discard()
            return ["a record of a root needs metaxy_provenance_by_field"]
        }
        guard part.isRowComplete else {
            let missing = part.missingFields
            discard()
            return missing.map { "metaxy_provenance_by_field lacks the field \"\($0)\"" }
        }
        part.append(key, metadata: metadata)
        hasProvenance = false
        return []
    }

    mutating func discard() {
        part.discard()
        hasProvenance = false
    }
}
