// The judge of the cases has to find faults.

import Foundation
import HTTPSupport
import Testing

@Suite("The judge of the cases")
struct CaseVerdictTests {
    private func httpCase(_ then: String, _ expected: String, max: Int, _ more: String = "") throws -> HTTPCase {
        let json = """
            {"name": "x", "level": "MUST", "expected": \(expected), "then": "\(then)", "max_responses": \(max),
             "raw_b64": ""\(more)}
            """
        return try JSONDecoder().decode(HTTPCase.self, from: Data(json.utf8))
    }

    private func observation(
        _ statuses: [Int], closed: Bool, fields: String = "", rest: String = ""
    ) throws -> Observation {
        var stream = AnswerStream()
        for status in statuses {
            try stream.receive(Array("HTTP/1.1 \(status) X\r\nContent-Length: 0\r\n\(fields)\r\n".utf8))
        }
        var observation = Observation()
        observation.answers = stream.answers
        observation.isClosed = closed
        observation.rest = Array(rest.utf8)
        return observation
    }

    @Test("a refusal has to close and may not be followed by another answer")
    func refusal() throws {
        let refused = try httpCase("close", "[400]", max: 1)
        #expect(try refused.faults(of: observation([400], closed: true)).isEmpty)
        #expect(try refused.faults(of: observation([200], closed: true)) == ["answered 200"])
        #expect(try refused.faults(of: observation([400], closed: false)) == ["not closed"])
        #expect(try refused.faults(of: observation([400, 200], closed: true)).count == 1)
        #expect(try refused.faults(of: observation([], closed: true)) == ["closed without an answer"])
        #expect(try refused.faults(of: observation([], closed: false)) == ["no answer"])
        #expect(try refused.faults(of: observation([], closed: true, rest: "x")) == ["bytes that are no answer"])
    }

    @Test("a well-framed request leaves the next one in sync")
    func sync() throws {
        let synced = try httpCase("sync", "[200]", max: 2)
        #expect(try synced.faults(of: observation([200, 200], closed: false)).isEmpty)
        #expect(try synced.faults(of: observation([200], closed: true)).isEmpty)
        #expect(try synced.faults(of: observation([200], closed: false)).count == 1)
        #expect(try synced.faults(of: observation([200, 400], closed: true)).count == 1)
    }

    @Test("an answer before broken content was read is allowed where the case says so")
    func early() throws {
        let strict = try httpCase("close", "[400]", max: 1)
        let lenient = try httpCase("close", "[400]", max: 1, #", "early_ok": true"#)
        #expect(try strict.faults(of: observation([404], closed: true)) == ["answered 404"])
        #expect(try lenient.faults(of: observation([404], closed: true)).isEmpty)
        #expect(try lenient.faults(of: observation([404, 200], closed: true)).count == 2)
    }

    @Test("checks of the first answer are made")
    func checks() throws {
        let checked = try httpCase("any", "[200]", max: 1, #", "check": ["date", "content-type", "unknown"]"#)
        #expect(try checked.faults(of: observation([200], closed: false)).count == 3)
        let fields = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: a/b\r\n"
        #expect(try checked.faults(of: observation([200], closed: false, fields: fields)) == ["failed check unknown"])
    }

    @Test(
        "what is no answer is not taken for one",
        arguments: ["HTTP/1.0 200 OK\r\n\r\n", "200\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"])
    func malformed(_ text: String) {
        var stream = AnswerStream()
        #expect(throws: AnswerStream.Malformed.self) { try stream.receive(Array(text.utf8)) }
    }
}
