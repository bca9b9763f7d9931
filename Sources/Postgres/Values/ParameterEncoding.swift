// Encodes the parameters of a statement for libpq: types, lengths and binary values.

extension Parameter {
    /// The type that is declared to the server.
    var type: TypeOID {
        switch self {
        case .null: .unspecified
        case .bool: .bool
        case .int2: .int2
        case .int4: .int4
        case .int8: .int8
        case .double: .double
        case .text: .text
        case .bytes: .bytea
        case .timestamp: .timestamptz
        case .jsonb: .jsonb
        case .bit: .bit
        case .boolArray: .boolArray
        case .int2Array: .int2Array
        case .int4Array: .int4Array
        case .int8Array, .int8ArrayOptional: .int8Array
        case .doubleArray: .doubleArray
        case .textArray, .textArrayOptional, .textColumn: .textArray
        case .bytesArray, .bytesArrayOptional, .bytesColumn: .byteaArray
        case .timestampArray, .timestampArrayOptional: .timestamptzArray
        case .jsonbArray, .jsonbArrayOptional, .jsonbColumn: .jsonbArray
        case .bitArray: .bitArray
        case .uuidColumn: .uuidArray
        }
    }

    /// Appends the binary form; appends nothing for NULL.
    func encode(into encoder: inout BinaryEncoder) {
        switch self {
        case .null: break
        case .bool(let value): encoder.bool(value)
        case .int2(let value): encoder.integer(value)
        case .int4(let value): encoder.integer(value)
        case .int8(let value): encoder.integer(value)
        case .double(let value): encoder.double(value)
        case .text(let value): encoder.text(value)
        case .bytes(let value): encoder.bytes.append(contentsOf: value)
        case .timestamp(let value): encoder.timestamp(value)
        case .jsonb(let value): encoder.jsonb(value)
        case .bit(let value): encoder.bit(value)
        default: encodeArray(into: &encoder)
        }
    }

    private func encodeArray(into encoder: inout BinaryEncoder) {
        switch self {
        case .boolArray(let values): encoder.array(values, of: .bool) { $0.bool($1) }
        case .int2Array(let values): encoder.array(values, of: .int2) { $0.integer($1) }
        case .int4Array(let values): encoder.array(values, of: .int4) { $0.integer($1) }
        case .int8Array(let values): encoder.array(values, of: .int8) { $0.integer($1) }
        case .int8ArrayOptional(let values): encoder.arrayOptional(values, of: .int8) { $0.integer($1) }
        case .doubleArray(let values): encoder.array(values, of: .double) { $0.double($1) }
        case .textArray(let values): encoder.array(values, of: .text) { $0.text($1) }
        case .textArrayOptional(let values): encoder.arrayOptional(values, of: .text) { $0.text($1) }
        case .bytesArray(let values): encoder.array(values, of: .bytea) { $0.bytes.append(contentsOf: $1) }
        case .bytesArrayOptional(let values):
            encoder.arrayOptional(values, of: .bytea) { $0.bytes.append(contentsOf: $1) }
        case .timestampArray(let values): encoder.array(values, of: .timestamptz) { $0.timestamp($1) }
        case .timestampArrayOptional(let values): encoder.arrayOptional(values, of: .timestamptz) { $0.timestamp($1) }
        case .jsonbArray(let values): encoder.array(values, of: .jsonb) { $0.jsonb($1) }
        case .jsonbArrayOptional(let values): encoder.arrayOptional(values, of: .jsonb) { $0.jsonb($1) }
        case .bitArray(let values): encoder.array(values, of: .bit) { $0.bit($1) }
        case .textColumn(let column): encoder.array(column, of: .text)
        case .bytesColumn(let column): encoder.array(column, of: .bytea)
        case .jsonbColumn(let column): encoder.array(column, of: .jsonb, prefix: [1])
        case .uuidColumn(let column): encoder.array(column, of: .uuid)
        case .null, .bool, .int2, .int4, .int8, .double, .text, .bytes, .timestamp, .jsonb, .bit: break
        }
    }
}

/// The parameters of one execution in the form that libpq takes: one buffer with all values, and their offsets.
@safe
struct EncodedParameters {
    private(set) var encoder = BinaryEncoder()
    private(set) var types: [UInt32] = []
    private(set) var lengths: [Int32] = []
    private(set) var formats: [Int32] = []
    private var offsets: [Int] = []
    private var pointers: [UnsafePointer<CChar>?] = unsafe []

    /// Larger buffers are freed after use, so that one large value does not stay allocated for ever.
    private static let keptBytesMax = 1 << 20

    /// Encodes `parameters` and replaces those of the last execution.
    mutating func encode(_ parameters: [Parameter]) {
        encoder.bytes.removeAll(keepingCapacity: encoder.bytes.capacity <= Self.keptBytesMax)
        types.removeAll(keepingCapacity: true)
        lengths.removeAll(keepingCapacity: true)
        offsets.removeAll(keepingCapacity: true)
        for parameter in parameters {
            let start = encoder.bytes.count
            parameter.encode(into: &encoder)
            precondition(encoder.bytes.count - start <= Int(Int32.max), "a parameter of 2 GiB or more")
            types.append(parameter.type.rawValue)
            lengths.append(Int32(encoder.bytes.count - start))
            offsets.append(parameter.type == .unspecified ? -1 : start)
        }
        while formats.count < parameters.count { formats.append(1) }
    }

    /// Calls `body` with the arrays that `PQsendQueryPrepared` takes; the pointers are valid during the call only.
    mutating func withPointers<T>(_ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> T) -> T {
        // An empty Array has no base address; an empty value must still differ from NULL, hence the extra byte.
        encoder.bytes.append(0)
        return unsafe encoder.bytes.withUnsafeBytes { buffer in
            let base = unsafe buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
            unsafe pointers.removeAll(keepingCapacity: true)
            for offset in offsets { unsafe pointers.append(offset < 0 ? nil : base.map { unsafe $0 + offset }) }
            return unsafe pointers.withUnsafeBufferPointer { unsafe body($0.baseAddress) }
        }
    }
}
