// The content of a request, which its handler reads piece by piece.

/// The reason why the content of a request could not be read to its end.
public enum BodyError: Error, Equatable {
    /// The content is larger than `limit`, the number of bytes that the caller accepts.
    case tooLarge(limit: Int)
    /// The peer went away before the end.
    case disconnected
    /// The peer sends slower than `ProtocolLimits.contentRateMin` allows.
    case timeout
    /// The chunked coding is broken (RFC 9112 section 7.1).
    case malformed
    /// The content is not in the coding that `Content-Encoding` names (RFC 9110 section 8.4).
    case undecodable
    /// The content decodes to more than `ratio` times its size.
    case expandsTooMuch(ratio: Int)
}

/// The content of a request.
///
/// The server reads at most one buffer ahead of the handler, so a slow handler slows the sender down. The first call of
/// `next` also sends `100 Continue` when the client waits for it. A handler that refuses a request by its head alone
/// never invites the content.
public struct RequestBody: Sendable {
    /// The number of bytes announced by `Content-Length`; 0 when there is no content, nil for chunked content.
    public let declaredLength: Int?

    private enum Source {
        case pulled(@Sendable () async throws(BodyError) -> [UInt8]?)
        case whole(@Sendable () -> [UInt8]?)
    }

    private let source: Source

    /// Creates a body from a source of chunks.
    ///
    /// - Parameters:
    ///   - declaredLength: the number of bytes announced, nil when unknown.
    ///   - pull: returns the next chunk, which is never empty, and nil at the end; called by one task at a time.
    public init(declaredLength: Int?, pull: @escaping @Sendable () async throws(BodyError) -> [UInt8]?) {
        self.declaredLength = declaredLength
        source = .pulled(pull)
    }

    /// Creates a body whose content has already arrived.
    ///
    /// - Parameters:
    ///   - length: the number of bytes, 1 to 64 Ki.
    ///   - take: returns the content at the first call and nil afterwards; called by one task at a time.
    public init(length: Int, take: @escaping @Sendable () -> [UInt8]?) {
        declaredLength = length
        source = .whole(take)
    }

    /// The next chunk of the content, of at most 64 KiB; nil at the end.
    ///
    /// - Returns: the chunk, never empty.
    /// - Throws: `.disconnected`, `.timeout` or `.malformed`; the connection closes after the answer. Decoded content
    ///   also throws `.undecodable` and `.expandsTooMuch`.
    public func next() async throws(BodyError) -> [UInt8]? {
        switch source {
        case .pulled(let pull): try await pull()
        case .whole(let take): take()
        }
    }

    /// The whole content.
    ///
    /// - Parameter max: the largest accepted content, in bytes.
    /// - Returns: the content; empty when there is none.
    /// - Throws: `.tooLarge` at once when the client announces more, otherwise as soon as more has arrived; and the
    ///   errors of `next`.
    public func collect(max: Int) async throws(BodyError) -> [UInt8] {
        if let declaredLength, declaredLength > max { throw .tooLarge(limit: max) }
        if case .whole(let take) = source { return take() ?? [] }
        var content: [UInt8] = []
        content.reserveCapacity(declaredLength ?? 0)
        while let chunk = try await next() {
            guard content.count + chunk.count <= max else { throw .tooLarge(limit: max) }
            content.append(contentsOf: chunk)
        }
        return content
    }
}
