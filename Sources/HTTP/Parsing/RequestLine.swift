// The request line: method, target and version (RFC 9112 section 3).

/// A checked request line, as positions in the head's bytes.
struct RequestLine: Sendable {
    let method: Method
    let version: HTTPVersion
    let target: Range<UInt32>
    /// The authority of a target in absolute form.
    let authority: Range<UInt32>?
    let path: Range<UInt32>
    let query: Range<UInt32>

    /// RFC 9112 section 3: request-line = method SP request-target SP HTTP-version, with exactly one space each.
    init(_ bytes: Span<UInt8>, _ line: Range<Int>, limits: CheckedLimits) throws(RequestError) {
        try Self.checkStart(bytes, line, limits: limits)
        var index = line.lowerBound
        while index < line.upperBound, Grammar.isToken(bytes[index]) {
            index += 1
        }
        let methodRange = line.lowerBound..<index
        guard !methodRange.isEmpty, index < line.upperBound, bytes[index] == Grammar.space else {
            throw .malformed("The request line does not start with a method and a space.")
        }
        // The rest is read from right to left, so that a space inside the target fails as a byte of the target.
        let versionStart = line.upperBound - 8
        guard versionStart - 2 > index, bytes[versionStart - 1] == Grammar.space else {
            throw .malformed("The request line does not end with a space and a version.")
        }
        version = try Self.version(bytes, at: versionStart)
        method = Self.method(bytes, methodRange)
        let targetRange = index + 1..<versionStart - 1
        let form = try RequestTarget(bytes, targetRange, method: method)
        target = Range(narrowing: targetRange)
        authority = form.authority.map { Range(narrowing: $0) }
        path = Range(narrowing: form.path)
        query = Range(narrowing: form.query)
    }

    /// Checks an incomplete line. RFC 9112 section 3: a method longer than any known one is 501, and a target longer
    /// than the limit is 414. Bytes that are no token, such as a TLS handshake on a plain port, start no request line.
    ///
    /// - Parameter line: the line so far; its first byte exists even where the range is empty.
    static func checkStart(_ bytes: Span<UInt8>, _ line: Range<Int>, limits: CheckedLimits) throws(RequestError) {
        guard Grammar.isToken(bytes[line.lowerBound]) else {
            throw .malformed("The request line does not start with a method.")
        }
        guard line.count > limits.values.methodBytesMax else { return }
        let start = line.lowerBound
        var index = start
        while index <= start + limits.values.methodBytesMax, bytes[index] != Grammar.space {
            index += 1
        }
        guard index <= start + limits.values.methodBytesMax else {
            throw RequestError(.notImplemented, "Unknown method.")
        }
        guard line.count <= limits.values.requestLineBytesMax else {
            throw RequestError(
                .uriTooLong, "The request line is longer than \(limits.values.requestLineBytesMax) bytes.")
        }
    }

    /// RFC 9112 section 2.3: HTTP-version = "HTTP" "/" DIGIT "." DIGIT, case-sensitive.
    private static func version(_ bytes: Span<UInt8>, at start: Int) throws(RequestError) -> HTTPVersion {
        guard bytes[start] == UInt8(ascii: "H"), bytes[start + 1] == UInt8(ascii: "T"),
            bytes[start + 2] == UInt8(ascii: "T"), bytes[start + 3] == UInt8(ascii: "P"),
            bytes[start + 4] == UInt8(ascii: "/"), Grammar.isDigit(bytes[start + 5]),
            bytes[start + 6] == UInt8(ascii: "."), Grammar.isDigit(bytes[start + 7])
        else {
            throw .malformed("The request line does not end with a version.")
        }
        guard bytes[start + 5] == UInt8(ascii: "1") else {
            throw RequestError(.versionNotSupported, "Only HTTP/1.1 and HTTP/1.0 are spoken here.")
        }
        return bytes[start + 7] == UInt8(ascii: "0") ? .http10 : .http11
    }

    private static func method(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Method {
        let first = bytes[range.lowerBound]
        if range.count == 3, first == UInt8(ascii: "G"), bytes[range.lowerBound + 1] == UInt8(ascii: "E"),
            bytes[range.lowerBound + 2] == UInt8(ascii: "T")
        {
            return .get
        }
        return Method(String(decoding: bytes.copy(range), as: UTF8.self))
    }
}
