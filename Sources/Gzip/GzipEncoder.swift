// Encodes gzip in pieces.

import CZlib

/// An encoder of gzip data in pieces (RFC 1952).
@safe
public struct GzipEncoder: ~Copyable, @unchecked Sendable {
    // Unchecked: a pointer is not Sendable. Only this value has it, and the value cannot be copied.
    private let stream: UnsafeMutablePointer<z_stream>
    private var isFinished = false

    /// Creates an encoder; it takes about 270 KB of memory.
    ///
    /// - Parameter level: 1, fastest, to 9, smallest.
    public init(level: Int) {
        precondition((1...9).contains(level), "zlib has levels 1 to 9")
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        precondition(unsafe zlib_begin_deflate(stream, Int32(level)) == Z_OK, "out of memory")
    }

    deinit {
        unsafe deflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// Encodes a piece.
    ///
    /// - Parameter bytes: the piece.
    /// - Returns: the encoded bytes so far, often none: the encoder keeps data that it may still compress better.
    public mutating func encode(_ bytes: [UInt8]) -> [UInt8] {
        run(bytes, Z_NO_FLUSH)
    }

    /// Returns all encoded bytes, so that the reader can decode them now. This costs some compression.
    ///
    /// - Returns: the bytes.
    public mutating func flush() -> [UInt8] {
        run([], Z_SYNC_FLUSH)
    }

    /// Ends the data.
    ///
    /// - Returns: the last bytes.
    public mutating func finish() -> [UInt8] {
        defer { isFinished = true }
        return run([], Z_FINISH)
    }

    private mutating func run(_ bytes: [UInt8], _ mode: Int32) -> [UInt8] {
        precondition(!isFinished, "nothing follows the end of the data")
        var output: [UInt8] = []
        var input = bytes
        unsafe input.withUnsafeMutableBytes { bytes in
            unsafe stream.pointee.next_in = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
            unsafe stream.pointee.avail_in = UInt32(bytes.count)
            while true {
                let piece = unsafe [UInt8](unsafeUninitializedCapacity: 16 * 1024) { buffer, count in
                    unsafe stream.pointee.next_out = buffer.baseAddress
                    unsafe stream.pointee.avail_out = UInt32(buffer.count)
                    // This call fails only when there is nothing to do, which ends the loop.
                    _ = unsafe deflate(stream, mode)
                    count = unsafe buffer.count - Int(stream.pointee.avail_out)
                }
                output += piece
                // zlib.h: if output leaves room in the buffer, it was the last.
                if unsafe stream.pointee.avail_out != 0 { return }
            }
        }
        return output
    }
}
