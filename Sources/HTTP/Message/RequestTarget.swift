// The request target in its four forms (RFC 9112 section 3.2, RFC 3986 section 3).

/// A checked request target, as positions in the head's bytes.
struct RequestTarget {
    let authority: Range<Int>?
    let path: Range<Int>
    let query: Range<Int>

    init(_ bytes: Span<UInt8>, _ target: Range<Int>, method: Method) throws(RequestError) {
        let first = bytes[target.lowerBound]
        if first == UInt8(ascii: "/") {
            // Section 3.2.1, origin-form.
            authority = nil
            (path, query) = try Self.pathAndQuery(bytes, target)
        } else if method == .connect {
            // Section 3.2.3, authority-form, is for CONNECT alone, which is refused after its head.
            guard Authority.isValid(bytes, target) else { throw .malformed("The target is not an authority.") }
            authority = target
            (path, query) = (target.upperBound..<target.upperBound, target.upperBound..<target.upperBound)
        } else if first == UInt8(ascii: "*"), target.count == 1 {
            // Section 3.2.4, asterisk-form, is for OPTIONS alone.
            guard method == .options else { throw .malformed("The target \"*\" is for OPTIONS only.") }
            authority = nil
            (path, query) = (target, target.upperBound..<target.upperBound)
        } else {
            // Section 3.2.2, absolute-form.
            let start = try Self.endOfScheme(bytes, target)
            var end = start
            while end < target.upperBound, bytes[end] != UInt8(ascii: "/"), bytes[end] != UInt8(ascii: "?") {
                end += 1
            }
            guard Authority.isValid(bytes, start..<end) else { throw .malformed("The target's authority is invalid.") }
            authority = start..<end
            (path, query) = try Self.pathAndQuery(bytes, end..<target.upperBound)
        }
    }

    private static func endOfScheme(_ bytes: Span<UInt8>, _ target: Range<Int>) throws(RequestError) -> Int {
        let start = target.lowerBound
        for (scheme, length) in [("http://" as StaticString, 7), ("https://", 8)]
        where target.count > length && bytes.equals(scheme, in: start..<start + length) {
            return start + length
        }
        throw .malformed("The target is neither a path nor an http URI.")
    }

    /// Checks each byte, and checks that percent-encoded text can be decoded.
    ///
    /// A path has to follow RFC 3986 section 3.3. A query may have any visible byte except "#", because people type
    /// such queries at curl, and browsers leave these bytes unencoded.
    private static func pathAndQuery(
        _ bytes: Span<UInt8>, _ range: Range<Int>
    ) throws(RequestError) -> (Range<Int>, Range<Int>) {
        var index = range.lowerBound
        var needsCloserLook = false
        var previous: UInt8 = 0
        while index < range.upperBound, bytes[index] != UInt8(ascii: "?") {
            let byte = bytes[index]
            guard Grammar.isPath(byte) || byte == UInt8(ascii: "%") else {
                throw .malformed("The path has a byte that has to be percent-encoded.")
            }
            if byte == UInt8(ascii: "%") || (byte == UInt8(ascii: ".") && previous == UInt8(ascii: "/")) {
                needsCloserLook = true
            }
            previous = byte
            index += 1
        }
        let path = range.lowerBound..<index
        if needsCloserLook { try checkSegments(bytes, path) }
        guard index < range.upperBound else { return (path, index..<index) }
        let query = index + 1..<range.upperBound
        for index in query where bytes[index] <= 0x20 || bytes[index] >= 0x7F || bytes[index] == UInt8(ascii: "#") {
            throw .malformed("The query has a byte that has to be percent-encoded.")
        }
        guard PercentCoding.isWellFormed(bytes, in: query) else {
            throw .malformed("The query's percent-encoding is broken, or does not decode to UTF-8.")
        }
        return (path, query)
    }

    /// A client or proxy that resolves "." and ".." (RFC 3986 section 5.2.4) would mean another resource than a server
    /// that does not. No resource has such a segment, encoded or not.
    private static func checkSegments(_ bytes: Span<UInt8>, _ path: Range<Int>) throws(RequestError) {
        guard PercentCoding.isWellFormed(bytes, in: path) else {
            throw .malformed("The path's percent-encoding is broken, or does not decode to UTF-8.")
        }
        for segment in PercentCoding.segments(of: bytes, in: path) where segment == "." || segment == ".." {
            throw .malformed("The path has a segment \".\" or \"..\".")
        }
    }
}
