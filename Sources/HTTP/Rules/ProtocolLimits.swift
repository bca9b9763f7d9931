// Every limit on what a client may send, hold or delay: sizes, counts, rates and times.

/// The limits on a peer: on the size of its requests, on the resources it holds, and on its time.
///
/// One value serves a whole server. The initial values are those for production; tests use smaller ones.
public struct ProtocolLimits: Sendable {
    // MARK: The head of a request

    /// Bytes of a request line without its CRLF; more is 414, or 501 when the method alone is too long.
    public var requestLineBytesMax = 8 * 1024
    /// Bytes of a method; the longest registered one has 17 (RFC 9110 section 16.1).
    public var methodBytesMax = 32
    /// Empty lines skipped before a request line (RFC 9112 section 2.2 asks for at least one).
    public var emptyLinesMax = 2
    /// Bytes of all field lines together with their CRLFs; more is 431.
    public var fieldBytesMax = 32 * 1024
    /// Field lines of a head; more is 431.
    public var fieldsMax = 100

    // MARK: The content of a request

    /// Bytes of one chunk-size line without its CRLF, extensions included (RFC 9112 section 7.1.1).
    public var chunkLineBytesMax = 256
    /// Bytes of all chunk extensions of one request together.
    public var chunkExtensionBytesMax = 16 * 1024
    /// Bytes of one chunk; it only has to be far from overflow, as chunks are passed on in pieces.
    public var chunkBytesMax = 1 << 40
    /// Bytes of all trailer lines with their CRLFs; trailers are checked and dropped.
    public var trailerBytesMax = 8 * 1024
    /// Bytes of one piece of content handed to a handler, and of one read.
    public var pieceBytesMax = 64 * 1024
    /// Bytes of content that a handler left unread and that are skipped to keep the connection; with more it closes.
    public var discardBytesMax = 64 * 1024

    // MARK: The answer

    /// Bytes waiting to be sent at which a writer waits and pipelined requests stay unread.
    public var outputBytesMax = 256 * 1024
    /// Pipelined requests answered in one turn before other connections get theirs.
    public var pipelinedPerTurnMax = 64

    // MARK: Connections

    /// Connections open at once, over all loops; more are answered 503.
    public var connectionsMax = 16_000
    /// Descriptors that the process reserves for its database, its files and its logs.
    public var descriptorsReserved = 256
    /// Refused connections that are still being answered with 503; more are closed without an answer.
    public var refusalsMax = 64

    // MARK: Time

    /// From the accepted connection to the end of the TLS handshake.
    public var handshakeTime = Duration.seconds(10)
    /// From the first byte of a head, or from the accepted connection, to the end of the head. Not reset by progress.
    public var headTime = Duration.seconds(10)
    /// Between two requests.
    public var idleTime = Duration.seconds(75)
    /// Bytes per second that a peer has to send while the server waits for content, once `contentCredit` is used up.
    public var contentRateMin = 240
    /// How long a sender may fall behind `contentRateMin`.
    public var contentCredit = Duration.seconds(15)
    /// Bytes per second of an answer that a peer has to acknowledge, once `outputCredit` is used up.
    public var outputRateMin = 240
    /// How long a reader may fall behind `outputRateMin`.
    public var outputCredit = Duration.seconds(30)
    /// The time for which a handler continues after the peer has closed its sending side. A peer that only half-closed
    /// still gets its answer. A peer that has gone looks the same until the server sends it something.
    public var halfCloseTime = Duration.seconds(1)
    /// From the end of the last answer until the connection closes even though the peer still sends.
    public var lingerTime = Duration.seconds(5)
    /// Bytes read and dropped while lingering, so that a peer in the middle of sending can read its answer.
    public var lingerBytesMax = 64 * 1024 * 1024

    /// Creates the limits for production.
    public init() {}
}
