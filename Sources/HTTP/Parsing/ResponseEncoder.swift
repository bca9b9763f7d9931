// Writes the head of a response and the chunks of its content (RFC 9112 sections 4, 6 and 7.1).

/// Encodes responses.
public enum ResponseEncoder {
    /// The framing of a response's content (RFC 9112 section 6.3).
    public enum Framing: Equatable, Sendable {
        /// There is no content and the status allows none: no framing field.
        case none
        /// `Content-Length`.
        case length(Int)
        /// `Transfer-Encoding: chunked`.
        case chunked
        /// The end of the connection ends the content: the only framing of HTTP/1.0 for content of unknown length.
        case untilClose
    }

    /// The framing of a response's content.
    ///
    /// - Parameters:
    ///   - response: the response.
    ///   - version: the client's protocol version.
    /// - Returns: the framing.
    public static func framing(of response: Response, to version: HTTPVersion) -> Framing {
        guard !response.status.forbidsBody else { return .none }
        switch response.body {
        case .empty: return .length(0)
        case .bytes(let bytes): return .length(bytes.count)
        case .stream: return version == .http11 ? .chunked : .untilClose
        }
    }

    /// Appends status line, header fields and the empty line.
    ///
    /// Field lines named `Date`, `Content-Length`, `Transfer-Encoding` or `Connection` are omitted, because the encoder
    /// writes these itself.
    ///
    /// - Parameters:
    ///   - response: the response.
    ///   - framing: the framing of the content.
    ///   - closes: whether to write `Connection: close`.
    ///   - date: the line `Date: …` with its CRLF.
    ///   - output: the buffer to append to.
    public static func appendHead(
        of response: Response, framing: Framing, closes: Bool, date: [UInt8], to output: inout [UInt8]
    ) {
        appendStatusLine(response.status, to: &output)
        appendFields(response.headers, to: &output)
        response.hexField?.append(to: &output)
        output.append(bytes: date)
        switch framing {
        case .none, .untilClose:
            break
        case .length(let length):
            output.append("Content-Length: ")
            output.append(decimal: length)
            output.append("\r\n")
        case .chunked:
            output.append("Transfer-Encoding: chunked\r\n")
        }
        output.append(closes ? "Connection: close\r\n\r\n" : "\r\n")
    }

    /// The line `Date: …` with its CRLF.
    ///
    /// - Parameter seconds: since 1970-01-01 00:00:00 UTC.
    /// - Returns: the line.
    public static func dateLine(unixSeconds seconds: Int) -> [UInt8] {
        Array("Date: \(HTTPDate.text(unixSeconds: seconds))\r\n".utf8)
    }

    /// Appends `100 Continue`.
    ///
    /// - Parameter output: the buffer to append to.
    public static func appendContinue(to output: inout [UInt8]) {
        output.append("HTTP/1.1 100 Continue\r\n\r\n")
    }

    /// Appends the line before a chunk's data: its size and CRLF.
    ///
    /// - Parameters:
    ///   - size: the bytes of the chunk, at least 1.
    ///   - output: the buffer to append to.
    public static func appendChunkStart(size: Int, to output: inout [UInt8]) {
        precondition(size > 0, "an empty chunk would end the content")
        output.append(contentsOf: String(size, radix: 16).utf8)
        output.append("\r\n")
    }

    /// Appends the CRLF after a chunk's data.
    ///
    /// - Parameter output: the buffer to append to.
    public static func appendChunkEnd(to output: inout [UInt8]) {
        output.append("\r\n")
    }

    /// Appends the last chunk and an empty trailer section.
    ///
    /// - Parameter output: the buffer to append to.
    public static func appendLastChunk(to output: inout [UInt8]) {
        output.append("0\r\n\r\n")
    }

    private static func appendStatusLine(_ status: Status, to output: inout [UInt8]) {
        guard status.code != 200 else {
            output.append("HTTP/1.1 200 OK\r\n")
            return
        }
        output.append("HTTP/1.1 ")
        output.append(decimal: Int(status.code))
        output.append(Grammar.space)
        output.append(contentsOf: status.reason.utf8)
        output.append("\r\n")
    }

    private static func appendFields(_ fields: HeaderFields, to output: inout [UInt8]) {
        // Usually this copies the whole block at once.
        guard fields.isBlock, !fields.entries.contains(where: { isReserved(fields, $0.name) }) else {
            for entry in fields.entries where !isReserved(fields, entry.name) {
                output.append(contentsOf: fields.bytes[Int(entry.name.lowerBound)..<Int(entry.value.upperBound)])
                output.append("\r\n")
            }
            return
        }
        output.append(bytes: fields.bytes)
    }

    private static func isReserved(_ fields: HeaderFields, _ name: Range<UInt32>) -> Bool {
        let reserved: StaticString
        switch name.count {
        case 4: reserved = "date"
        case 10: reserved = "connection"
        case 14: reserved = "content-length"
        case 17: reserved = "transfer-encoding"
        default: return false
        }
        return fields.bytes.span.equals(reserved, in: name.widened)
    }
}

extension [UInt8] {
    /// Appends bytes without the reference count that `append(contentsOf:)` takes on its source.
    fileprivate mutating func append(bytes: borrowing [UInt8]) {
        bytes.withUnsafeBufferPointer { append(contentsOf: $0) }
    }

    fileprivate mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { append(contentsOf: $0) }
    }

    /// Appends a number that is not negative.
    fileprivate mutating func append(decimal number: Int) {
        guard number >= 10 else {
            append(UInt8(ascii: "0") + UInt8(number))
            return
        }
        append(decimal: number / 10)
        append(UInt8(ascii: "0") + UInt8(number % 10))
    }
}
