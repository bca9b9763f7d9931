// Parses the field lines of a head, and checks those that frame the message (RFC 9112 sections 5 and 6).

/// Collects field lines as they are read, and interprets the fields that the protocol itself uses.
struct FieldSection: Sendable {
    /// The position of the first field line.
    var start = 0
    private(set) var entries: [HeaderFields.Entry] = []
    private(set) var hasClose = false
    private(set) var hasContinue = false
    private(set) var hasUnknownExpectation = false
    private var host: Range<UInt32>?
    private var contentLength: Int?
    private var transferCoding: TransferCoding?

    private enum TransferCoding {
        case chunked
        /// Codings before a final chunked one.
        case unknown
    }

    /// RFC 9112 section 5: field-line = field-name ":" OWS field-value OWS.
    mutating func take(_ bytes: Span<UInt8>, _ line: Range<Int>, limits: CheckedLimits) throws(RequestError) {
        try checkLength(upTo: line.upperBound + 2, limits: limits)
        guard entries.count < limits.values.fieldsMax else {
            throw RequestError(.headerFieldsTooLarge, "There are more than \(limits.values.fieldsMax) header fields.")
        }
        var colon = line.lowerBound
        while colon < line.upperBound, Grammar.isToken(bytes[colon]) {
            colon += 1
        }
        // Section 5.1: no white space before the colon. Section 5.2: no line folding, which would start with a space.
        guard colon > line.lowerBound, colon < line.upperBound, bytes[colon] == UInt8(ascii: ":") else {
            throw .malformed("A header field line does not start with a name and a colon.")
        }
        let value = bytes.trimmed(colon + 1..<line.upperBound)
        for index in value where !Grammar.isFieldValue(bytes[index]) {
            throw .malformed("A header field value has a control character.")
        }
        let name = line.lowerBound..<colon
        if entries.isEmpty { entries.reserveCapacity(8) }
        entries.append(HeaderFields.Entry(name: Range(narrowing: name), value: Range(narrowing: value)))
        try interpret(bytes, name, value)
    }

    /// Checks the bytes of all lines so far, with their CRLFs.
    func checkLength(upTo end: Int, limits: CheckedLimits) throws(RequestError) {
        guard end - start <= limits.values.fieldBytesMax else {
            throw RequestError(
                .headerFieldsTooLarge, "The header fields have more than \(limits.values.fieldBytesMax) bytes.")
        }
    }

    private mutating func interpret(
        _ bytes: Span<UInt8>, _ name: Range<Int>, _ value: Range<Int>
    ) throws(RequestError) {
        switch name.count {
        case 4 where bytes.equals("host", in: name):
            // RFC 9112 section 3.2: more than one Host, or an invalid one, is 400.
            guard host == nil else { throw .malformed("There is more than one Host field.") }
            guard Authority.isValid(bytes, value) else { throw .malformed("The Host field is invalid.") }
            host = Range(narrowing: value)
        case 6 where bytes.equals("expect", in: name):
            bytes.forEachListElement(in: value) { element in
                if bytes.equals("100-continue", in: element) {
                    hasContinue = true
                } else {
                    hasUnknownExpectation = true
                }
            }
        case 10 where bytes.equals("connection", in: name):
            bytes.forEachListElement(in: value) { hasClose = hasClose || bytes.equals("close", in: $0) }
        case 14 where bytes.equals("content-length", in: name):
            // RFC 9112 section 6.3 rule 5 allows a list of equal lengths, but no honest client sends one.
            guard contentLength == nil else { throw .malformed("There is more than one Content-Length field.") }
            contentLength = try Self.length(bytes, value)
        case 17 where bytes.equals("transfer-encoding", in: name):
            guard transferCoding == nil else { throw .malformed("There is more than one Transfer-Encoding field.") }
            transferCoding = try Self.coding(bytes, value)
        default:
            break
        }
    }

    /// RFC 9110 section 8.6: Content-Length = 1*DIGIT.
    private static func length(_ bytes: Span<UInt8>, _ value: Range<Int>) throws(RequestError) -> Int {
        guard !value.isEmpty else { throw .malformed("Content-Length is not a number.") }
        var length = 0
        for index in value {
            guard Grammar.isDigit(bytes[index]) else { throw .malformed("Content-Length is not a number.") }
            let (tens, overflowTens) = length.multipliedReportingOverflow(by: 10)
            let (sum, overflowSum) = tens.addingReportingOverflow(Int(bytes[index] - 0x30))
            guard !overflowTens, !overflowSum else {
                throw RequestError(.contentTooLarge, "Content-Length is larger than any content can be.")
            }
            length = sum
        }
        return length
    }

    /// RFC 9112 sections 6.1 and 6.3 rule 4: chunked has to come exactly once and last, or the length is unknown (400).
    /// An unknown coding before it is 501.
    private static func coding(_ bytes: Span<UInt8>, _ value: Range<Int>) throws(RequestError) -> TransferCoding {
        if bytes.equals("chunked", in: value) { return .chunked }
        var elements = 0
        var chunked = 0
        var endsChunked = false
        bytes.forEachListElement(in: value) { element in
            elements += 1
            endsChunked = bytes.equals("chunked", in: element)
            chunked += endsChunked ? 1 : 0
        }
        guard endsChunked, chunked == 1, elements > 1, bytes[value.lowerBound] != UInt8(ascii: ",") else {
            throw .malformed("The last transfer coding is not chunked.")
        }
        return .unknown
    }

    /// The framing of the content (RFC 9112 section 6.3).
    func content(version: HTTPVersion) throws(RequestError) -> ParsedHead.Content {
        guard let transferCoding else {
            // Rules 6 and 7: Content-Length, otherwise there is no content.
            return contentLength.map { $0 == 0 ? .none : .length($0) } ?? .none
        }
        // Rule 3: both fields together are an error or an attempt at request smuggling.
        guard contentLength == nil else {
            throw .malformed("Content-Length and Transfer-Encoding are both there.")
        }
        // Section 6.1: a client of HTTP/1.0 that sends Transfer-Encoding has broken framing.
        guard version == .http11 else { throw .malformed("HTTP/1.0 has no Transfer-Encoding.") }
        guard transferCoding == .chunked else {
            throw RequestError(.notImplemented, "The only transfer coding taken is chunked.")
        }
        return .chunked
    }

    /// RFC 9112 sections 3.2 and 3.2.2: HTTP/1.1 needs Host; a target in absolute form overrides it.
    func authority(_ line: RequestLine) throws(RequestError) -> Range<UInt32> {
        guard host != nil || line.version == .http10 else { throw .malformed("The Host field is missing.") }
        return line.authority ?? host ?? 0..<0
    }
}
