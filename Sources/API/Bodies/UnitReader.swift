// Reads units of an expansion with the records that they expand into, straight from the bytes.

import Feature
import JSON
import Service

/// Reads `{"id":{…},"records":[…]}` one after another, and collects what is wrong with them.
struct UnitReader: BulkReader {
    static let bytesMax = RequestLimits.unitBytesMax

    private(set) var elements: [UnitResult] = []

    private let idColumns: [String]
    private var rows: RowReader<RowList>

    /// A reader of results of an expansion.
    init(_ shape: ExpansionShape) {
        idColumns = shape.idColumns
        rows = RowReader(idColumns: shape.recordColumns)
    }

    var records: Int { rows.records }

    var faults: BodyFaults {
        get { rows.faults }
        set { rows.faults = newValue }
    }

    mutating func read(_ reader: inout JSONReader, at place: RowLocation) throws(JSONError) {
        let kind = try reader.peekKind()
        guard kind == .object else {
            _ = try reader.skipValue()
            faults.add(place.place, "expected an object, found \(kind)")
            return
        }
        let first = rows.records
        let start = reader.position
        var id: JSONValue?
        var hasRecords = false
        try reader.beginObject()
        while let name = try reader.nextKey() {
            if reader.matches(name, "id"), id == nil {
                id = try reader.readValue()
            } else if reader.matches(name, "records"), !hasRecords {
                hasRecords = true
                try readRecords(&reader, place)
            } else {
                let text = reader.string(name)
                _ = try reader.skipValue()
                let isKnown = text == "id" || text == "records"
                add(place, [text], isKnown ? "the member comes twice" : "unknown member; known are id, records")
            }
        }
        if reader.position - start > Self.bytesMax {
            faults.add(
                place.place, "the unit has \(reader.position - start) bytes; at most \(Self.bytesMax) are taken")
        }
        if !hasRecords { add(place, ["records"], "is missing; no records at all are an empty list") }
        guard let id else { return add(place, ["id"], "is missing") }
        switch RecordKey.read(id, columns: idColumns, at: "/id") {
        case .success(let key):
            elements.append(UnitResult(place: place.place, key: key, records: Array(rows.elements[first...])))
        case .failure(let faulty):
            for fault in faulty.faults {
                guard case .pointer(let pointer) = fault.place else { continue }
                add(place.fault(at: JSONPointer(pointer), fault.detail))
            }
        }
    }

    private mutating func readRecords(_ reader: inout JSONReader, _ place: RowLocation) throws(JSONError) {
        let kind = try reader.peekKind()
        guard kind == .array else {
            _ = try reader.skipValue()
            return add(place, ["records"], "expected an array, found \(kind)")
        }
        var index = 0
        try reader.beginArray()
        while try reader.nextElement() {
            guard records <= RequestLimits.bulkRowsMax else {
                _ = try reader.skipValue()
                continue
            }
            try rows.read(&reader, at: place.element(index, of: "records"))
            index += 1
        }
    }

    private mutating func add(_ place: RowLocation, _ path: [String], _ detail: String) {
        add(place.fault(at: path.reduce(.root) { $0.appending($1) }, detail))
    }

    private mutating func add(_ fault: (place: Fault.Place, detail: String)) {
        faults.add(fault.place, fault.detail)
    }
}
