// Reads records as clients send them, straight from the bytes.

import Base
import Feature
import JSON
import Service

/// Reads one record after another and collects what is wrong with them.
///
/// No tree is built: id values and versions become values, metadata columns are copied as they stand.
struct RowReader<Sink: RowSink>: ElementReader {
    static var bytesMax: Int { RequestLimits.rowBytesMax }

    /// The records so far.
    var sink: Sink
    /// What is wrong so far.
    var faults = BodyFaults()

    private let idColumns: [String]
    private let idNames: JSONNames
    /// What the row gives of the id columns, and of which it does.
    private var ids: [IDValue]
    private var hasID: [Bool]
    private var metadata: [UInt8] = []
    private var names = NameSet()

    /// A reader of records of a feature with these id columns.
    init(idColumns: [String], into sink: Sink) {
        self.sink = sink
        self.idColumns = idColumns
        idNames = JSONNames(idColumns)
        ids = Array(repeating: .boolean(false), count: idColumns.count)
        hasID = Array(repeating: false, count: idColumns.count)
    }

    var records: Int { sink.count }

    mutating func read(_ reader: inout JSONReader, at place: RowLocation) throws(JSONError) {
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
        if reader.position - start > RequestLimits.rowBytesMax {
            faults.add(
                place.place,
                "the record has \(reader.position - start) bytes; at most \(RequestLimits.rowBytesMax) are taken")
        }
        if faults.count == faultsBefore {
            for index in idColumns.indices where !hasID[index] {
                add(place, idColumns[index], "the id column is missing")
            }
        }
        guard faults.count == faultsBefore else { return sink.discard() }
        metadata.append(UInt8(ascii: "}"))
        for detail in sink.end(ids, metadata, at: place) { faults.add(place.place, detail) }
    }

    /// Forgets the row before, which may have broken off.
    private mutating func reset() {
        sink.discard()
        for index in hasID.indices { hasID[index] = false }
        metadata.removeAll(keepingCapacity: true)
        metadata.append(UInt8(ascii: "{"))
        names.removeAll()
    }

    private mutating func readMember(
        _ name: JSONText, _ reader: inout JSONReader, _ place: RowLocation
    ) throws(JSONError) {
        guard names.insert(name, reader) else {
            _ = try reader.skipValue()
            return add(place, reader.string(name), "the column comes twice")
        }
        if let index = reader.index(of: name, among: idNames) {
            if let value = try readID(&reader, column: idColumns[index], place) {
                ids[index] = value
                hasID[index] = true
            }
        } else if reader.matches(name, "metaxy_provenance_by_field") {
            try readVersions(.provenance, &reader, column: "metaxy_provenance_by_field", place)
        } else if reader.matches(name, "metaxy_data_version_by_field") {
            try readVersions(.dataVersion, &reader, column: "metaxy_data_version_by_field", place)
        } else {
            try readMetadata(name, &reader, place)
        }
    }

    private mutating func readID(
        _ reader: inout JSONReader, column: String, _ place: RowLocation
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
        _ version: RecordPart.Version, _ reader: inout JSONReader, column: String, _ place: RowLocation
    ) throws(JSONError) {
        let kind = try reader.peekKind()
        guard kind == .object else {
            _ = try reader.skipValue()
            if kind != .null { add(place, column, "expected an object of strings, found \(kind)") }
            return
        }
        var isNullOnly = false
        sink.open(version)
        try reader.beginObject()
        while let name = try reader.nextKey() {
            let kind = try reader.peekKind()
            guard kind == .string else {
                _ = try reader.skipValue()
                isNullOnly = isNullOnly || kind == .null
                if kind != .null {
                    add(place, column, "field \"\(reader.string(name))\": expected a string, found \(kind)")
                }
                continue
            }
            let text = try reader.readText()
            if text.isEscaped && reader.bytes.hasEscapedZero(text.range) {
                add(place, column, "field \"\(reader.string(name))\": \(FaultText.zero)")
            } else if text.range.count > RequestLimits.versionBytesMax {
                add(
                    place, column,
                    "field \"\(reader.string(name))\": a version has at most \(RequestLimits.versionBytesMax) bytes")
            } else if let fault = sink.give(version, name, text, reader) {
                add(place, column, fault)
            }
        }
        sink.close(version, isNullOnly: isNullOnly)
    }

    private mutating func readMetadata(
        _ name: JSONText, _ reader: inout JSONReader, _ place: RowLocation
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
            reader.append(name.range, to: &metadata)
            metadata.append(UInt8(ascii: "\""))
            metadata.append(UInt8(ascii: ":"))
            reader.append(value, to: &metadata)
        }
    }

    private mutating func add(_ place: RowLocation, _ column: String, _ detail: String) {
        let fault = place.fault(column: column, detail)
        faults.add(fault.0, fault.1)
    }
}

extension RowReader: BulkReader where Sink == RowList {
    /// A reader of records one by one.
    init(idColumns: [String]) {
        self.init(idColumns: idColumns, into: RowList())
    }

    var elements: [RecordRow] { sink.rows }
}

/// Sentences that more than one reader says.
enum FaultText {
    /// Of a string that the database cannot hold.
    static let zero = "has the character U+0000, which the database cannot hold"

    /// Of a field that has two versions.
    static func twice(_ field: String) -> String { "field \"\(field)\" comes twice" }
}
