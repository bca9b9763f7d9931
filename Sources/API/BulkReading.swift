// Bodies of records: a JSON document with a list of them, or a record a line.

import HTTP
import JSON
import Service

/// A body of records and what else came with it.
struct Bulk {
    /// The records, in the order of the body; nil where a document has no such member.
    let rows: [RecordRow]?
    /// The other members of a document; none with lines.
    var members: Members
    /// Whether the body had a record a line.
    let isLines: Bool
}

extension Call {
    /// Reads a body of records.
    ///
    /// - Parameters:
    ///   - idColumns: those of the records' feature.
    ///   - others: the names of the members that may stand beside `records`.
    /// - Throws: `unsupported_media_type`, `content_too_large`, `invalid_json`, `validation_failed`.
    func bulk(idColumns: [String], others: [String] = []) async throws(Problem) -> Bulk {
        let rows = RowReader(idColumns: idColumns)
        switch try head.mediaType(among: [.json, .ndjson]) {
        case .ndjson:
            let read = try await LineReader.read(request.body, into: rows)
            return Bulk(rows: read.rows, members: Members(JSONObject()), isLines: true)
        default:
            return try DocumentReader(rows).read(await bytes(max: Bounds.bulkBytesMax), others: others)
        }
    }
}

/// Reads `{"records":[…], …}`.
private struct DocumentReader {
    private var rows: RowReader<RowList>
    private var hasRecords = false
    private var object = JSONObject()

    init(_ rows: RowReader<RowList>) {
        self.rows = rows
    }

    consuming func read(_ bytes: [UInt8], others: [String]) throws(Problem) -> Bulk {
        var reader = JSONReader(bytes)
        var pointer = JSONPointer.root
        do {
            let kind = try reader.peekKind()
            guard kind == .object else {
                throw Problem(.validationFailed, .pointer(""), "expected an object with \"records\", found \(kind)")
            }
            try reader.beginObject()
            while let name = try reader.nextKey() {
                let text = reader.string(name)
                pointer = JSONPointer.root.appending(text)
                if text == "records", !hasRecords {
                    try readRecords(&reader, &pointer)
                    if rows.rows.count > Bounds.bulkRowsMax { _ = try rows.checked() }
                } else {
                    let value = try member(text, &reader, others)
                    guard text != "records", object.append(text, value) else {
                        throw Problem(.invalidJSON, .pointer(pointer.description), "the member comes twice")
                    }
                }
                pointer = .root
            }
            try reader.finish()
        } catch let error as JSONError {
            throw Problem(error, in: bytes, at: pointer)
        } catch let problem as Problem {
            throw problem
        } catch {
            throw Problem(.internal, "The body could not be read.").with(cause: "\(error)")
        }
        let read = try rows.checked()
        return Bulk(rows: hasRecords ? read.rows : nil, members: Members(object), isLines: false)
    }

    /// A member beside the records; what is not known is not kept, only named.
    private func member(_ name: String, _ reader: inout JSONReader, _ others: [String]) throws(JSONError) -> JSONValue {
        if others.contains(name) { return try reader.readValue() }
        _ = try reader.skipValue()
        return .null
    }

    private mutating func readRecords(_ reader: inout JSONReader, _ pointer: inout JSONPointer) throws(JSONError) {
        hasRecords = true
        let list = pointer
        let kind = try reader.peekKind()
        guard kind == .array else {
            _ = try reader.skipValue()
            rows.faults.add(.pointer(list.description), "expected an array, found \(kind)")
            return
        }
        var index = 0
        try reader.beginArray()
        while try reader.nextElement(), rows.rows.count <= Bounds.bulkRowsMax {
            pointer = list.appending(index)
            try rows.read(&reader, at: .element(list, index))
            index += 1
        }
    }
}
