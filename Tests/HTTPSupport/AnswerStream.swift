// Splits what a server has sent into answers, strictly.

/// One answer of a server.
public struct Answer: Equatable, Sendable {
    /// The status code.
    public let status: Int
    /// Field lines in order, names in lower case.
    public let fields: [(name: String, value: String)]
    /// The content, decoded from chunks.
    public let body: [UInt8]

    /// The value of a field, nil when it is absent.
    ///
    /// - Parameter name: in lower case.
    /// - Returns: the value of its first line.
    public func field(_ name: String) -> String? {
        fields.first { $0.name == name }?.value
    }

    /// Whether two answers are the same but for their date.
    public static func == (left: Answer, right: Answer) -> Bool {
        func undated(_ answer: Answer) -> [String] {
            answer.fields.filter { $0.name != "date" }.map { "\($0.name): \($0.value)" }
        }
        return left.status == right.status && left.body == right.body && undated(left) == undated(right)
    }
}

/// Answers that a client has received.
public struct AnswerStream: Sendable {
    /// What was received breaks the protocol.
    public struct Malformed: Error, CustomStringConvertible {
        /// What is wrong.
        public let description: String
    }

    /// The answers that are complete.
    public private(set) var answers: [Answer] = []
    /// The bytes after them.
    public private(set) var rest: [UInt8] = []
    /// How many requests of those sent are HEAD, by their position.
    private let heads: Set<Int>

    /// Creates an empty stream.
    ///
    /// - Parameter heads: the positions of HEAD requests among those sent, whose answers have no content.
    public init(heads: Set<Int> = []) {
        self.heads = heads
    }

    /// The statuses of all answers but interim ones.
    public var finalStatuses: [Int] {
        answers.map(\.status).filter { $0 >= 200 }
    }

    /// Takes what was received.
    ///
    /// - Parameter bytes: the next bytes of the connection.
    /// - Throws: when they cannot be answers.
    public mutating func receive(_ bytes: [UInt8]) throws {
        rest += bytes
        while let (answer, length) = try first() {
            answers.append(answer)
            rest.removeFirst(length)
        }
    }

    private func first() throws -> (Answer, Int)? {
        guard let headEnd = position(of: "\r\n\r\n", from: 0) else { return nil }
        var lines = String(decoding: rest[..<headEnd], as: UTF8.self).split(
            separator: "\r\n", omittingEmptySubsequences: false)
        let statusLine = lines.removeFirst().split(separator: " ", maxSplits: 2)
        guard statusLine.count >= 2, statusLine[0] == "HTTP/1.1", let status = Int(statusLine[1]) else {
            throw Malformed(description: "no status line: \(statusLine)")
        }
        let fields = lines.map { line in
            let parts = line.split(separator: ":", maxSplits: 1)
            return (name: parts[0].lowercased(), value: parts[1].drop { $0 == " " }.description)
        }
        let empty = Answer(status: status, fields: fields, body: [])
        let start = headEnd + 4
        let isHead = heads.contains(finalStatuses.count)
        if status < 200 || status == 204 || status == 304 || isHead { return (empty, start) }
        if empty.field("transfer-encoding") == "chunked" {
            guard let (body, end) = try chunks(from: start) else { return nil }
            return (Answer(status: status, fields: fields, body: body), end)
        }
        guard let length = empty.field("content-length").flatMap({ Int($0) }) else {
            throw Malformed(description: "no framing: \(fields)")
        }
        guard rest.count >= start + length else { return nil }
        return (Answer(status: status, fields: fields, body: Array(rest[start..<start + length])), start + length)
    }

    private func chunks(from start: Int) throws -> ([UInt8], Int)? {
        var body: [UInt8] = []
        var at = start
        while let lineEnd = position(of: "\r\n", from: at) {
            guard let size = Int(String(decoding: rest[at..<lineEnd], as: UTF8.self), radix: 16) else {
                throw Malformed(description: "no chunk size")
            }
            at = lineEnd + 2
            guard rest.count >= at + size + 2 else { return nil }
            body += rest[at..<at + size]
            at += size + 2
            if size == 0 { return (body, at) }
        }
        return nil
    }

    private func position(of text: String, from start: Int) -> Int? {
        let wanted = Array(text.utf8)
        guard rest.count >= start + wanted.count else { return nil }
        return (start...rest.count - wanted.count).first { rest[$0..<$0 + wanted.count].elementsEqual(wanted) }
    }
}
