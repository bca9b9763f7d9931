// Decodes gzip in pieces, with bounds on what it may become.

import CZlib

/// A decoder of gzip data that comes in pieces (RFC 1952).
///
/// Feed a piece, take what it decodes to with `next` until that is nil, feed the next; at the end of the data call
/// `finish`. However far the data expands, one piece is held at a time.
@safe
public struct GzipDecoder: ~Copyable, @unchecked Sendable {
    // Unchecked: a pointer is not Sendable. Only this value has it, and the value cannot be copied.
    private let stream: UnsafeMutablePointer<z_stream>

    /// Output below this size is never refused for its ratio: short data may compress extremely well.
    private static let ratioSlackBytes = 64 * 1024

    private let outputBytesMax: Int
    private let ratioMax: Int
    private var input: [UInt8] = []
    private var position = 0
    private var inputBytes = 0
    private var outputBytes = 0
    /// A gzip member has begun and not ended.
    private var isInMember = false
    private var hasMember = false

    /// Creates a decoder.
    ///
    /// - Parameters:
    ///   - outputBytesMax: the most bytes the data may decode to.
    ///   - ratioMax: how many times its own size the data may decode to; deflate itself reaches 1,032.
    public init(outputBytesMax: Int, ratioMax: Int) {
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        self.outputBytesMax = outputBytesMax
        self.ratioMax = ratioMax
        // The arguments are right, so that only memory can lack; Swift does not outlive that either.
        precondition(unsafe zlib_begin_inflate(stream) == Z_OK, "out of memory")
    }

    deinit {
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// Gives the decoder the next piece of data; the last one has to be used up.
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
    /// - Parameter max: the largest piece to give, in bytes; at least 1.
    /// - Returns: the piece, never empty; nil when all that was fed is used up.
    /// - Throws: `.malformed`, `.tooLarge` or `.expandsTooMuch`; the decoder is of no use afterwards.
    public mutating func next(max: Int) throws(GzipError) -> [UInt8]? {
        while position < input.count || isInMember {
            let before = (position, outputBytes)
            let piece = try step(max)
            if !piece.isEmpty { return piece }
            // Neither consumed nor produced anything: zlib waits for more.
            if before == (position, outputBytes) { return nil }
        }
        return nil
    }

    /// Checks that the data was whole.
    ///
    /// - Throws: `.truncated`.
    public func finish() throws(GzipError) {
        guard hasMember, !isInMember, position == input.count else { throw .truncated }
    }

    private mutating func step(_ max: Int) throws(GzipError) -> [UInt8] {
        if !isInMember, hasMember {
            // RFC 1952 section 2.2: members follow one another; anything else after one fails as a member.
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
