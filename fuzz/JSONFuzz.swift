// Fuzzes the JSON reader and writer: no input may trap, what was read is written so that it reads the same, and passing
// over a value accepts no less than reading it.

private func parse(_ bytes: [UInt8]) -> JSONValue? {
    do throws(JSONError) {
        return try JSONValue(parsing: bytes)
    } catch {
        precondition(error.offset >= 0 && error.offset <= bytes.count, "an error lies within the input")
        return nil
    }
}

/// Where a value ends that is passed over; nil when it is refused.
private func skip(_ bytes: [UInt8]) -> Range<Int>? {
    var reader = JSONReader(bytes)
    do throws(JSONError) {
        let range = try reader.skipValue()
        try reader.finish()
        return range
    } catch {
        return nil
    }
}

/// Looks for each name of an object among all of them and among others, as a scan of texts would find it.
private func checkNames(_ object: JSONObject, _ input: [UInt8]) {
    let names = object.keys
    let known = JSONNames(names + ["metaxy_provenance_by_field", ""])
    var reader = JSONReader(input)
    var seen: [JSONText] = []
    do throws(JSONError) {
        try reader.beginObject()
        while let name = try reader.nextKey() {
            let text = Array(reader.string(name).utf8)
            precondition(reader.index(of: name, among: known) == names.firstIndex { $0.utf8.elementsEqual(text) })
            for other in seen {
                let isSame = input[name.range].elementsEqual(input[other.range])
                precondition(reader.hasSameBytes(name.range, other.range) == isSame, "bytes are compared as they are")
            }
            if seen.count < 16 { seen.append(name) }
            var copy: [UInt8] = []
            reader.append(try reader.skipValue(), to: &copy)
            precondition(parse(copy) == object[names[names.firstIndex { $0.utf8.elementsEqual(text) } ?? 0]])
        }
    } catch {
        preconditionFailure("what was read once reads again")
    }
}

/// One input.
func fuzzJSON(_ input: [UInt8]) {
    let skipped = skip(input)
    guard let value = parse(input) else { return }
    if let object = value.objectValue { checkNames(object, input) }
    guard let skipped else { preconditionFailure("what can be read can be passed over") }
    precondition(parse(Array(input[skipped])) == value, "the value is where it was passed over")
    var writer = JSONWriter()
    writer.value(value)
    precondition(parse(writer.bytes) == value, "what was written reads the same")
    var again = JSONWriter()
    again.value(value)
    precondition(again.bytes == writer.bytes, "the same value is written the same")
    // A reader of a part of a buffer looks at nothing outside it.
    let padded = [0x22, 0x5B] + input + [0x7D, 0x22]
    var inner = JSONReader(padded, in: 2..<padded.count - 2)
    do throws(JSONError) {
        let part = try inner.readValue()
        try inner.finish()
        precondition(part == value, "what stands around a value changes nothing")
    } catch {
        preconditionFailure("what stands around a value changes nothing")
    }
}
