// Runs a connection machine without sockets: a buffer, a small application and a list of answers.

import Base
import HTTP
import HTTPSupport

/// A connection machine with the application that the cases assume. A value, so that a test can fork it at any byte.
struct MachineHarness {
    private(set) var machine: ConnectionMachine
    private(set) var buffer: [UInt8] = []
    private(set) var stream: AnswerStream
    private(set) var isClosed = false
    private var request: ParsedHead?
    private var content: [UInt8] = []
    var now = MonotonicTime(nanoseconds: 0)

    init(limits: ProtocolLimits = ProtocolLimits(), heads: Set<Int> = []) {
        machine = ConnectionMachine(isSecured: false, limits: CheckedLimits(limits), now: now)
        stream = AnswerStream(heads: heads)
    }

    var observation: Observation {
        var observation = Observation()
        observation.answers = stream.answers
        observation.rest = stream.rest
        observation.isClosed = isClosed
        return observation
    }

    mutating func receive(_ bytes: some Sequence<UInt8>) throws {
        buffer += bytes
        try run()
    }

    mutating func peerEnds() throws {
        machine.peerEnded(now: now)
        try run()
    }

    mutating func send(_ steps: [HTTPCase.Step]) throws {
        for step in steps {
            if let bytes = step.sent { try receive(bytes) } else { try peerEnds() }
        }
    }

    mutating func drain() throws {
        machine.drain()
        try run()
    }

    private mutating func run() throws {
        let bytes = buffer
        var position = 0
        loop: while !isClosed {
            switch machine.next(bytes.span, position: &position, recent: nil, now: now) {
            case .read:
                break loop
            case .pause:
                break loop
            case .finish:
                isClosed = true
            case .start(let parsed):
                try start(parsed)
            case .startRecent:
                preconditionFailure("none was given")
            case .content(let range):
                content += bytes[range]
                try want()
            case .contentEnd:
                try answer(Response(status: .ok, body: .bytes(content)))
            case .contentFailed(.malformed):
                try answer(Response(status: .badRequest))
            case .contentFailed(.timeout):
                try answer(Response(status: .requestTimeout))
            case .contentFailed:
                isClosed = true
            case .refuse(let error):
                request = nil
                try answer(Response(status: error.status))
            }
        }
        buffer.removeFirst(position)
    }

    private mutating func start(_ parsed: ParsedHead) throws {
        request = parsed
        content = []
        let head = parsed.head
        switch (head.method, head.path) {
        case (.get, "/healthz"), (.head, "/healthz"):
            try answer(Response(status: .ok, headers: ["Content-Type": "text/plain"], body: .bytes([0x6F, 0x6B])))
        case (.post, "/echo"):
            if case .length(let length) = parsed.content, length > TestRoutes.echoBytesMax {
                try answer(Response(status: .contentTooLarge))
            } else {
                try want()
            }
        case (.options, _): try answer(Response(status: .noContent))
        case (_, "/healthz"): try answer(Response(status: .methodNotAllowed, headers: ["Allow": "GET, HEAD"]))
        default: try answer(Response(status: .notFound))
        }
    }

    private mutating func want() throws {
        guard machine.contentWanted() else { return }
        var output: [UInt8] = []
        ResponseEncoder.appendContinue(to: &output)
        try stream.receive(output)
    }

    private mutating func answer(_ response: Response) throws {
        let framing = ResponseEncoder.framing(of: response, to: request?.head.version ?? .http11)
        var output: [UInt8] = []
        let keepsAlive = machine.answerBegins()
        ResponseEncoder.appendHead(
            of: response, framing: framing, closes: !keepsAlive,
            date: ResponseEncoder.dateLine(unixSeconds: 784_111_777), to: &output)
        if case .bytes(let bytes) = response.body, request?.head.method != .head, framing != .none { output += bytes }
        try stream.receive(output)
        machine.answerEnds(isComplete: true, now: now)
    }
}
