// What can happen to a connection apart from bytes that arrive.

public import Base

extension ConnectionMachine {
    /// The TLS handshake has ended; the head's time starts.
    public mutating func handshakeEnded(now: MonotonicTime) {
        deadlines.handshake = nil
        deadlines.head = now + bounds.headTime
    }

    /// The handler asks for the next piece of content; `next` says when it is there.
    ///
    /// - Returns: whether `100 Continue` has to be sent now (RFC 9110 section 10.1.1).
    public mutating func contentWanted() -> Bool {
        isContentWanted = true
        guard owesContinue, isAwaitingAnswer else { return false }
        owesContinue = false
        return true
    }

    /// The content of the request that has just started, where all of it is in the buffer and none of it was asked for
    /// yet. That answers for `100 Continue`, which a server may leave out then (RFC 9110 section 10.1.1).
    ///
    /// - Parameters:
    ///   - bytes: the buffer.
    ///   - position: moves over the content.
    ///   - now: the time.
    /// - Returns: positions in the buffer; nil where there is no content, or more than is in the buffer, or so much that
    ///   it comes in pieces, or where its end cannot be told without reading it.
    public mutating func wholeContent(
        _ bytes: Span<UInt8>, position: inout Int, now: MonotonicTime
    ) -> Range<Int>? {
        guard case .content(let length) = input, isAwaitingAnswer, length > 0, length <= bounds.limits.pieceBytesMax,
            bytes.count - position >= length
        else { return nil }
        let range = position..<position + length
        position += length
        input = .ended
        owesContinue = false
        noteHalfClose(now)
        return range
    }

    /// The handler has been given enough for now; it will ask again.
    ///
    /// - Parameter now: the time.
    public mutating func contentPostponed(now: MonotonicTime) {
        isContentWanted = false
        deadlines.content.pause(now: now)
    }

    /// The handler's answer, or that to a refused request, begins.
    ///
    /// - Returns: whether the connection goes on after it; if not, the answer says `Connection: close`.
    public mutating func answerBegins() -> Bool {
        precondition(isAwaitingAnswer, "one answer to a request")
        exchange = .answering
        let canReachNextRequest =
            switch input {
            case .head, .broken, .chunked: false
            case .ended: true
            // A client that waits for 100 Continue may or may not send its content now: where the next request starts
            // is unknown.
            case .content(let remaining): remaining <= bounds.limits.discardBytesMax && !owesContinue
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

    /// The peer has closed its sending side; what it sent before may still be unread.
    ///
    /// - Parameter now: the time.
    public mutating func peerHungUp(now: MonotonicTime) {
        hasPeerHungUp = true
        noteHalfClose(now)
    }

    /// The peer has closed its sending side, and all that it sent is in the buffer.
    ///
    /// - Parameter now: the time.
    public mutating func peerEnded(now: MonotonicTime) {
        hasPeerEnded = true
        peerHungUp(now: now)
    }

    /// The server takes no more connections: this one is answered with an error, without a request.
    public mutating func refuseConnection() {
        breakOffRequest()
    }

    /// The server is shutting down: the request in work is answered with `Connection: close`, and no other is taken.
    public mutating func drain() {
        isDraining = true
    }

    /// Bytes of the answer wait for the socket, or no longer do.
    ///
    /// - Parameters:
    ///   - pending: how many wait.
    ///   - now: the time.
    /// - Returns: whether `next`, which paused for want of room, has to be called again: nothing else may happen on the
    ///   connection that would make the caller do so.
    public mutating func outputChanged(pending: Int, now: MonotonicTime) -> Bool {
        outputPending = pending
        if pending > 0 {
            deadlines.output.wait(from: now)
        } else {
            deadlines.output.pause(now: now)
        }
        guard waitsForRoom, pending <= bounds.limits.outputBytesMax / 2 else { return false }
        waitsForRoom = false
        return true
    }

    /// The peer has acknowledged bytes of the answer. This counts, not what the socket took: its buffer holds minutes
    /// of a slow reader's time.
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
    /// - Returns: whether to close only the sending side now, and drop what comes until the peer closes too.
    public mutating func lingers(now: MonotonicTime) -> Bool {
        guard !hasPeerEnded, !isQuiet else { return false }
        deadlines.linger = now + bounds.lingerTime
        return true
    }

    /// Bytes were dropped while lingering.
    ///
    /// - Returns: whether to go on.
    public mutating func lingered(bytes: Int) -> Bool {
        lingeredBytes += bytes
        return lingeredBytes <= bounds.limits.lingerBytesMax
    }

    /// What the caller has to do because time has run out.
    public enum Expiry: Sendable {
        /// Nothing: the deadline has moved.
        case none
        /// Answer with this error.
        case refuse(RequestError)
        /// Tell the handler that the content will not come.
        case contentFailed(BodyError)
        /// Cancel the handler; its answer, if it comes, is still sent.
        case cancel
        /// Close without a further word.
        case close
    }

    /// The first moment at which `expire` has something to do; nil when nothing is waited for.
    public var deadline: MonotonicTime? {
        deadlines.first
    }

    /// Time has passed.
    ///
    /// - Parameter now: the time.
    /// - Returns: what to do about the first deadline that lies before it.
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
