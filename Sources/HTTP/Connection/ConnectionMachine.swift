// The life of one connection: which bytes mean what, who has to act, and by when. No I/O and no clock.

public import Base

/// Decides what happens on one connection.
///
/// The caller reports what happened and does what it is told: it owns the socket, the buffers and the handlers.
/// Requests are taken one at a time, so pipelined ones are answered in order; while one is being answered, the bytes
/// after it stay in the caller's buffer and in the socket.
public struct ConnectionMachine: Sendable {
    /// What the caller has to do next.
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
        /// Tell the handler that the content has ended.
        case contentEnd
        /// Tell the handler that the content will not come.
        case contentFailed(BodyError)
        /// Answer with this error; no handler is involved.
        case refuse(RequestError)
        /// Send what is left, then close.
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
        /// A handler works and has not begun its answer.
        case handling
        /// The head of the answer was sent.
        case answering
        /// Nothing more is exchanged.
        case over
    }

    let bounds: Bounds
    var parser = HeadParser()
    var input = Input.head
    var exchange = Exchange.idle
    var isContentWanted = false
    /// The client waits for 100 Continue.
    var owesContinue = false
    var keepsAlive = true
    /// Nothing is on its way in either direction, so closing can destroy nothing.
    var isQuiet = false
    var isDraining = false
    var hasPeerHungUp = false
    var hasPeerEnded = false
    var outputPending = 0
    var outputAcknowledged = 0
    /// `next` said `.pause` because too much output was waiting, and has to be asked again once it is not.
    var waitsForRoom = false
    var deadlines: ConnectionDeadlines
    var lingeredBytes = 0

    /// Creates the machine of a connection that was just accepted.
    ///
    /// - Parameters:
    ///   - isSecured: whether a TLS handshake comes first; `handshakeEnded` reports its end.
    ///   - bounds: the bounds.
    ///   - now: when the connection was accepted.
    public init(isSecured: Bool, bounds: Bounds, now: MonotonicTime) {
        self.bounds = bounds
        deadlines = ConnectionDeadlines(bounds: bounds)
        if isSecured {
            deadlines.handshake = now + bounds.handshakeTime
        } else {
            deadlines.head = now + bounds.headTime
        }
    }

    /// Whether no request is in work, so that nothing is lost by closing.
    public var isIdle: Bool {
        if case .idle = exchange { parser.isAtStart } else { false }
    }

    /// Whether output was waiting when last reported.
    public var hasOutput: Bool {
        outputPending > 0
    }

    /// Whether nothing will come from the peer any more.
    public var hasInputEnded: Bool {
        hasPeerEnded
    }

    /// Whether an answer may still be begun.
    public var isAwaitingAnswer: Bool {
        if case .handling = exchange { true } else { false }
    }

    /// Looks at the buffer and says what to do next; to be called again after each action until `.read`, `.pause` or
    /// `.finish`.
    ///
    /// - Parameters:
    ///   - bytes: the buffer.
    ///   - position: where to go on; moves over what was consumed.
    ///   - recent: a head parsed before, of any connection. Clients repeat themselves, and comparing is cheaper than
    ///     parsing: the same bytes are the same request.
    ///   - now: the time.
    /// - Returns: what to do.
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
        guard outputPending < bounds.limits.outputBytesMax else {
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
            parsed = try parser.parse(bytes.extracting(position..<bytes.count), bounds: bounds)
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
                deadlines.head = now + bounds.headTime
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
            position += min(remaining, bytes.count - position, bounds.limits.pieceBytesMax)
            guard position > start else { return awaitContent(now) }
            input = position - start == remaining ? .ended : .content(remaining: remaining - (position - start))
            return give(start..<position, now)
        case .chunked(var decoder):
            do throws(RequestError) {
                let step = try decoder.next(bytes, position: &position, bounds: bounds)
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

    /// The handler's question is answered.
    private mutating func settle(_ action: consuming Action, _ now: MonotonicTime) -> Action {
        isContentWanted = false
        deadlines.content.pause(now: now)
        return action
    }

    mutating func breakOff(_ error: BodyError, _ now: MonotonicTime) -> Action {
        input = .broken(error)
        return settle(.contentFailed(error), now)
    }

    /// Where the next request would start is unknown from now on; an answer is still due.
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

    /// A peer that sent all of its request and closed its side may be gone; see `Limits.halfCloseTime`.
    mutating func noteHalfClose(_ now: MonotonicTime) {
        guard hasPeerHungUp, input == .ended, deadlines.halfClose == nil else { return }
        switch exchange {
        case .handling, .answering:
            deadlines.halfClose = now + bounds.halfCloseTime
        case .idle, .over:
            break
        }
    }

    mutating func becomeIdle(_ now: MonotonicTime) {
        input = .head
        deadlines.content.pause(now: now)
        deadlines.idle = now + bounds.idleTime
    }
}
