// The state machine of one HTTP connection, without I/O and without a clock.

public import Base

/// Decides the next action on one connection.
///
/// The caller owns the socket, the buffers and the handlers. It reports events and performs the machine's actions. The
/// machine takes requests one at a time, so pipelined requests are answered in order. While it answers a request, the
/// bytes after that request stay in the caller's buffer and in the socket.
public struct ConnectionMachine: Sendable {
    /// The next action of the caller.
    public enum Action: ~Copyable, Sendable {
        /// Keep the rest of the buffer and call again when more has come.
        case read
        /// Keep the rest of the buffer, read nothing, and call again when the handler has moved on or output was sent.
        case pause
        /// Give the request to its handler.
        case start(ParsedHead)
        /// Give the request to its handler; its head is `recent`, byte for byte.
        case startRecent
        /// Give the handler this piece of content, as positions in the buffer.
        case content(Range<Int>)
        /// Report the end of the content to the handler.
        case contentEnd
        /// Report to the handler that the content will not arrive.
        case contentFailed(BodyError)
        /// Answer with this error, without a handler.
        case refuse(RequestError)
        /// Send the remaining output, then close.
        case finish
    }

    enum Input: Equatable {
        case head
        case content(remaining: Int)
        case chunked(ChunkedDecoder)
        case ended
        case broken(BodyError)
    }

    enum Exchange {
        /// Between requests; unread content of the last one may still have to be skipped.
        case idle
        /// A handler is running and has not begun its answer.
        case handling
        /// The head of the answer was sent.
        case answering
        /// Nothing more is exchanged.
        case over
    }

    let limits: CheckedLimits
    var parser = HeadParser()
    var input = Input.head
    var exchange = Exchange.idle
    var isContentWanted = false
    /// Whether the client waits for 100 Continue.
    var owesContinue = false
    var keepsAlive = true
    /// Whether no bytes are in flight in either direction, so that closing loses nothing.
    var isQuiet = false
    var isDraining = false
    var hasPeerHungUp = false
    var hasPeerEnded = false
    var outputPending = 0
    var outputAcknowledged = 0
    /// Whether `next` returned `.pause` because of too much waiting output, and has to be called again once there is
    /// less.
    var waitsForRoom = false
    var deadlines: ConnectionDeadlines
    var lingeredBytes = 0

    /// Creates the machine of a connection that was just accepted.
    ///
    /// - Parameters:
    ///   - isSecured: whether a TLS handshake comes first; `handshakeEnded` reports its end.
    ///   - limits: the limits.
    ///   - now: when the connection was accepted.
    public init(isSecured: Bool, limits: CheckedLimits, now: MonotonicTime) {
        self.limits = limits
        deadlines = ConnectionDeadlines(limits: limits)
        if isSecured {
            deadlines.handshake = now + limits.handshakeTime
        } else {
            deadlines.head = now + limits.headTime
        }
    }

    /// Whether no request is in progress, so that closing loses nothing.
    public var isIdle: Bool {
        if case .idle = exchange { parser.isAtStart } else { false }
    }

    /// Whether output was waiting when last reported.
    public var hasOutput: Bool {
        outputPending > 0
    }

    /// Whether the peer has closed its sending side and all its bytes were read.
    public var hasInputEnded: Bool {
        hasPeerEnded
    }

    /// Whether an answer may still be begun.
    public var isAwaitingAnswer: Bool {
        if case .handling = exchange { true } else { false }
    }

    /// Returns the next action for the buffer. Call it again after each action until `.read`, `.pause` or `.finish`.
    ///
    /// - Parameters:
    ///   - bytes: the buffer.
    ///   - position: the position to continue at; moves over the consumed bytes.
    ///   - recent: a head parsed before, of any connection. Clients repeat their heads, and comparing bytes is cheaper
    ///     than parsing them.
    ///   - now: the time.
    /// - Returns: the action.
    public mutating func next(
        _ bytes: Span<UInt8>, position: inout Int, recent: ParsedHead?, now: MonotonicTime
    ) -> Action {
        switch exchange {
        case .over:
            return .finish
        case .handling, .answering:
            return isContentWanted ? nextContent(bytes, &position, now) : .pause
        case .idle:
            if case .content(let remaining) = input {
                let skipped = min(remaining, bytes.count - position)
                position += skipped
                deadlines.content.earn(bytes: skipped, now: now)
                input = .content(remaining: remaining - skipped)
                guard skipped == remaining else { return hasPeerEnded ? end() : .read }
                becomeIdle(now)
            }
            return nextHead(bytes, &position, recent, now)
        }
    }

