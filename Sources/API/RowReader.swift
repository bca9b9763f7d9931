// Reads records as clients send them, straight from the bytes.

import Feature
import JSON
import Service

/// Reads one record after another and collects what is wrong with them.
///
/// No tree is built: id values and versions become values, metadata columns are copied as they stand.
struct RowReader: ElementReader {
    static let bytesMax = Bounds.rowBytesMax

    /// The records so far.
    private(set) var elements: [RecordRow] = []
    /// What is wrong so far.
    var faults = FaultList()

    private let idColumns: [String]
    private let idNames: [[UInt8]]
    private var ids: [IDValue?]
    private var metadata: [UInt8] = []
    private var provenance: [String: String]?
    private var dataVersions: [String: String]?
    private var names = NameSet()

    /// A reader of records of a feature with these id columns.
    init(idColumns: [String]) {
        self.idColumns = idColumns
        idNames = idColumns.map { Array($0.utf8) }
        ids = Array(repeating: nil, count: idColumns.count)
    }

    var records: Int { elements.count }

    mutating func read(_ reader: inout JSONReader, at place: RowPlace) throws(JSONError) {
        let kind = try reader.peekKind()
        guard kind == .object else {
            _ = try reader.skipValue()
            faults.add(place.place, "expected an object, found \(kind)")
            return
        }
        reset()
        let faultsBefore = faults.count
        let start = reader.position
        try reader.beginObject()
        while let name = try reader.nextKey() { try readMember(name, &reader, place) }
        if reader.position - start > Bounds.rowBytesMax {
            faults.add(
                place.place,
                "the record has \(reader.position - start) bytes; at most \(Bounds.rowBytesMax) are taken")
        }
        guard faults.count == faultsBefore else { return }
        for (column, value) in zip(idColumns, ids) where value == nil {
            add(place, column, "the id column is missing")
        }
        guard faults.count == faultsBefore else { return }
        metadata.append(UInt8(ascii: "}"))
        elements.append(
            RecordRow(
                place: place.place, key: RecordKey(ids.compactMap { $0 }), metadata: metadata, provenance: provenance,
                dataVersions: dataVersions))
    }

    private mutating func reset() {
        for index in ids.indices { ids[index] = nil }
        metadata = [UInt8(ascii: "{")]
        provenance = nil
        dataVersions = nil
        names.removeAll()
    }

    private mutating func readMember(
        _ name: JSONText, _ reader: inout JSONReader, _ place: RowPlace
    ) throws(JSONError) {
        guard names.insert(name, reader) else {
            _ = try reader.skipValue()
            return add(place, reader.string(name), "the column comes twice")
        }
        if let index = idIndex(name, reader) {
            ids[index] = try readID(&reader, column: idColumns[index], place)
        } else if reader.matches(name, "metaxy_provenance_by_field") {
            provenance = try readVersions(&reader, column: "metaxy_provenance_by_field", place)
        } else if reader.matches(name, "metaxy_data_version_by_field") {
            dataVersions = try readVersions(&reader, column: "metaxy_data_version_by_field", place)
        } else {
            try readMetadata(name, &reader, place)
        }
    }

    private func idIndex(_ name: JSONText, _ reader: JSONReader) -> Int? {
        if name.isEscaped {
            let text = reader.string(name)
            return idNames.firstIndex { $0.elementsEqual(text.utf8) }
        }
        return idNames.firstIndex { $0.count == name.range.count && $0.elementsEqual(reader.bytes[name.range]) }
    }

    private mutating func readID(
        _ reader: inout JSONReader, column: String, _ place: RowPlace
    ) throws(JSONError) -> IDValue? {
        switch try reader.peekKind() {
        case .bool: return .boolean(try reader.readBool())
        case .number:
            let range = try reader.skipValue()
            if let value = IDValue(integer: reader.bytes[range]) { return value }
            add(place, column, "an id is a whole number, a string, true or false; found a fraction or an exponent")
        case .string:
            let text = try reader.readText()
            if !text.isEscaped || !reader.bytes.hasEscapedZero(text.range) { return .string(reader.string(text)) }
            add(place, column, FaultText.zero)
        case let kind:
            _ = try reader.skipValue()
            add(place, column, "an id is a whole number, a string, true or false; found \(kind)")
        }
        return nil
    }

    /// Versions by field. A field that is null is not given; null alone, or nothing but nulls, gives none at all.
    private mutating func readVersions(
        _ reader: inout JSONReader, column: String, _ place: RowPlace
    ) throws(JSONError) -> [String: String]? {
        let kind = try reader.peekKind()
        guard kind == .object else {
            _ = try reader.skipValue()
            if kind != .null { add(place, column, "expected an object of strings, found \(kind)") }
            return nil
        }
        var versions: [String: String] = [:]
        var isNullOnly = false
        try reader.beginObject()
        while let name = try reader.nextKey() {
            let field = reader.string(name)
            let kind = try reader.peekKind()
            guard kind == .string else {
                _ = try reader.skipValue()
                isNullOnly = isNullOnly || kind == .null
                if kind != .null { add(place, column, "field \"\(field)\": expected a string, found \(kind)") }
                continue
            }
            let text = try reader.readText()
            if text.isEscaped && reader.bytes.hasEscapedZero(text.range) {
                add(place, column, "field \"\(field)\": \(FaultText.zero)")
            } else if text.range.count > Bounds.versionBytesMax {
                add(place, column, "field \"\(field)\": a version has at most \(Bounds.versionBytesMax) bytes")
            } else if versions.updateValue(reader.string(text), forKey: field) != nil {
                add(place, column, "field \"\(field)\" comes twice")
            }
        }
        return versions.isEmpty && isNullOnly ? nil : versions
    }

    private mutating func readMetadata(
        _ name: JSONText, _ reader: inout JSONReader, _ place: RowPlace
    ) throws(JSONError) {
        switch ColumnName(name, reader) {
        case .ignored: _ = try reader.skipValue()
        case .refused(let detail):
            _ = try reader.skipValue()
            add(place, reader.string(name), detail)
        case .metadata:
            var check = ValueCheck()
            let value = try check.read(&reader)
            if let detail = check.fault { return add(place, reader.string(name), detail) }
            if metadata.count > 1 { metadata.append(UInt8(ascii: ",")) }
            metadata.append(UInt8(ascii: "\""))
            metadata.append(contentsOf: reader.bytes[name.range])
            metadata.append(UInt8(ascii: "\""))
            metadata.append(UInt8(ascii: ":"))
            metadata.append(contentsOf: reader.bytes[value])
        }
    }

    private mutating func add(_ place: RowPlace, _ column: String, _ detail: String) {
        let fault = place.fault(column: column, detail)
        faults.add(fault.0, fault.1)
    }
}

/// Sentences that more than one reader says.
enum FaultText {
    /// Of a string that the database cannot hold.
    static let zero = "has the character U+0000, which the database cannot hold"
}
