// Whole values as trees.

extension JSONValue {
    /// Parses one document.
    ///
    /// - Parameter bytes: the document, UTF-8 without byte order mark.
    /// - Throws: what is wrong, where, and in which value.
    public init(parsing bytes: [UInt8]) throws(JSONError) {
        var reader = JSONReader(bytes)
        let value = try reader.readValue()
        try reader.finish()
        self = value
    }
}

extension JSONReader {
    /// Reads the next value as a tree; member names that come twice in one object are refused.
    ///
    /// - Throws: what is wrong; the pointer counts from this value.
    public mutating func readValue() throws(JSONError) -> JSONValue {
        switch try peekKind() {
        case .null:
            _ = try readNull()
            return .null
        case .bool: return .bool(try readBool())
        case .string: return .string(try readString())
        case .number: return try readNumber()
        case .array: return try readArray()
        case .object: return try readObject()
        }
    }

    private mutating func readNumber() throws(JSONError) -> JSONValue {
        let (range, isInteger) = try scanNumber()
        guard isInteger else { return .double(try double(range)) }
        if let value = int64(range) { return .integer(value) }
        return .bigInteger(String(decoding: bytes[range], as: UTF8.self))
    }

    private mutating func readArray() throws(JSONError) -> JSONValue {
        try beginArray()
        var elements: [JSONValue] = []
        while try nextElement() {
            do {
                elements.append(try readValue())
            } catch {
                throw error.inside(JSONPointer.root.appending(elements.count))
            }
        }
        return .array(elements)
    }

    private mutating func readObject() throws(JSONError) -> JSONValue {
        try beginObject()
        var object = JSONObject()
        while let text = try nextKey() {
            let name = string(text)
            let value: JSONValue
            do {
                value = try readValue()
            } catch {
                throw error.inside(JSONPointer.root.appending(name))
            }
            guard object.append(name, value) else {
                throw JSONError(.duplicateName(name), at: text.range.lowerBound - 1)
            }
        }
        return .object(object)
    }
}

extension JSONError {
    /// This error as seen from the container that holds the value at `place`.
    fileprivate func inside(_ place: JSONPointer) -> JSONError {
        var error = self
        error.pointer = place.appending(contentsOf: pointer)
        return error
    }
}
