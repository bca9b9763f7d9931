// The life of a connection as a conversation with its machine, on a clock that only moves when told to.

import Base
import HTTP
import Testing

@Suite("ConnectionMachine")
struct ConnectionMachineTests {
    /// Seconds of the defaults that the tests name.
    private static let limits = ProtocolLimits()

    /// A machine with its buffer; actions are compared by name, as they cannot be copied.
    private struct Talk {
        var machine: ConnectionMachine
        var buffer: [UInt8] = []
        var seconds = 0.0

        init(isSecured: Bool = false, limits: ProtocolLimits = ConnectionMachineTests.limits) {
            machine = ConnectionMachine(
                isSecured: isSecured, limits: CheckedLimits(limits), now: MonotonicTime(nanoseconds: 0))
        }

        var now: MonotonicTime {
            MonotonicTime(nanoseconds: Int64(seconds * 1e9))
        }

        var deadlineSeconds: Double? {
            machine.deadline.map { Double($0.nanoseconds) / 1e9 }
        }

        /// What the machine says next.
        mutating func hear(_ text: String = "") -> String {
            buffer += Array(text.utf8)
            let bytes = buffer
            var position = 0
            let said =
                switch machine.next(bytes.span, position: &position, recent: nil, now: now) {
                case .read: "read"
                case .pause: "pause"
                case .start(let parsed): "start \(parsed.head.path)"
                case .startRecent: "start recent"
                case .content(let range): "content \(String(decoding: bytes[range], as: UTF8.self))"
                case .contentEnd: "content end"
                case .contentFailed(let error): "content failed \(error)"
                case .refuse(let error): "refuse \(error.status.code)"
                case .finish: "finish"
                }
            buffer.removeFirst(position)
            return said
        }

        mutating func expire() -> String {
            switch machine.expire(now: now) {
            case .none: "none"
            case .refuse(let error): "refuse \(error.status.code)"
            case .contentFailed(let error): "content failed \(error)"
            case .cancel: "cancel"
            case .close: "close"
            }
        }

        mutating func begin() -> String {
            machine.answerBegins() ? "keeps" : "closes"
        }

        mutating func answer(isComplete: Bool = true) -> String {
            let keeps = begin()
            machine.answerEnds(isComplete: isComplete, now: now)
            return keeps
        }

        mutating func want() -> String {
            machine.contentWanted() ? "100" : ""
        }

        mutating func pending(_ bytes: Int) -> String {
            machine.outputChanged(pending: bytes, now: now) ? "room" : ""
        }

        mutating func whole() -> String? {
            let bytes = buffer
            var position = 0
            let range = machine.wholeContent(bytes.span, position: &position, now: now)
            buffer.removeFirst(position)
            return range.map { String(decoding: bytes[$0], as: UTF8.self) }
        }

        mutating func linger() -> String {
            machine.lingers(now: now) ? "lingers" : "closes"
        }

        mutating func drop(_ bytes: Int) -> String {
            machine.lingered(bytes: bytes) ? "lingers" : "closes"
        }
    }

    private static let get = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"

    private static func post(_ fields: String) -> String {
        "POST /p HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\r\n"
    }

    @Test("pipelined requests start one after the other's answer")
    func pipelining() {
        var talk = Talk()
        #expect(talk.hear(Self.get + "GET /b HTTP/1.1\r\nHost: a\r\n\r\n") == "start /a")
        #expect(talk.hear() == "pause")
        #expect(talk.answer() == "keeps")
        #expect(talk.hear() == "start /b")
        #expect(talk.answer() == "keeps")
        #expect(talk.hear() == "read")
    }

