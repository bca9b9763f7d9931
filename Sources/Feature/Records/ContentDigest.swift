// The digest of something that comes in pieces.

import CDigest

/// SHA-256 of bytes as they come.
public struct ContentDigest: Sendable {
    private var state = SHA256_CTX()

    /// The digest of nothing so far.
    public init() {
        cdigest_sha256_begin(&state)
    }

    /// Adds bytes.
    public mutating func add(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { cdigest_sha256_add(&state, $0.baseAddress, $0.count) }
    }

    /// The digest of all bytes so far: 32 bytes.
    public var value: [UInt8] {
        var ended = state
        return [UInt8](unsafeUninitializedCapacity: 32) { buffer, count in
            // The buffer has 32 bytes, so it has an address.
            guard let base = buffer.baseAddress else { return }
            cdigest_sha256_end(&ended, base)
            count = 32
        }
    }
}
