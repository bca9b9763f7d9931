// The reasons why gzip data is refused.

/// Compressed data that cannot be decoded, or that exceeds a limit.
public enum GzipError: Error, Equatable {
    /// The data is not gzip, or its checksum or length is wrong (RFC 1952).
    case malformed
    /// The data ends in the middle of a gzip member.
    case truncated
    /// The decoded data exceeds the limit.
    case tooLarge(limit: Int)
    /// The decoded size exceeds the limit of the expansion ratio.
    case expandsTooMuch(ratio: Int)
}
