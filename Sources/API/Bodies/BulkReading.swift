// Bodies of records or units: a JSON document with a list of them, or one a line.

import Base
import HTTP
import JSON
import Service

/// Reads the elements of a bulk body one after another, and collects what is wrong with them.
protocol ElementReader: Sendable {
    /// Bytes of one element at most.
    static var bytesMax: Int { get }

    /// What is wrong so far.
    var faults: BodyFaults { get set }
    /// How many records the elements so far bring.
    var records: Int { get }

    /// Reads the next value of `reader` as an element.
    ///
    /// - Throws: where the bytes are not JSON; every other fault is collected, and the reader stands after the value.
    mutating func read(_ reader: inout JSONReader, at place: RowLocation) throws(JSONError)
}

/// Keeps the elements of a whole body.
protocol BulkReader: ElementReader {
    /// What one element becomes.
    associatedtype Element: Sendable

    /// The elements so far.
    var elements: [Element] { get }
}

/// A bulk body and what else came with it.
struct Bulk<Element: Sendable> {
    /// The elements, in the order of the body; nil where a document has no such member.
    let elements: [Element]?
    /// The other members of a document; none with lines.
    var members: Members
    /// Whether the body had an element a line.
    let isLines: Bool
}

extension Call {
    /// Reads a bulk body.
    ///
    /// - Parameters:
    ///   - elements: reads the elements.
    ///   - list: the member of a document that is the list of them.
    ///   - others: the names of the members that may stand beside it.
    /// - Throws: `unsupported_media_type`, `content_too_large`, `invalid_json`, `validation_failed`.
    func bulk<Reader: BulkReader>(
        _ elements: Reader, list: String, others: [String] = []
    ) async throws(Problem) -> Bulk<Reader.Element> {
        switch try head.mediaType(among: [.json, .ndjson]) {
        case .ndjson:
            let read = try await LineReader.read(request.body, into: elements)
            return Bulk(elements: read.elements, members: Members(JSONObject()), isLines: true)
        default:
            return try DocumentReader(elements, list: list)
                .read(await bytes(max: RequestLimits.bulkBytesMax), others: others).bulk
        }
    }
}

/// A document that was read, and the reader that took its list.
struct BulkDocument<Reader: ElementReader> {
    /// The reader, with every element; nil where the document has no list.
    let elements: Reader?
    /// The members beside the list.
    var members: Members
}

extension BulkDocument where Reader: BulkReader {
    /// The elements themselves.
    var bulk: Bulk<Reader.Element> { Bulk(elements: elements?.elements, members: members, isLines: false) }
}

/// Reads `{"records":[…], …}`.
struct DocumentReader<Reader: ElementReader> {
    private var elements: Reader
    private let list: String
    private var isSeen = false
    private var hasList = false
    /// Which element of the list is being read.
    private var index: Int?
    private var object = JSONObject()

    /// A reader of documents whose member `list` is a list of elements.
    init(_ elements: Reader, list: String) {
        self.elements = elements
        self.list = list
    }

    /// Reads a whole document.
    ///
    /// - Parameter others: the names of the members that may stand beside the list.
    /// - Throws: `content_too_large`, `invalid_json`, `validation_failed`.
    consuming func read(_ bytes: [UInt8], others: [String]) throws(Problem) -> BulkDocument<Reader> {
        var reader = JSONReader(bytes)
        // The member that is being read.
        var current: String?
        do {
            let kind = try reader.peekKind()
            guard kind == .object else {
                throw Problem(.validationFailed, .pointer(""), "expected an object with \"\(list)\", found \(kind)")
            }
            try reader.beginObject()
            while let name = try reader.nextKey() {
                let text = reader.string(name)
                current = text
                if text == list, !isSeen {
                    try readList(&reader)
                    if elements.records > RequestLimits.bulkRowsMax { _ = try elements.checked() }
                } else {
                    let value = try member(text, &reader, others)
                    guard text != list, object.append(text, value) else {
                        throw Problem(.invalidJSON, .pointer(place(text).description), "the member comes twice")
                    }
                }
                current = nil
            }
            try reader.finish()
        } catch let error as JSONError {
            throw Problem(error, in: bytes, at: place(current))
        } catch let problem as Problem {
            throw problem
        } catch {
            throw Problem(.internal, "The body could not be read.").with(cause: "\(error)")
        }
        let read = try elements.checked()
        return BulkDocument(elements: hasList ? read : nil, members: Members(object))
    }

    /// A member beside the list; what is not known is not kept, only named.
    private func member(_ name: String, _ reader: inout JSONReader, _ others: [String]) throws(JSONError) -> JSONValue {
        if others.contains(name) { return try reader.readValue() }
        _ = try reader.skipValue()
        return .null
    }

    /// Where what is being read stands.
    private func place(_ member: String?) -> JSONPointer {
        let pointer = member.map { JSONPointer.root.appending($0) } ?? .root
        return index.map { pointer.appending($0) } ?? pointer
    }

    private mutating func readList(_ reader: inout JSONReader) throws(JSONError) {
        isSeen = true
        let place = JSONPointer.root.appending(list)
        let kind = try reader.peekKind()
        // Null counts as absent, as with every other member.
        guard kind != .null else {
            _ = try reader.skipValue()
            return
        }
        hasList = true
        guard kind == .array else {
            _ = try reader.skipValue()
            elements.faults.add(.pointer(place.description), "expected an array, found \(kind)")
            return
        }
        var number = 0
        try reader.beginArray()
        while try reader.nextElement(), elements.records <= RequestLimits.bulkRowsMax {
            index = number
            try elements.read(&reader, at: .element(place, number))
            number += 1
        }
        index = nil
    }
}

extension ElementReader {
    /// The reader, if nothing was wrong.
    ///
    /// - Throws: `content_too_large`, `invalid_json`, `validation_failed`.
    func checked() throws(Problem) -> Self {
        if records > RequestLimits.bulkRowsMax {
            throw Problem(
                .contentTooLarge,
                "The body has more than \(RequestLimits.bulkRowsMax) records; send them in several requests."
            )
        }
        if let problem = faults.problem { throw problem }
        return self
    }
}
