// The events of a connection other than bytes: handler calls, sent output, closed peers and deadlines.

public import Base

extension ConnectionMachine {
    /// The TLS handshake has ended; the head's time starts.
    public mutating func handshakeEnded(now: MonotonicTime) {
        deadlines.handshake = nil
        deadlines.head = now + limits.headTime
    }

    /// The handler asks for the next piece of content, which `next` will return.
    ///
    /// - Returns: whether `100 Continue` has to be sent now (RFC 9110 section 10.1.1).
    public mutating func contentWanted() -> Bool {
        isContentWanted = true
        guard owesContinue, isAwaitingAnswer else { return false }
        owesContinue = false
        return true
    }

    /// The content of the request that has just started, if all of it is in the buffer and the handler has not asked
    /// for it yet. A server may omit `100 Continue` then (RFC 9110 section 10.1.1).
    ///
    /// - Parameters:
    ///   - bytes: the buffer.
    ///   - position: moves over the content.
    ///   - now: the time.
    /// - Returns: positions in the buffer; nil if there is no content, or more than the buffer holds, or more than one
    ///   piece holds, or if the content is chunked.
    public mutating func wholeContent(
        _ bytes: Span<UInt8>, position: inout Int, now: MonotonicTime
    ) -> Range<Int>? {
        guard case .content(let length) = input, isAwaitingAnswer, length > 0, length <= limits.values.pieceBytesMax,
            bytes.count - position >= length
        else { return nil }
        let range = position..<position + length
        position += length
        input = .ended
        owesContinue = false
        noteHalfClose(now)
        return range
    }

    /// The handler has received enough content for now, and will ask again.
    ///
    /// - Parameter now: the time.
    public mutating func contentPostponed(now: MonotonicTime) {
        isContentWanted = false
        deadlines.content.pause(now: now)
    }

    /// The answer of the handler, or of a refused request, begins.
    ///
    /// - Returns: whether the connection stays open after the answer. If not, the answer has `Connection: close`.
    public mutating func answerBegins() -> Bool {
        precondition(isAwaitingAnswer, "one answer to a request")
        exchange = .answering
        let canReachNextRequest =
            switch input {
            case .head, .broken, .chunked: false
            case .ended: true
            // A client that waits for 100 Continue may or may not send its content now, so the start of the next
            // request is unknown.
            case .content(let remaining): remaining <= limits.values.discardBytesMax && !owesContinue
            }
        keepsAlive = keepsAlive && !isDraining && canReachNextRequest
        return keepsAlive
    }

    /// The answer is complete, or was broken off.
    public mutating func answerEnds(isComplete: Bool, now: MonotonicTime) {
        isContentWanted = false
        deadlines.halfClose = nil
        guard isComplete, keepsAlive else {
            _ = end()
            return
        }
        exchange = .idle
        if input == .ended {
            becomeIdle(now)
        } else {
            deadlines.content.wait(from: now)
        }
    }

    /// The peer has closed its sending side, but some of its bytes may still be unread.
    ///
    /// - Parameter now: the time.
    public mutating func peerHungUp(now: MonotonicTime) {
        hasPeerHungUp = true
        noteHalfClose(now)
    }

    /// The peer has closed its sending side, and all its bytes are in the buffer.
    ///
    /// - Parameter now: the time.
    public mutating func peerEnded(now: MonotonicTime) {
        hasPeerEnded = true
        peerHungUp(now: now)
    }

    /// The server has too many connections: this one is answered with an error, without a request.
    public mutating func refuseConnection() {
        breakOffRequest()
    }

    /// The server is shutting down: the current request is answered with `Connection: close`, and no other is accepted.
    public mutating func drain() {
        isDraining = true
    }

    /// Bytes of the answer wait for the socket, or no longer do.
    ///
    /// - Parameters:
    ///   - pending: how many wait.
    ///   - now: the time.
    /// - Returns: whether the caller has to call `next` again, which paused for lack of room. No other event of the
    ///   connection may cause the caller to do so.
    public mutating func outputChanged(pending: Int, now: MonotonicTime) -> Bool {
        outputPending = pending
        if pending > 0 {
            deadlines.output.wait(from: now)
        } else {
            deadlines.output.pause(now: now)
        }
        guard waitsForRoom, pending <= limits.values.outputBytesMax / 2 else { return false }
        waitsForRoom = false
        return true
    }

    /// The peer has acknowledged bytes of the answer. Bytes that only the socket took do not count, because its buffer
    /// lasts a slow reader for minutes.
    ///
    /// - Parameters:
    ///   - total: all bytes acknowledged on this connection.
    ///   - now: the time.
    public mutating func peerAcknowledged(total: Int, now: MonotonicTime) {
        deadlines.output.earn(bytes: max(total - outputAcknowledged, 0), now: now)
        outputAcknowledged = total
    }

    /// All output was sent and nothing more is exchanged. Closing while the peer still sends would reset the connection
    /// and could destroy the answer before it is read (RFC 9112 section 9.6).
    ///
    /// - Returns: whether to close only the sending side now, and to drop received bytes until the peer closes too.
    public mutating func lingers(now: MonotonicTime) -> Bool {
        guard !hasPeerEnded, !isQuiet else { return false }
        deadlines.linger = now + limits.lingerTime
        return true
    }

    /// Bytes were dropped while lingering.
    ///
    /// - Returns: whether to continue.
    public mutating func lingered(bytes: Int) -> Bool {
        lingeredBytes += bytes
        return lingeredBytes <= limits.values.lingerBytesMax
    }

    /// The caller's action after a deadline.
    public enum Expiry: Sendable {
        /// Nothing: the deadline has moved.
        case none
        /// Answer with this error.
        case refuse(RequestError)
        /// Report to the handler that the content will not arrive.
        case contentFailed(BodyError)
        /// Cancel the handler; if it still answers, the answer is sent.
        case cancel
        /// Close without sending anything more.
        case close
    }

    /// The first deadline of the connection; nil when it has none.
    public var deadline: MonotonicTime? {
        deadlines.first
    }

    /// Time has passed.
    ///
    /// - Parameter now: the time.
    /// - Returns: the action for the first deadline that has passed.
    public mutating func expire(now: MonotonicTime) -> Expiry {
        func hasPassed(_ deadline: MonotonicTime?) -> Bool {
            deadline.map { $0 <= now } ?? false
        }
        if hasPassed(deadlines.handshake) || hasPassed(deadlines.idle) || hasPassed(deadlines.linger)
            || hasPassed(deadlines.output.deadline)
        {
            _ = end()
            return .close
        }
        if hasPassed(deadlines.head) {
            guard !parser.isAtStart else {
                _ = end()
                return .close
            }
            breakOffRequest()
            return .refuse(RequestError(.requestTimeout, "The head of the request did not arrive in time."))
        }
        if hasPassed(deadlines.content.deadline) {
            guard case .idle = exchange else {
                _ = breakOff(.timeout, now)
                return .contentFailed(.timeout)
            }
            _ = end()
            return .close
        }
        if hasPassed(deadlines.halfClose) {
            deadlines.halfClose = nil
            return .cancel
        }
        return .none
    }
}
