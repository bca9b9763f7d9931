// Why gzip data was refused.

/// Compressed data that cannot, or may not, be decoded.
public enum GzipError: Error, Equatable {
    /// It is not gzip, or its checksum or length is wrong (RFC 1952).
    case malformed
    /// It ends in the middle.
    case truncated
    /// It decodes to more bytes than the limit.
    case tooLarge(limit: Int)
    /// It decodes to more than so many times its own size.
    case expandsTooMuch(ratio: Int)
}