    @Test("content that came with its head is taken whole; any other comes when it is asked for")
    func wholeContent() {
        let length = "Content-Length: 3"
        var talk = Talk()
        #expect(talk.hear(Self.post(length) + "abc" + Self.get) == "start /p")
        #expect(talk.whole() == "abc")
        #expect(talk.whole() == nil, "there is no more")
        #expect(talk.want() == "")
        #expect(talk.hear() == "content end")
        #expect(talk.answer() == "keeps")
        #expect(talk.hear() == "start /a")
        #expect(talk.whole() == nil, "a request without content has none")
        for (fields, content) in [
            (length, "ab"), ("Content-Length: 0", ""), ("Transfer-Encoding: chunked", "3\r\nabc\r\n0\r\n\r\n"),
        ] {
            var talk = Talk()
            #expect(talk.hear(Self.post(fields) + content) == "start /p")
            #expect(talk.whole() == nil, "\(fields)")
        }
        var expecting = Talk()
        #expect(expecting.hear(Self.post("Expect: 100-continue\r\n" + length) + "abc") == "start /p")
        #expect(expecting.whole() == "abc")
        #expect(expecting.want() == "", "who has sent the content is not asked for it")
        #expect(expecting.answer() == "keeps")
    }

    @Test("the head's time runs from the connection's start and from the first byte, whatever else comes")
    func headTime() {
        var talk = Talk()
        #expect(talk.deadlineSeconds == 10)
        #expect(talk.hear(Self.get) == "start /a")
        #expect(talk.answer() == "keeps")
        talk.seconds = 20
        for line in ["GET / HTTP/1.1\r\n", "Host: a\r\n", "A: b\r\n", "C: d\r\n"] {
            #expect(talk.hear(line) == "read")
            #expect(talk.deadlineSeconds == 30)
            talk.seconds += 3.3
        }
        #expect(talk.expire() == "refuse 408")
        #expect(talk.answer() == "closes")
        #expect(talk.hear(Self.get) == "finish")
    }

    @Test("a connection that never says a word is closed without one")
    func silence() {
        var talk = Talk()
        #expect(talk.hear() == "read")
        talk.seconds = 9.9
        #expect(talk.expire() == "none")
        talk.seconds = 10
        #expect(talk.expire() == "close")
    }

    @Test("the TLS handshake has a time of its own")
    func handshake() {
        var talk = Talk(isSecured: true)
        #expect(talk.deadlineSeconds == 10)
        talk.seconds = 4
        talk.machine.handshakeEnded(now: talk.now)
        #expect(talk.deadlineSeconds == 14)
        var stalled = Talk(isSecured: true)
        stalled.seconds = 10
        #expect(stalled.expire() == "close")
    }

    @Test("a connection between requests is closed silently after the idle time")
    func idle() {
        var talk = Talk()
        #expect(talk.hear(Self.get) == "start /a")
        #expect(talk.deadlineSeconds == nil, "a handler may take its time")
        talk.seconds = 100
        #expect(talk.answer() == "keeps")
        #expect(talk.hear() == "read")
        #expect(talk.deadlineSeconds == 175)
        talk.seconds = 175
        #expect(talk.expire() == "close")
    }

    @Test("content comes when the handler asks, and not before")
    func content() {
        var talk = Talk()
        #expect(talk.hear(Self.post("Content-Length: 5") + "hel") == "start /p")
        #expect(talk.hear() == "pause")
        #expect(talk.want() == "")
        #expect(talk.hear() == "content hel")
        #expect(talk.hear() == "pause")
        #expect(talk.want() == "")
        #expect(talk.hear() == "read")
        #expect(talk.hear("lo" + Self.get) == "content lo")
        #expect(talk.want() == "")
        #expect(talk.hear() == "content end")
        #expect(talk.answer() == "keeps")
        #expect(talk.hear() == "start /a")
    }

    @Test("waiting for content costs the peer its credit; a handler's time does not")
    func contentTime() {
        var talk = Talk()
        #expect(talk.hear(Self.post("Content-Length: 5")) == "start /p")
        talk.seconds = 100
        #expect(talk.want() == "")
        #expect(talk.hear() == "read")
        #expect(talk.deadlineSeconds == 115)
        talk.seconds = 115
        #expect(talk.expire() == "content failed timeout")
        #expect(talk.want() == "")
        #expect(talk.hear() == "content failed timeout", "and stays failed")
        #expect(talk.answer() == "closes")
    }

