// Header fields in the order they were sent, stored as wire bytes with a table of positions.

/// The header fields of a message, in order.
///
/// The bytes are stored as they go over the wire. Reading a request makes no String, and writing a response copies one
/// block. Names compare without regard to ASCII case.
public struct HeaderFields: Sendable {
    /// The position of one field in `bytes`. Offsets fit 32 bits, because `ProtocolLimits` keeps a head far below that.
    struct Entry: Sendable {
        var name: Range<UInt32>
        var value: Range<UInt32>
    }

    var bytes: [UInt8]
    var entries: [Entry]
    /// Whether `bytes` consists of field lines only. The bytes of a request also hold the request line.
    let isBlock: Bool

    /// Creates an empty list.
    public init() {
        bytes = []
        entries = []
        isBlock = true
    }

    /// Creates the list of a received head; for the parser.
    init(bytes: [UInt8], entries: [Entry]) {
        self.bytes = bytes
        self.entries = entries
        isBlock = false
    }

    /// The number of field lines.
    public var count: Int {
        entries.count
    }

    /// Adds a field line after the others.
    ///
    /// Bytes that a field value must not contain (CR, LF, NUL and the other controls) become spaces, as RFC 9110
    /// section 5.5 requires. So no value can start a line of its own.
    ///
    /// - Parameters:
    ///   - name: the field's name.
    ///   - value: the field's value, without leading or trailing white space.
    public mutating func append(_ name: FieldName, _ value: String) {
        let nameStart = UInt32(bytes.count)
        name.withBytes { bytes.append(contentsOf: $0) }
        let nameEnd = UInt32(bytes.count)
        bytes.append(UInt8(ascii: ":"))
        bytes.append(Grammar.space)
        let valueStart = UInt32(bytes.count)
        bytes.append(contentsOf: value.utf8)
        for index in Int(valueStart)..<bytes.count where !Grammar.isFieldValue(bytes[index]) {
            bytes[index] = Grammar.space
        }
        let valueEnd = UInt32(bytes.count)
        bytes.append(Grammar.cr)
        bytes.append(Grammar.lf)
        entries.append(Entry(name: nameStart..<nameEnd, value: valueStart..<valueEnd))
    }

    /// The combined value of a field: its values in order, joined with ", " (RFC 9110 section 5.3); nil when absent.
    ///
    /// - Parameter name: the field's name, in any case.
    public subscript(name: FieldName) -> String? {
        var combined: String?
        for entry in entries where matches(entry, name) {
            combined = combined.map { $0 + ", " + text(entry.value) } ?? text(entry.value)
        }
        return combined
    }

    /// The value of each line with this name, in order.
    ///
    /// - Parameter name: the field's name, in any case.
    /// - Returns: the values; empty when the field is absent.
    public func values(of name: FieldName) -> [String] {
        entries.filter { matches($0, name) }.map { text($0.value) }
    }

    private func matches(_ entry: Entry, _ name: FieldName) -> Bool {
        name.withBytes { wanted in
            guard entry.name.count == wanted.count else { return false }
            let start = Int(entry.name.lowerBound)
            for offset in 0..<wanted.count {
                guard Grammar.lowercased(bytes[start + offset]) == Grammar.lowercased(wanted[offset]) else {
                    return false
                }
            }
            return true
        }
    }

    func equals(_ text: StaticString, in range: Range<UInt32>) -> Bool {
        guard range.count == text.utf8CodeUnitCount else { return false }
        return text.withUTF8Buffer { wanted in
            for offset in 0..<wanted.count where bytes[Int(range.lowerBound) + offset] != wanted[offset] {
                return false
            }
            return true
        }
    }

    /// Decodes UTF-8 where it is valid, and ISO-8859-1 elsewhere, which is the historical encoding (RFC 9110 section
    /// 5.5). No byte is lost, and none becomes U+FFFD.
    func text(_ range: Range<UInt32>) -> String {
        let slice = bytes[range.widened]
        return String(validating: slice, as: UTF8.self)
            ?? String(String.UnicodeScalarView(slice.map { Unicode.Scalar($0) }))
    }
}

extension HeaderFields: ExpressibleByDictionaryLiteral {
    /// Creates a list from a literal, keeping its order and its duplicates.
    ///
    /// - Parameter elements: names and values.
    public init(dictionaryLiteral elements: (FieldName, String)...) {
        self.init()
        // A response of the API has about eight fields.
        bytes.reserveCapacity(320)
        entries.reserveCapacity(8)
        for (name, value) in elements {
            append(name, value)
        }
    }
}

extension HeaderFields: Sequence {
    /// One field line as text.
    public struct Field: Sendable {
        /// The name as sent.
        public let name: String
        /// The value without surrounding white space.
        public let value: String
    }

    /// Iterates over the field lines in order.
    public struct Iterator: IteratorProtocol {
        private let fields: HeaderFields
        private var position: Int

        init(_ fields: HeaderFields) {
            self.fields = fields
            position = 0
        }

        /// The next field line, nil after the last.
        public mutating func next() -> Field? {
            guard position < fields.entries.count else { return nil }
            let entry = fields.entries[position]
            position += 1
            return Field(name: fields.text(entry.name), value: fields.text(entry.value))
        }
    }

    /// Starts at the first field line.
    public func makeIterator() -> Iterator {
        Iterator(self)
    }
}
