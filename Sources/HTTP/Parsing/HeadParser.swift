// Parses the head of a request as its bytes arrive (RFC 9112 sections 2 to 6).

/// Parses one request head at a time from a buffer that grows.
///
/// The buffer starts at the same byte until a head is complete. The parser looks at each byte once, so that its work is
/// linear in the bytes however they arrive.
public struct HeadParser: Sendable {
    /// The start of the current line, and the position up to which it has no line feed.
    private var lineStart = 0
    private var scanned = 0
    private var emptyLines = 0
    private var requestLine: RequestLine?
    private var fields = FieldSection()

    /// Creates a parser at the start of a message.
    public init() {}

    /// Whether no byte of a request line has been seen.
    public var isAtStart: Bool {
        scanned == 0
    }

    /// Continues to parse a head.
    ///
    /// - Parameters:
    ///   - bytes: all bytes since the end of the last message; those of the last call are unchanged.
    ///   - limits: the limits on a head.
    /// - Returns: the head, after which the parser is ready for the next one; nil while its end has not arrived.
    /// - Throws: 400, 414, 417, 431, 501 or 505.
    /// - Complexity: O(new bytes).
    public mutating func parse(_ bytes: Span<UInt8>, limits: CheckedLimits) throws(RequestError) -> ParsedHead? {
        while let lineFeed = bytes.firstLineFeed(from: scanned) {
            // RFC 9112 section 2.2 allows a recipient to accept a bare LF as a line's end. This parser does not,
            // because intermediaries disagree about it. A CR anywhere else fails as a byte of the line.
            guard lineFeed > lineStart, bytes[lineFeed - 1] == Grammar.cr else {
                try checkPartialLine(bytes, upTo: lineFeed, limits)
                throw .malformed("A line ends with LF that no CR precedes.")
            }
            let line = lineStart..<lineFeed - 1
            lineStart = lineFeed + 1
            scanned = lineStart
            if requestLine == nil {
                try takeRequestLine(bytes, line, limits)
            } else if line.isEmpty {
                return try finish(bytes)
            } else {
                try fields.take(bytes, line, limits: limits)
            }
        }
        scanned = bytes.count
        try checkPartialLine(bytes, upTo: scanned, limits)
        return nil
    }

    private mutating func takeRequestLine(
        _ bytes: Span<UInt8>, _ line: Range<Int>, _ limits: CheckedLimits
    ) throws(RequestError) {
        if line.isEmpty {
            // RFC 9112 section 2.2: a server ignores at least one empty line before the request line.
            emptyLines += 1
            guard emptyLines <= limits.values.emptyLinesMax else { throw .malformed("Too many empty lines.") }
            return
        }
        requestLine = try RequestLine(bytes, line, limits: limits)
        fields.start = lineStart
    }

    /// Refuses a line that can no longer become valid, so that a peer cannot make the buffer grow without end. The
    /// status is the same as when the whole line arrives at once.
    private func checkPartialLine(_ bytes: Span<UInt8>, upTo end: Int, _ limits: CheckedLimits) throws(RequestError) {
        // A CR alone may be half of an empty line.
        guard lineStart < end, end - lineStart > 1 || bytes[lineStart] != Grammar.cr else { return }
        if requestLine == nil {
            // The last byte may be half of the line's end.
            try RequestLine.checkStart(bytes, lineStart..<end - 1, limits: limits)
        } else {
            try fields.checkLength(upTo: end, limits: limits)
        }
    }

    private mutating func finish(_ bytes: Span<UInt8>) throws(RequestError) -> ParsedHead {
        guard let line = requestLine else { preconditionFailure("fields follow a request line") }
        let end = lineStart
        let authority = try fields.authority(line)
        let content = try fields.content(version: line.version)
        guard !fields.hasUnknownExpectation else {
            throw RequestError(.expectationFailed, "The only expectation that is met is 100-continue.")
        }
        // RFC 9110 section 9.3.6: CONNECT asks for a tunnel, which the server does not offer.
        guard line.method != .connect else { throw RequestError(.notImplemented, "CONNECT is not implemented.") }
        let parsed = ParsedHead(
            head: RequestHead(
                method: line.method, version: line.version,
                headers: HeaderFields(bytes: bytes.copy(0..<end), entries: fields.entries),
                targetRange: line.target, authorityRange: authority, pathRange: line.path, queryRange: line.query),
            content: content,
            keepsAlive: line.version == .http11 && !fields.hasClose,
            // RFC 9110 section 10.1.1: ignored in HTTP/1.0, and useless without content.
            expectsContinue: fields.hasContinue && line.version == .http11 && content != .none,
            consumed: end)
        self = HeadParser()
        return parsed
    }
}
