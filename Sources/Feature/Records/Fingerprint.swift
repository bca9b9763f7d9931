// A digest of what a row says, to find at once that it says what is stored.

import CDigest

/// Digests rows to 16 bytes: rows that differ have different digests but for one pair in 2^128.
///
/// MD5, because 200 bytes take 0.3 µs and nobody gains by two rows of his own that look the same.
public struct Fingerprint: Sendable {
    private var bytes: [UInt8] = []

    /// A digest of nothing so far.
    public init() {}

    /// Starts a new row.
    public mutating func begin(_ definition: DefinitionID) {
        bytes.removeAll(keepingCapacity: true)
        append(UInt64(bitPattern: definition))
    }

    /// Adds a part of the row.
    ///
    /// - Parameter write: appends the part; false, with nothing appended, for one that is not there.
    public mutating func add(writing write: (inout [UInt8]) -> Bool) {
        let start = bytes.count
        append(UInt64.max)
        guard write(&bytes) else { return }
        let count = UInt64(bytes.count - start - 8)
        for place in 0..<8 { bytes[start + place] = UInt8(truncatingIfNeeded: count >> UInt64(8 * place)) }
    }

    /// Appends the digest of the row to `digest`: 16 bytes.
    public func end(into digest: inout [UInt8]) {
        bytes.withUnsafeBytes { input in
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 16) { output in
                // The allocation has 16 bytes, so it has an address.
                guard let base = output.baseAddress else { return }
                cdigest_md5(input.baseAddress, input.count, base)
                digest.append(contentsOf: output)
            }
        }
    }

    private mutating func append(_ number: UInt64) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }
}
