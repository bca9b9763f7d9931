// Decodes gzip in pieces, with bounds on the decoded size and on the expansion ratio.

import CZlib

/// A decoder of gzip data that arrives in pieces (RFC 1952).
///
/// Feed a piece, call `next` until it returns nil, and feed the next piece. Call `finish` at the end of the data. The
/// decoder holds one decoded piece at a time, however far the data expands.
@safe
public struct GzipDecoder: ~Copyable, @unchecked Sendable {
    // Unchecked: a pointer is not Sendable. Only this value has it, and the value cannot be copied.
    private let stream: UnsafeMutablePointer<z_stream>

    /// The decoded size from which the ratio is checked: short data may compress extremely well.
    private static let ratioSlackBytes = 64 * 1024

    private let outputBytesMax: Int
    private let ratioMax: Int
    private var input: [UInt8] = []
    private var position = 0
    private var inputBytes = 0
    private var outputBytes = 0
    /// Whether a gzip member has begun and not ended.
    private var isInMember = false
    private var hasMember = false

    /// Creates a decoder.
    ///
    /// - Parameters:
    ///   - outputBytesMax: the limit of the decoded size, in bytes.
    ///   - ratioMax: the limit of the decoded size as a multiple of the encoded size. Deflate reaches at most 1,032.
    public init(outputBytesMax: Int, ratioMax: Int) {
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        self.outputBytesMax = outputBytesMax
        self.ratioMax = ratioMax
        // The arguments are valid, so only a lack of memory remains, which Swift does not survive either.
        precondition(unsafe zlib_begin_inflate(stream) == Z_OK, "out of memory")
    }

    deinit {
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// Feeds the next piece of data. The last piece has to be used up.
    ///
    /// - Parameter bytes: the piece.
    public mutating func feed(_ bytes: [UInt8]) {
        precondition(position == input.count, "what was fed before has to be decoded first")
        input = bytes
        position = 0
        inputBytes += bytes.count
    }

    /// Decodes the next piece.
    ///
    /// - Parameter max: the largest size of the piece, in bytes; at least 1.
    /// - Returns: the piece, never empty; nil when the fed data is used up.
    /// - Throws: `.malformed`, `.tooLarge` or `.expandsTooMuch`. The decoder cannot be used afterwards.
    public mutating func next(max: Int) throws(GzipError) -> [UInt8]? {
        while position < input.count || isInMember {
            let before = (position, outputBytes)
            let piece = try step(max)
            if !piece.isEmpty { return piece }
            // Without input consumed or output produced, zlib waits for more.
            if before == (position, outputBytes) { return nil }
        }
        return nil
    }

    /// Checks that the data was complete.
    ///
    /// - Throws: `.truncated`.
    public func finish() throws(GzipError) {
        guard hasMember, !isInMember, position == input.count else { throw .truncated }
    }

    private mutating func step(_ max: Int) throws(GzipError) -> [UInt8] {
        if !isInMember, hasMember {
            // RFC 1952 section 2.2: members follow one another. Any other data after a member fails as a member.
            guard unsafe inflateReset(stream) == Z_OK else { throw .malformed }
        }
        isInMember = true
        hasMember = true
        var status = Z_OK
        let rest = input.count - position
        var left = rest
        let piece = unsafe [UInt8](unsafeUninitializedCapacity: max) { output, count in
            unsafe input.withUnsafeMutableBytes { bytes in
                unsafe stream.pointee.next_in = UnsafeMutableRawBufferPointer(rebasing: bytes[position...]).baseAddress?
                    .assumingMemoryBound(to: UInt8.self)
                unsafe stream.pointee.avail_in = UInt32(rest)
                unsafe stream.pointee.next_out = output.baseAddress
                unsafe stream.pointee.avail_out = UInt32(max)
                status = unsafe inflate(stream, Z_NO_FLUSH)
                left = unsafe Int(stream.pointee.avail_in)
                count = unsafe max - Int(stream.pointee.avail_out)
            }
        }
        position = input.count - left
        outputBytes += piece.count
        switch status {
        case Z_STREAM_END: isInMember = false
        case Z_OK, Z_BUF_ERROR: break
        default: throw .malformed
        }
        guard outputBytes <= outputBytesMax else { throw .tooLarge(limit: outputBytesMax) }
        guard outputBytes <= Self.ratioSlackBytes || outputBytes / ratioMax <= inputBytes else {
            throw .expandsTooMuch(ratio: ratioMax)
        }
        return piece
    }
}
