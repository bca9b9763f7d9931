// Bodies that come compressed, decoded as they are read.

import Gzip
import HTTP
import Synchronization

/// What was done to a body before it was sent.
enum ContentCoding {
    /// Nothing.
    case identity
    /// gzip, once (RFC 9110 section 8.4.1.3).
    case gzip
    /// What this server does not undo.
    case other
}

extension RequestHead {
    /// The coding of the body, as `Content-Encoding` says.
    var contentCoding: ContentCoding {
        switch headers["Content-Encoding"]?.lowercased() {
        case nil, "identity": .identity
        case "gzip", "x-gzip": .gzip
        default: .other
        }
    }
}

extension Request {
    /// The request with a body that is decoded as it is read; the bounds on bodies then hold for what they decode to.
    func decoded() -> Request {
        guard body.declaredLength != 0, head.contentCoding == .gzip else { return self }
        let content = GzipContent(body)
        let decoded = RequestBody(declaredLength: nil) { () async throws(BodyError) in try await content.next() }
        return with(decoded)
    }
}

/// A gzip body on its way: a piece of it is decoded when the reader asks for one.
private final class GzipContent: Sendable {
    /// As much as the body itself gives at a time.
    private static let pieceBytes = 64 * 1_024

    private let source: RequestBody
    private let decoder = Mutex(GzipDecoder(outputBytesMax: .max, ratioMax: RequestLimits.expansionMax))

    init(_ source: RequestBody) {
        self.source = source
    }

    /// The next piece of what the body decodes to, nil at its end.
    func next() async throws(BodyError) -> [UInt8]? {
        while true {
            if let piece = try decode() {
                // A few bytes may decode to a lot: others get their turn in between.
                await Task.yield()
                return piece
            }
            guard let chunk = try await source.next() else {
                try finish()
                return nil
            }
            decoder.withLock { $0.feed(chunk) }
        }
    }

    private func decode() throws(BodyError) -> [UInt8]? {
        do {
            return try decoder.withLock { (decoder) throws(GzipError) in try decoder.next(max: Self.pieceBytes) }
        } catch {
            throw BodyError(error)
        }
    }

    private func finish() throws(BodyError) {
        do {
            try decoder.withLock { (decoder) throws(GzipError) in try decoder.finish() }
        } catch {
            throw BodyError(error)
        }
    }
}

extension BodyError {
    fileprivate init(_ error: GzipError) {
        switch error {
        case .malformed, .truncated: self = .undecodable
        case .expandsTooMuch(let ratio): self = .expandsTooMuch(ratio: ratio)
        case .tooLarge(let limit): self = .tooLarge(limit: limit)
        }
    }
}