    private mutating func nextHead(
        _ bytes: Span<UInt8>, _ position: inout Int, _ recent: ParsedHead?, _ now: MonotonicTime
    ) -> Action {
        guard outputPending < limits.values.outputBytesMax else {
            waitsForRoom = true
            return .pause
        }
        if parser.isAtStart, let recent,
            bytes.extracting(position..<bytes.count).starts(with: recent.head.headers.bytes)
        {
            begin(recent, &position, now)
            return .startRecent
        }
        let parsed: ParsedHead?
        do throws(RequestError) {
            parsed = try parser.parse(bytes.extracting(position..<bytes.count), limits: limits)
        } catch {
            breakOffRequest()
            return .refuse(error)
        }
        guard let parsed else {
            // RFC 9112 section 8: an incomplete head at the end of the connection is no request.
            if hasPeerEnded || (isDraining && parser.isAtStart) {
                isQuiet = outputPending == 0
                return end()
            }
            if deadlines.head == nil, !parser.isAtStart {
                deadlines.head = now + limits.headTime
                deadlines.idle = nil
            }
            return .read
        }
        begin(parsed, &position, now)
        return .start(parsed)
    }

    private mutating func begin(_ parsed: ParsedHead, _ position: inout Int, _ now: MonotonicTime) {
        position += parsed.consumed
        exchange = .handling
        keepsAlive = parsed.keepsAlive
        owesContinue = parsed.expectsContinue
        deadlines.head = nil
        deadlines.idle = nil
        switch parsed.content {
        case .none: input = .ended
        case .length(let length): input = .content(remaining: length)
        case .chunked: input = .chunked(ChunkedDecoder())
        }
        noteHalfClose(now)
    }

    private mutating func nextContent(
        _ bytes: Span<UInt8>, _ position: inout Int, _ now: MonotonicTime
    ) -> Action {
        switch input {
        case .head:
            preconditionFailure("a handler's request has a head")
        case .ended:
            return settle(.contentEnd, now)
        case .broken(let error):
            return settle(.contentFailed(error), now)
        case .content(let remaining):
            let start = position
            position += min(remaining, bytes.count - position, limits.values.pieceBytesMax)
            guard position > start else { return awaitContent(now) }
            input = position - start == remaining ? .ended : .content(remaining: remaining - (position - start))
            return give(start..<position, now)
        case .chunked(var decoder):
            do throws(RequestError) {
                let step = try decoder.next(bytes, position: &position, limits: limits)
                input = .chunked(decoder)
                switch step {
                case .data(let range):
                    return give(range, now)
                case .needsMore:
                    return awaitContent(now)
                case .end:
                    input = .ended
                    noteHalfClose(now)
                    return settle(.contentEnd, now)
                }
            } catch {
                return breakOff(.malformed, now)
            }
        }
    }

    private mutating func give(_ range: Range<Int>, _ now: MonotonicTime) -> Action {
        deadlines.content.earn(bytes: range.count, now: now)
        noteHalfClose(now)
        return settle(.content(range), now)
    }

    private mutating func awaitContent(_ now: MonotonicTime) -> Action {
        guard !hasPeerEnded else { return breakOff(.disconnected, now) }
        deadlines.content.wait(from: now)
        return .read
    }

    /// Returns the result of the handler's read.
    private mutating func settle(_ action: consuming Action, _ now: MonotonicTime) -> Action {
        isContentWanted = false
        deadlines.content.pause(now: now)
        return action
    }

    mutating func breakOff(_ error: BodyError, _ now: MonotonicTime) -> Action {
        input = .broken(error)
        return settle(.contentFailed(error), now)
    }

    /// Gives up the framing of the connection: the start of a next request is unknown. An answer is still due.
    mutating func breakOffRequest() {
        input = .broken(.malformed)
        exchange = .handling
        deadlines.head = nil
        deadlines.idle = nil
    }

    mutating func end() -> Action {
        exchange = .over
        deadlines.stopInput()
        return .finish
    }

    /// A peer that sent all of its request and closed its side may be gone; see `ProtocolLimits.halfCloseTime`.
    mutating func noteHalfClose(_ now: MonotonicTime) {
        guard hasPeerHungUp, input == .ended, deadlines.halfClose == nil else { return }
        switch exchange {
        case .handling, .answering:
            deadlines.halfClose = now + limits.halfCloseTime
        case .idle, .over:
            break
        }
    }

    mutating func becomeIdle(_ now: MonotonicTime) {
        input = .head
        deadlines.content.pause(now: now)
        deadlines.idle = now + limits.idleTime
    }
}
