// The digests that make record versions, and their text form.

import CDigest

/// A digest that a project makes its record versions with.
public enum HashAlgorithm: String, Hashable, Sendable, CaseIterable {
    /// MD5, as 32 lower-case hex digits.
    case md5
    /// SHA-256, as 64 lower-case hex digits.
    case sha256
    /// XXH32 with seed 0, as an unsigned decimal number of at most 10 digits, not padded.
    case xxhash32
    /// XXH64 with seed 0, as an unsigned decimal number of at most 20 digits, not padded.
    case xxhash64

    /// The most characters of the text form; a longer truncation length cuts nothing.
    public var textLengthMax: Int {
        switch self {
        case .md5: 32
        case .sha256: 64
        case .xxhash32: 10
        case .xxhash64: 20
        }
    }
}

/// A digest in its text form, cut to a length: what a project's settings say about hashing.
public struct RecordHash: Hashable, Sendable {
    /// The fewest characters that a version may be cut to, as in the library.
    public static let truncationMin = 8
    /// The most characters a version can have: all of SHA-256.
    public static let truncationMax = 64
    /// The setting of a new project: 128 bits.
    public static let standard = RecordHash(known: .sha256, truncation: 32)

    /// The digest.
    public let algorithm: HashAlgorithm
    /// The characters that are kept from the start of the text form.
    public let truncation: Int

    /// Takes a project's settings.
    ///
    /// - Parameters:
    ///   - algorithm: the digest.
    ///   - truncation: characters kept; nil is returned unless it is in `truncationMin...truncationMax`. The same
    ///     length cuts the SHA-256 versions of definitions, so a length beyond ``HashAlgorithm/textLengthMax`` is
    ///     allowed and keeps the record versions whole.
    public init?(algorithm: HashAlgorithm, truncation: Int) {
        guard Self.truncationMin...Self.truncationMax ~= truncation else { return nil }
        self.init(known: algorithm, truncation: truncation)
    }

    private init(known algorithm: HashAlgorithm, truncation: Int) {
        self.algorithm = algorithm
        self.truncation = truncation
    }

    /// Whether PostgreSQL has the digest, so that it can compute what records should be.
    public var isKnownToDatabase: Bool { algorithm == .md5 || algorithm == .sha256 }

    /// The SHA-256 that definitions are versioned with, cut to the same length.
    var definitions: RecordHash { RecordHash(known: .sha256, truncation: truncation) }

    /// The text form of the digest of `bytes`, cut to ``truncation`` characters.
    ///
    /// - Complexity: O(bytes); the result is the only allocation.
    public func digest(_ bytes: [UInt8]) -> String {
        withText(of: bytes) { text in
            String(unsafeUninitializedCapacity: text.count) { $0.initialize(fromContentsOf: text) }
        }
    }

    /// Appends the text form of the digest of `bytes`, cut to ``truncation`` characters.
    ///
    /// - Complexity: O(bytes); allocates nothing but room in `output`.
    public func digest(_ bytes: [UInt8], into output: inout [UInt8]) {
        withText(of: bytes) { output.append(contentsOf: $0) }
    }

    private func withText<T>(of bytes: [UInt8], _ body: (UnsafeBufferPointer<UInt8>) -> T) -> T {
        bytes.withUnsafeBytes { input in
            switch algorithm {
            case .md5: hex(16, body) { cdigest_md5(input.baseAddress, input.count, $0) }
            case .sha256: hex(32, body) { cdigest_sha256(input.baseAddress, input.count, $0) }
            case .xxhash32: decimal(UInt64(cdigest_xxhash32(input.baseAddress, input.count)), body)
            case .xxhash64: decimal(cdigest_xxhash64(input.baseAddress, input.count), body)
            }
        }
    }

    private func hex<T>(
        _ byteCount: Int, _ body: (UnsafeBufferPointer<UInt8>) -> T, _ fill: (UnsafeMutablePointer<UInt8>) -> Void
    ) -> T {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: byteCount * 3) { bytes in
            // The digest lies behind its text. The allocation has at least one byte, so it has an address.
            let (text, digest) = (
                bytes[..<(byteCount * 2)], UnsafeMutableBufferPointer(rebasing: bytes[(byteCount * 2)...])
            )
            if let base = digest.baseAddress { fill(base) }
            for (index, byte) in digest.enumerated() {
                bytes[2 * index] = Self.digits[Int(byte >> 4)]
                bytes[2 * index + 1] = Self.digits[Int(byte & 15)]
            }
            return body(UnsafeBufferPointer(rebasing: text.prefix(truncation)))
        }
    }

    private static let digits = Array("0123456789abcdef".utf8)

    private func decimal<T>(_ value: UInt64, _ body: (UnsafeBufferPointer<UInt8>) -> T) -> T {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var rest = value
            var start = digits.count
            repeat {
                start -= 1
                digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest > 0
            return body(UnsafeBufferPointer(rebasing: digits[start...].prefix(truncation)))
        }
    }
}
