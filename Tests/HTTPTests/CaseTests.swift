// The conformance and abuse cases against the machine, whole and cut at each byte.

import HTTP
import HTTPSupport
import Testing

@Suite("The cases, without sockets")
struct CaseTests {
    static let cases = Result { try HTTPCase.all() }

    private func harness(for httpCase: HTTPCase) -> MachineHarness {
        MachineHarness(heads: httpCase.steps.first?.sent?.starts(with: "HEAD".utf8) == true ? [0] : [])
    }

    @Test("each case is answered as it should be", arguments: try cases.get())
    func answered(_ httpCase: HTTPCase) throws {
        var harness = harness(for: httpCase)
        try harness.send(httpCase.steps)
        #expect(httpCase.faults(of: harness.observation).isEmpty)
    }

    /// The longer cases are cut at some bytes only, as the work grows with the square of their length.
    @Test("a case cut in two at any byte is answered as if it were whole", arguments: try cases.get())
    func cut(_ httpCase: HTTPCase) throws {
        guard httpCase.steps.count == 1, let bytes = httpCase.steps.first?.sent else { return }
        var whole = harness(for: httpCase)
        try whole.receive(bytes)
        var prefix = harness(for: httpCase)
        var fed = 0
        for offset in stride(from: 1, to: bytes.count, by: max(1, bytes.count / 400)) {
            try prefix.receive(bytes[fed..<offset])
            fed = offset
            var rest = prefix
            try rest.receive(bytes[offset...])
            #expect(rest.observation == whole.observation, "cut before byte \(offset)")
        }
    }

    @Test("a case that comes byte by byte is answered as if it were whole", arguments: try cases.get())
    func byteByByte(_ httpCase: HTTPCase) throws {
        guard httpCase.steps.count == 1, let bytes = httpCase.steps.first?.sent, bytes.count < 2_000 else { return }
        var whole = harness(for: httpCase)
        try whole.receive(bytes)
        var slow = harness(for: httpCase)
        for byte in bytes {
            try slow.receive([byte])
        }
        #expect(slow.observation == whole.observation)
    }
}
