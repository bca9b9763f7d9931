// Bodies of records or units: a JSON document with a list of them, or one a line.

import HTTP
import JSON
import Service

/// Reads the elements of a bulk body one after another, and collects what is wrong with them.
protocol ElementReader: Sendable {
    /// Bytes of one element at most.
    static var bytesMax: Int { get }

    /// What is wrong so far.
    var faults: FaultList { get set }

    /// Reads the next value of `reader` as an element.
    ///
    /// - Throws: where the bytes are not JSON; every other fault is collected, and the reader stands after the value.
    mutating func read(_ reader: inout JSONReader, at place: RowPlace) throws(JSONError)
}

/// Keeps the elements of a whole body.
protocol BulkReader: ElementReader {
    /// What one element becomes.
    associatedtype Element: Sendable

    /// The elements so far.
    var elements: [Element] { get }
    /// How many records they bring.
    var records: Int { get }
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
            return try DocumentReader(elements, list: list).read(await bytes(max: Bounds.bulkBytesMax), others: others)
        }
    }
}

/// Reads `{"records":[…], …}`.
struct DocumentReader<Reader: BulkReader> {
    private var elements: Reader
    private let list: String
    private var isSeen = false
    private var hasList = false
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
    consuming func read(_ bytes: [UInt8], others: [String]) throws(Problem) -> Bulk<Reader.Element> {
        var reader = JSONReader(bytes)
        var pointer = JSONPointer.root
        do {
            let kind = try reader.peekKind()
            guard kind == .object else {
                throw Problem(.validationFailed, .pointer(""), "expected an object with \"\(list)\", found \(kind)")
            }
            try reader.beginObject()
            while let name = try reader.nextKey() {
                let text = reader.string(name)
                pointer = JSONPointer.root.appending(text)
                if text == list, !isSeen {
                    try readList(&reader, &pointer)
                    if elements.records > Bounds.bulkRowsMax { _ = try elements.checked() }
                } else {
                    let value = try member(text, &reader, others)
                    guard text != list, object.append(text, value) else {
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
        let read = try elements.checked()
        return Bulk(elements: hasList ? read.elements : nil, members: Members(object), isLines: false)
    }

    /// A member beside the list; what is not known is not kept, only named.
    private func member(_ name: String, _ reader: inout JSONReader, _ others: [String]) throws(JSONError) -> JSONValue {
        if others.contains(name) { return try reader.readValue() }
        _ = try reader.skipValue()
        return .null
    }

    private mutating func readList(_ reader: inout JSONReader, _ pointer: inout JSONPointer) throws(JSONError) {
        isSeen = true
        let place = pointer
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
        var index = 0
        try reader.beginArray()
        while try reader.nextElement(), elements.records <= Bounds.bulkRowsMax {
            pointer = place.appending(index)
            try elements.read(&reader, at: .element(place, index))
            index += 1
        }
    }
}

extension BulkReader {
    /// The reader, if nothing was wrong.
    ///
    /// - Throws: `content_too_large`, `invalid_json`, `validation_failed`.
    func checked() throws(Problem) -> Self {
        if records > Bounds.bulkRowsMax {
            throw Problem(
                .contentTooLarge, "The body has more than \(Bounds.bulkRowsMax) records; send them in several requests."
            )
        }
        if let problem = faults.problem { throw problem }
        return self
    }
}
