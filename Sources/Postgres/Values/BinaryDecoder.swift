// Decodes values from the binary formats of PostgreSQL.

/// Reads single values. Each function returns nil when the bytes do not have the form of the type.
enum BinaryDecoder {
    static func integer<T: FixedWidthInteger>(_ bytes: UnsafeRawBufferPointer, as type: T.Type = T.self) -> T? {
        guard bytes.count == MemoryLayout<T>.size else { return nil }
        return unsafe T(bigEndian: bytes.loadUnaligned(as: T.self))
    }

    static func bool(_ bytes: UnsafeRawBufferPointer) -> Bool? {
        guard bytes.count == 1 else { return nil }
        return unsafe bytes[0] != 0
    }

    static func double(_ bytes: UnsafeRawBufferPointer) -> Double? {
        unsafe integer(bytes, as: UInt64.self).map { Double(bitPattern: $0) }
    }

    static func text(_ bytes: UnsafeRawBufferPointer) -> String? {
        unsafe String(validating: bytes, as: UTF8.self)
    }

    static func bytes(_ bytes: UnsafeRawBufferPointer) -> [UInt8]? {
        unsafe [UInt8](bytes)
    }

    static func timestamp(_ bytes: UnsafeRawBufferPointer) -> Int64? {
        guard let value = unsafe integer(bytes, as: Int64.self) else { return nil }
        guard value != .max, value != .min else { return value }
        let (shifted, overflow) = value.addingReportingOverflow(BinaryEncoder.epochOffset)
        return overflow ? nil : shifted
    }

    static func jsonb(_ bytes: UnsafeRawBufferPointer) -> [UInt8]? {
        guard let version = unsafe bytes.first, version == 1 else { return nil }
        return unsafe [UInt8](bytes.dropFirst())
    }

    static func bit(_ bytes: UnsafeRawBufferPointer) -> BitString? {
        guard bytes.count >= 4 else { return nil }
        let count = Int(unsafe Int32(bigEndian: bytes.loadUnaligned(as: Int32.self)))
        guard count >= 0, bytes.count == 4 + (count + 7) / 8 else { return nil }
        var result = BitString(count: count)
        let whole = count / 64
        for word in 0..<whole {
            result.words[word] = unsafe UInt64(
                bigEndian: bytes.loadUnaligned(fromByteOffset: 4 + 8 * word, as: UInt64.self))
        }
        for index in 4 + 8 * whole..<bytes.count {
            let place = index - 4
            unsafe result.words[place / 8] |= UInt64(bytes[index]) << UInt64(56 - 8 * (place % 8))
        }
        return result
    }

    /// An array of at most one dimension, element by element; nil elements are NULL.
    static func array<Element>(
        _ bytes: UnsafeRawBufferPointer, of types: [TypeOID], _ read: (UnsafeRawBufferPointer) -> Element?
    ) -> [Element?]? {
        guard let count = unsafe elementCount(bytes, of: types) else { return nil }
        var result: [Element?] = []
        result.reserveCapacity(count)
        let isWhole = unsafe elements(bytes, count) { place in
            guard let place else {
                result.append(nil)
                return true
            }
            guard let element = unsafe read(UnsafeRawBufferPointer(rebasing: bytes[place])) else { return false }
            result.append(element)
            return true
        }
        return isWhole ? result : nil
    }

    /// The ranges of an array's elements in its bytes, nil for NULL. The array has at most one dimension.
    ///
    /// - Returns: false if the bytes are no such array.
    static func places(_ bytes: UnsafeRawBufferPointer, of types: [TypeOID], into places: inout [Range<Int>?]) -> Bool {
        guard let count = unsafe elementCount(bytes, of: types) else { return false }
        return unsafe elements(bytes, count) { place in
            places.append(place)
            return true
        }
    }

    /// The number of elements in an array's header. It is never more than the bytes can hold, which bounds
    /// reservations.
    private static func elementCount(_ bytes: UnsafeRawBufferPointer, of types: [TypeOID]) -> Int? {
        guard bytes.count >= 12 else { return nil }
        let dimensions = unsafe int32(bytes, at: 0)
        let type = TypeOID(rawValue: UInt32(bitPattern: unsafe int32(bytes, at: 8)))
        guard types.contains(type) else { return nil }
        if dimensions == 0 { return bytes.count == 12 ? 0 : nil }
        guard dimensions == 1, bytes.count >= 20 else { return nil }
        let count = Int(unsafe int32(bytes, at: 12))
        return count >= 0 && count <= (bytes.count - 20) / 4 ? count : nil
    }

    /// Visits the elements. Returns false if they do not end with the bytes, or if `visit` returns false.
    private static func elements(
        _ bytes: UnsafeRawBufferPointer, _ count: Int, _ visit: (Range<Int>?) -> Bool
    ) -> Bool {
        guard bytes.count > 12 else { return true }
        var position = 20
        for _ in 0..<count {
            guard position + 4 <= bytes.count else { return false }
            let length = Int(unsafe int32(bytes, at: position))
            position += 4
            if length == -1 {
                guard visit(nil) else { return false }
                continue
            }
            guard length >= 0, length <= bytes.count - position, visit(position..<position + length) else {
                return false
            }
            position += length
        }
        return position == bytes.count
    }

    private static func int32(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Int32 {
        unsafe Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self))
    }
}
