// Members of objects, written in one call.

import Base
import JSON

extension JSONWriter {
    /// Writes a member that is a string.
    mutating func member(_ name: String, _ text: String) {
        key(name)
        string(text)
    }

    /// Writes a member that is a string or null.
    mutating func member(_ name: String, _ text: String?) {
        key(name)
        if let text { string(text) } else { null() }
    }

    /// Writes a member that is an integer.
    mutating func member(_ name: String, _ value: some FixedWidthInteger) {
        key(name)
        integer(value)
    }

    /// Writes a member that is an integer; nil for null.
    mutating func member(_ name: String, bound value: Int32?) {
        key(name)
        if let value { integer(value) } else { null() }
    }

    /// Writes a member that is true or false.
    mutating func member(_ name: String, _ value: Bool) {
        key(name)
        bool(value)
    }

    /// Writes a member that is an array of strings.
    mutating func member(_ name: String, _ texts: [String]) {
        key(name)
        beginArray()
        for text in texts { string(text) }
        endArray()
    }

    /// Writes a member that is a time.
    ///
    /// - Parameter microseconds: since 1970; nil for null.
    mutating func member(_ name: String, time microseconds: Int64?) {
        member(name, microseconds.map { Timestamp(microseconds: $0).description })
    }

    /// Writes a member that is an amount; nil for null.
    mutating func member(_ name: String, number amount: Double?) {
        key(name)
        if let amount { double(amount) } else { null() }
    }

    /// Writes a member that is JSON already.
    mutating func member(_ name: String, raw value: some Collection<UInt8>) {
        key(name)
        raw(value)
    }

    /// Writes a member that is an object.
    mutating func object(_ name: String, _ members: (inout JSONWriter) -> Void) {
        key(name)
        beginObject()
        members(&self)
        endObject()
    }

    /// Writes a member that is an array with an element for each of `elements`.
    mutating func array<Element>(
        _ name: String, _ elements: some Sequence<Element>, _ write: (inout JSONWriter, Element) -> Void
    ) {
        key(name)
        beginArray()
        for element in elements { write(&self, element) }
        endArray()
    }

    /// One object as a whole document.
    static func document(_ members: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter(reservingCapacity: 1_024)
        writer.beginObject()
        members(&writer)
        writer.endObject()
        return writer.bytes
    }
}
