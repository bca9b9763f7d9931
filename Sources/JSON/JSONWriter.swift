// Writes compact JSON into one growing buffer.

/// Builds one JSON document, or several one after another, as UTF-8 without white space.
///
/// Commas and colons are put where they are due. The caller keeps the structure: every `begin` has its `end`, and a
/// key comes before each member's value.
public struct JSONWriter: Sendable {
    /// What was written so far.
    public private(set) var bytes: [UInt8] = []
    /// True when a value was completed in the innermost container, so that the next one needs a comma.
    private var needsComma = false

    /// An empty writer.
    ///
    /// - Parameter capacity: bytes to reserve at once; the buffer grows beyond when needed.
    public init(reservingCapacity capacity: Int = 256) {
        bytes.reserveCapacity(capacity)
    }

    /// Opens an object.
    public mutating func beginObject() { open(UInt8(ascii: "{")) }

    /// Closes an object.
    public mutating func endObject() { close(UInt8(ascii: "}")) }

    /// Opens an array.
    public mutating func beginArray() { open(UInt8(ascii: "[")) }

    /// Closes an array.
    public mutating func endArray() { close(UInt8(ascii: "]")) }

    /// Writes a member's name; its value follows.
    public mutating func key(_ name: String) {
        quote(name, isKey: true)
        needsComma = false
    }

    /// Writes a string.
    public mutating func string(_ text: String) {
        quote(text, isKey: false)
        needsComma = true
    }

    /// Writes an integer.
    public mutating func integer(_ value: some FixedWidthInteger) {
        separate()
        bytes.append(contentsOf: String(value).utf8)
    }

    /// Writes a number in the shortest form that reads back as the same double.
    ///
    /// - Parameter value: a finite number; JSON has no other.
    public mutating func double(_ value: Double) {
        precondition(value.isFinite, "JSON holds finite numbers only")
        separate()
        bytes.append(contentsOf: value.description.utf8)
    }

    /// Writes `true` or `false`.
    public mutating func bool(_ value: Bool) {
        separate()
        bytes.append(contentsOf: value ? "true".utf8 : "false".utf8)
    }

    /// Writes `null`.
    public mutating func null() {
        separate()
        bytes.append(contentsOf: "null".utf8)
    }

    /// Writes a value that is JSON already, as it is.
    ///
    /// - Parameter value: the bytes of exactly one value.
    public mutating func raw(_ value: some Collection<UInt8>) {
        separate()
        bytes.append(contentsOf: value)
    }

    /// Writes members that are JSON already, as they are.
    ///
    /// - Parameter members: one or more, names and values, with commas between them.
    public mutating func members(_ members: some Collection<UInt8>) { raw(members) }

    /// Writes a string whose UTF-8 stands in a buffer.
    public mutating func string(utf8: ArraySlice<UInt8>) {
        utf8.withUnsafeBufferPointer { quote($0, isKey: false) }
        needsComma = true
    }

    /// Writes a whole tree, members in their own order.
    public mutating func value(_ value: JSONValue) {
        switch value {
        case .null: null()
        case .bool(let value): bool(value)
        case .integer(let value): integer(value)
        case .bigInteger(let digits): raw(digits.utf8)
        case .double(let value): double(value)
        case .string(let text): string(text)
        case .array(let elements):
            beginArray()
            for element in elements { self.value(element) }
            endArray()
        case .object(let object):
            beginObject()
            for member in object {
                key(member.name)
                self.value(member.value)
            }
            endObject()
        }
    }

    /// Ends a line of NDJSON; the next value starts a new document.
    public mutating func endLine() {
        bytes.append(0x0A)
        needsComma = false
    }

    /// Forgets what was written and keeps the memory.
    public mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        needsComma = false
    }

    private mutating func open(_ bracket: UInt8) {
        separate()
        bytes.append(bracket)
        needsComma = false
    }

    private mutating func close(_ bracket: UInt8) {
        bytes.append(bracket)
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    /// Writes a string with the comma before it that is due, and the colon after it if it is a key.
    private mutating func quote(_ text: String, isKey: Bool) {
        var text = text
        text.withUTF8 { quote($0, isKey: isKey) }
    }

    private mutating func quote(_ utf8: UnsafeBufferPointer<UInt8>, isKey: Bool) {
        let special = utf8.firstEscaped(from: 0)
        guard special < utf8.count else { return quotePlain(utf8, isKey: isKey) }
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        bytes.append(UInt8(ascii: "\""))
        // Runs without escapes are copied whole.
        var runStart = 0
        var index = special
        while index < utf8.count {
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: utf8[runStart..<index]))
            escape(utf8[index])
            runStart = index + 1
            index = utf8.firstEscaped(from: runStart)
        }
        bytes.append(contentsOf: UnsafeBufferPointer(rebasing: utf8[runStart...]))
        bytes.append(UInt8(ascii: "\""))
        if isKey { bytes.append(UInt8(ascii: ":")) }
    }

    /// The common case, with one check of the buffer's room instead of one for each byte around the text.
    private mutating func quotePlain(_ utf8: UnsafeBufferPointer<UInt8>, isKey: Bool) {
        bytes.append(addingCapacity: utf8.count + 4) { output in
            if needsComma { output.append(UInt8(ascii: ",")) }
            output.append(UInt8(ascii: "\""))
            output.withUnsafeMutableBufferPointer { free, count in
                // The capacity above has room for the text.
                _ = free[count...].initialize(fromContentsOf: utf8)
                count += utf8.count
            }
            output.append(UInt8(ascii: "\""))
            if isKey { output.append(UInt8(ascii: ":")) }
        }
    }

    private mutating func escape(_ byte: UInt8) {
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0C: bytes.append(UInt8(ascii: "f"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        case 0..<0x20:
            let hex = Array("0123456789abcdef".utf8)
            bytes.append(contentsOf: "u00".utf8)
            bytes.append(hex[Int(byte >> 4)])
            bytes.append(hex[Int(byte & 15)])
        default: bytes.append(byte)
        }
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// The first byte from `start` on that must be escaped, or the count when there is none.
    fileprivate func firstEscaped(from start: Int) -> Int {
        var index = start
        while true {
            index = span.bytes.firstSpecial(in: index..<count)
            guard index < count, self[index] >= 0x80 else { return index }
            index += 1
        }
    }
}