    @Test("100 Continue is sent when the handler asks for content, once, and never after the answer began")
    func continues() {
        var talk = Talk()
        #expect(talk.hear(Self.post("Content-Length: 5\r\nExpect: 100-continue")) == "start /p")
        var refusing = talk
        #expect(talk.want() == "100")
        #expect(talk.hear() == "read")
        #expect(talk.want() == "")
        #expect(refusing.begin() == "closes", "the client may or may not send its content now")
        #expect(refusing.want() == "")
    }

    @Test("content that the handler left is skipped when it is short, and ends the connection when it is not")
    func unreadContent() {
        var short = Talk()
        #expect(short.hear(Self.post("Content-Length: 65536") + "abc") == "start /p")
        #expect(short.answer() == "keeps")
        #expect(short.hear() == "read")
        #expect(short.deadlineSeconds == 15, "skipping has a time as well")
        #expect(short.hear(String(repeating: "x", count: 65_533) + Self.get) == "start /a")
        var long = Talk()
        #expect(long.hear(Self.post("Content-Length: 65537")) == "start /p")
        #expect(long.answer() == "closes")
        #expect(long.hear() == "finish")
        var chunked = Talk()
        #expect(chunked.hear(Self.post("Transfer-Encoding: chunked")) == "start /p")
        #expect(chunked.answer() == "closes")
    }

    @Test("a peer that half-closes gets its answer; the handler is cancelled after a while")
    func halfClose() {
        var talk = Talk()
        #expect(talk.hear(Self.get) == "start /a")
        talk.seconds = 5
        talk.machine.peerHungUp(now: talk.now)
        #expect(talk.deadlineSeconds == 6)
        talk.seconds = 6
        #expect(talk.expire() == "cancel")
        #expect(talk.deadlineSeconds == nil)
        #expect(talk.answer() == "keeps")
        talk.machine.peerEnded(now: talk.now)
        #expect(talk.hear() == "finish")
        #expect(talk.linger() == "closes", "the peer is known to have closed")
    }

    @Test("requests sent before the peer closed its side are answered")
    func halfClosePipelined() {
        var talk = Talk()
        #expect(talk.hear(Self.get + Self.get) == "start /a")
        talk.machine.peerEnded(now: talk.now)
        #expect(talk.answer() == "keeps")
        #expect(talk.hear() == "start /a")
        #expect(talk.answer() == "keeps")
        #expect(talk.hear() == "finish")
    }

    @Test("content that breaks off is never complete", arguments: ["Content-Length: 9", "Transfer-Encoding: chunked"])
    func incomplete(_ framing: String) {
        var talk = Talk()
        #expect(talk.hear(Self.post(framing)) == "start /p")
        talk.machine.peerEnded(now: talk.now)
        #expect(talk.deadlineSeconds == nil)
        #expect(talk.want() == "")
        #expect(talk.hear("3\r\nabc\r\n").hasPrefix("content "))
        #expect(talk.want() == "")
        #expect(talk.hear() == "content failed disconnected")
    }

    @Test("no request is read while too much of the answers waits to be sent")
    func outputFull() {
        var talk = Talk()
        #expect(talk.hear(Self.get + Self.get) == "start /a")
        #expect(talk.answer() == "keeps")
        let max = Self.limits.outputBytesMax
        #expect(talk.pending(max) == "")
        #expect(talk.hear() == "pause")
        #expect(talk.pending(max / 2 + 1) == "")
        #expect(talk.pending(max / 2) == "room")
        #expect(talk.pending(0) == "")
        #expect(talk.hear() == "start /a")
    }

