// Decodes the chunked transfer coding as its bytes arrive (RFC 9112 section 7.1).

/// A strict decoder of chunked content.
///
/// The decoder stores no bytes. It checks lines byte by byte, and returns data as positions in the caller's buffer.
/// Each LF needs its CR, a size consists of hexadecimal digits only, and extensions must not contain white space.
public struct ChunkedDecoder: Equatable, Sendable {
    /// The result of a step.
    public enum Step: Equatable, Sendable {
        /// Content, as positions in the buffer.
        case data(Range<Int>)
        /// The buffer is used up.
        case needsMore
        /// The last chunk and its trailer section have ended; the position is after them.
        case end
    }

    private enum State: Equatable {
        case sizeStart, size
        case extensionName(isEmpty: Bool), extensionValue(isEmpty: Bool), quoted, quotedPair, afterQuoted
        case sizeLineFeed
        case data, dataReturn, dataLineFeed
        case trailerStart, trailerName, trailerValue, trailerLineFeed, endLineFeed, ended
    }

    private var state = State.sizeStart
    /// The size being read, then the bytes of the chunk that are still to come.
    private var remaining = 0
    private var lineBytes = 0
    private var extensionBytes = 0
    private var trailerBytes = 0

    /// Creates a decoder at the start of the first chunk.
    public init() {}

    /// Continues to decode at `position`, and moves it over the decoded bytes.
    ///
    /// - Parameters:
    ///   - bytes: the buffer.
    ///   - position: the position to continue at.
    ///   - limits: the limits on lines, extensions, chunks, trailers, and on one piece of data given out.
    /// - Returns: data, the end, or that the buffer is used up.
    /// - Throws: 400 for invalid coding and for a line that exceeds a limit.
    /// - Complexity: O(bytes moved over), data aside.
    public mutating func next(
        _ bytes: Span<UInt8>, position: inout Int, limits: CheckedLimits
    ) throws(RequestError) -> Step {
        while position < bytes.count {
            if case .data = state {
                let end = position + min(remaining, bytes.count - position, limits.values.pieceBytesMax)
                let range = position..<end
                remaining -= range.count
                position = end
                if remaining == 0 { state = .dataReturn }
                return .data(range)
            }
            let byte = bytes[position]
            position += 1
            switch state {
            case .sizeStart, .size, .extensionName, .extensionValue, .quoted, .quotedPair, .afterQuoted, .sizeLineFeed:
                try takeSizeLine(byte, limits)
            case .dataReturn:
                guard byte == Grammar.cr else { throw .malformed("Chunk data is not followed by CRLF.") }
                state = .dataLineFeed
            case .dataLineFeed:
                guard byte == Grammar.lf else { throw .malformed("Chunk data is not followed by CRLF.") }
                state = .sizeStart
            case .trailerStart, .trailerName, .trailerValue, .trailerLineFeed, .endLineFeed:
                try takeTrailer(byte, limits)
            case .data, .ended:
                preconditionFailure("data is taken above, and nothing is decoded after the end")
            }
            if case .ended = state { return .end }
        }
        return .needsMore
    }

    /// chunk-size [ chunk-ext ] CRLF, with chunk-size = 1*HEXDIG.
    private mutating func takeSizeLine(_ byte: UInt8, _ limits: CheckedLimits) throws(RequestError) {
        if case .sizeLineFeed = state {
            guard byte == Grammar.lf else { throw .malformed("A chunk-size line does not end with CRLF.") }
            lineBytes = 0
            state = remaining == 0 ? .trailerStart : .data
            return
        }
        lineBytes += 1
        guard lineBytes <= limits.values.chunkLineBytesMax else { throw .malformed("A chunk-size line is too long.") }
        switch state {
        case .sizeStart:
            guard let digit = Grammar.hexValue(byte) else { throw .malformed("A chunk size is not hexadecimal.") }
            remaining = Int(digit)
            state = .size
        case .size:
            if let digit = Grammar.hexValue(byte) {
                // No overflow: ProtocolLimits keeps chunkBytesMax at least four bits below the largest Int.
                remaining = remaining << 4 | Int(digit)
                guard remaining <= limits.values.chunkBytesMax else {
                    throw .malformed("A chunk is larger than any chunk may be.")
                }
            } else {
                try endElement(byte, "A chunk size is not hexadecimal.")
            }
        default:
            extensionBytes += 1
            guard extensionBytes <= limits.values.chunkExtensionBytesMax else {
                throw .malformed("The chunk extensions are too long.")
            }
            try takeExtension(byte)
        }
    }

    /// chunk-ext = *( ";" chunk-ext-name [ "=" ( token / quoted-string ) ] ), its BWS refused.
    private mutating func takeExtension(_ byte: UInt8) throws(RequestError) {
        let broken = "A chunk extension is malformed."
        switch state {
        case .extensionName(let isEmpty):
            if Grammar.isToken(byte) {
                state = .extensionName(isEmpty: false)
            } else if byte == UInt8(ascii: "="), !isEmpty {
                state = .extensionValue(isEmpty: true)
            } else {
                guard !isEmpty else { throw .malformed(broken) }
                try endElement(byte, broken)
            }
        case .extensionValue(let isEmpty):
            if Grammar.isToken(byte) {
                state = .extensionValue(isEmpty: false)
            } else if byte == UInt8(ascii: "\""), isEmpty {
                state = .quoted
            } else {
                guard !isEmpty else { throw .malformed(broken) }
                try endElement(byte, broken)
            }
        case .quoted:
            guard Grammar.isFieldValue(byte) else { throw .malformed(broken) }
            if byte == UInt8(ascii: "\"") { state = .afterQuoted }
            if byte == UInt8(ascii: "\\") { state = .quotedPair }
        case .quotedPair:
            guard Grammar.isFieldValue(byte) else { throw .malformed(broken) }
            state = .quoted
        default:
            try endElement(byte, broken)
        }
    }

    /// Reads the byte after a size, an extension's name or its value: the start of the next extension, or the line's
    /// end.
    private mutating func endElement(_ byte: UInt8, _ otherwise: String) throws(RequestError) {
        switch byte {
        case UInt8(ascii: ";"): state = .extensionName(isEmpty: true)
        case Grammar.cr: state = .sizeLineFeed
        default: throw .malformed(otherwise)
        }
    }

    /// trailer-section = *( field-line CRLF ), then CRLF (section 7.1.2). Trailers are dropped, so that none is
    /// mistaken for a header field.
    private mutating func takeTrailer(_ byte: UInt8, _ limits: CheckedLimits) throws(RequestError) {
        trailerBytes += 1
        guard trailerBytes <= limits.values.trailerBytesMax else {
            throw .malformed("The trailer section is too long.")
        }
        switch state {
        case .trailerStart where byte == Grammar.cr:
            state = .endLineFeed
        case .trailerStart, .trailerName:
            if Grammar.isToken(byte) {
                state = .trailerName
            } else if case .trailerName = state, byte == UInt8(ascii: ":") {
                state = .trailerValue
            } else {
                throw .malformed("A trailer line does not start with a name and a colon.")
            }
        case .trailerValue:
            if byte == Grammar.cr {
                state = .trailerLineFeed
            } else if !Grammar.isFieldValue(byte) {
                throw .malformed("A trailer value has a control character.")
            }
        case .trailerLineFeed:
            guard byte == Grammar.lf else { throw .malformed("A trailer line does not end with CRLF.") }
            state = .trailerStart
        default:
            guard byte == Grammar.lf else { throw .malformed("The trailer section does not end with CRLF.") }
            state = .ended
        }
    }
}
