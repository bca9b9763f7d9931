// Answers that leave compressed, where the client likes that.

import Gzip
import HTTP
import Synchronization

extension Response {
    /// Bytes that are compressed at once; more are compressed piece by piece as they leave, so that a large page does
    /// not keep the event loop from its other connections.
    private static let compressedAtOnceMax = 64 * 1_024

    /// The answer in the coding that the client prefers.
    ///
    /// One with an `ETag` stays as it is: a strong validator stands for one sequence of bytes (RFC 9110 section 8.8.3.3).
    consuming func coded(for head: RequestHead) -> Response {
        switch body {
        case .empty: return self
        case .bytes(let bytes) where bytes.count < RequestLimits.compressedBytesMin: return self
        case .bytes, .stream: break
        }
        guard headers["ETag"] == nil else { return self }
        let content = body
        var response = with("Vary", "Accept-Encoding")
        guard AcceptEncoding.prefersGzip(head.headers["Accept-Encoding"]) else { return response }
        response.headers.append("Content-Encoding", "gzip")
        switch content {
        case .empty: break
        case .bytes(let bytes) where bytes.count <= Self.compressedAtOnceMax:
            var encoder = GzipEncoder(level: GzipAnswer.level)
            response.body = .bytes(encoder.encode(bytes) + encoder.finish())
        case .bytes(let bytes):
            response.body = .stream { writer in await GzipAnswer(writer).write(bytes, each: Self.compressedAtOnceMax) }
        case .stream(let write):
            response.body = .stream { writer in await GzipAnswer(writer).run(write) }
        }
        return response
    }
}

/// A compressed answer on its way.
private final class GzipAnswer: Sendable {
    /// Fast: a row of 200 bytes costs 1.7 µs, and 3.7 µs at level 6, which takes 7 % fewer bytes.
    static let level = 1

    private let writer: ResponseWriter
    private let encoder = Mutex(GzipEncoder(level: level))

    init(_ writer: ResponseWriter) {
        self.writer = writer
    }

    /// Streams what `write` writes.
    func run(_ write: @Sendable (ResponseWriter) async -> StreamEnd) async -> StreamEnd {
        let coded = ResponseWriter { (bytes) async throws(Disconnected) in try await self.send(bytes) }
        let end = await write(coded)
        do throws(Disconnected) {
            switch end {
            case .finished: try await writer.write(encoder.withLock { $0.finish() })
            // What was said last says why it broke off: it has to arrive, and the coding stays without its end.
            case .aborted: try await writer.write(encoder.withLock { $0.flush() })
            }
        } catch {
            return .aborted
        }
        return end
    }

    /// Streams bytes that are all there.
    func write(_ bytes: [UInt8], each pieceBytes: Int) async -> StreamEnd {
        await run { writer in
            for start in stride(from: 0, to: bytes.count, by: pieceBytes) {
                do throws(Disconnected) {
                    try await writer.write(Array(bytes[start..<min(start + pieceBytes, bytes.count)]))
                } catch {
                    return .aborted
                }
                await Task.yield()
            }
            return .finished
        }
    }

    private func send(_ bytes: [UInt8]) async throws(Disconnected) {
        try await writer.write(encoder.withLock { $0.encode(bytes) })
    }
}