    @Test("who was told to pause for want of room is told when there is room, though no other request has come")
    func outputEmptied() {
        var talk = Talk()
        #expect(talk.hear(Self.get) == "start /a")
        #expect(talk.answer() == "keeps")
        #expect(talk.pending(Self.limits.outputBytesMax) == "")
        #expect(talk.hear() == "pause")
        #expect(talk.pending(0) == "room")
        #expect(talk.hear() == "read")
    }

    @Test("a reader that takes nothing is cut off, one that takes a little is not")
    func slowReader() {
        var stalled = Talk()
        #expect(stalled.hear(Self.get) == "start /a")
        #expect(stalled.pending(1_000_000) == "")
        var steady = stalled
        stalled.seconds = 30
        stalled.machine.peerAcknowledged(total: 0, now: stalled.now)
        #expect(stalled.expire() == "close")
        for second in stride(from: 10.0, through: 300, by: 10) {
            steady.seconds = second
            steady.machine.peerAcknowledged(total: Int(second) * 240, now: steady.now)
            #expect(steady.expire() == "none")
        }
    }

    @Test("draining closes idle connections and says so on the answer in work")
    func drain() {
        var idle = Talk()
        idle.machine.drain()
        #expect(idle.hear() == "finish")
        #expect(idle.linger() == "closes", "nothing is on its way")
        var working = Talk()
        #expect(working.hear(Self.get + Self.get) == "start /a")
        working.machine.drain()
        #expect(working.answer() == "closes")
        #expect(working.hear() == "finish")
        #expect(working.linger() == "lingers")
        var sending = Talk()
        #expect(sending.hear("GET /") == "read")
        sending.machine.drain()
        #expect(sending.hear() == "read", "a head that has begun is still answered")
        #expect(sending.hear("a HTTP/1.1\r\nHost: a\r\n\r\n") == "start /a")
    }

    @Test("an answer that broke off ends the connection")
    func aborted() {
        var talk = Talk()
        #expect(talk.hear(Self.get) == "start /a")
        #expect(talk.answer(isComplete: false) == "keeps")
        #expect(talk.hear() == "finish")
    }

    @Test("lingering ends by time and by bytes")
    func lingering() {
        var talk = Talk()
        #expect(talk.hear("bad\r\n") == "refuse 400")
        #expect(talk.answer() == "closes")
        #expect(talk.hear() == "finish")
        #expect(talk.linger() == "lingers")
        #expect(talk.drop(Self.limits.lingerBytesMax) == "lingers")
        #expect(talk.drop(1) == "closes")
        #expect(talk.deadlineSeconds == 5)
        talk.seconds = 5
        #expect(talk.expire() == "close")
    }

    @Test("a connection over the limit is answered and closed")
    func refusedConnection() {
        var talk = Talk()
        talk.machine.refuseConnection()
        #expect(talk.answer() == "closes")
        #expect(talk.hear(Self.get) == "finish")
    }

    @Test("the bytes of a recent head are the same request")
    func recent() throws {
        var parser = HeadParser()
        let bytes = Array(Self.get.utf8)
        let parsed = try parser.parse(bytes.span, limits: CheckedLimits(Self.limits))
        var machine = ConnectionMachine(
            isSecured: false, limits: CheckedLimits(Self.limits), now: MonotonicTime(nanoseconds: 0))
        var position = 0
        let more = bytes + bytes
        let now = MonotonicTime(nanoseconds: 0)
        guard case .startRecent = machine.next(more.span, position: &position, recent: parsed, now: now) else {
            Issue.record("the head was parsed again")
            return
        }
        #expect(position == bytes.count)
        let keepsAlive = machine.answerBegins()
        #expect(keepsAlive)
        machine.answerEnds(isComplete: true, now: now)
        let other = Array("GET /b HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        position = 0
        guard case .start(let head) = machine.next(other.span, position: &position, recent: parsed, now: now) else {
            Issue.record("another head was taken for the recent one")
            return
        }
        #expect(head.head.path == "/b")
    }
}
