// Judges what a server did with a case.

/// What was observed of one connection.
public struct Observation: Equatable, Sendable {
    /// The answers, interim ones included.
    public var answers: [Answer] = []
    /// Bytes that are no complete answer.
    public var rest: [UInt8] = []
    /// The server has closed the connection.
    public var isClosed = false

    /// Creates an empty observation.
    public init() {}
}

extension HTTPCase {
    /// Whether everything that has to come has come.
    ///
    /// - Parameter observation: what was seen so far.
    /// - Returns: whether only more than is allowed could still come.
    public func hasSaidEnough(_ observation: Observation) -> Bool {
        let final = observation.answers.filter { $0.status >= 200 }.count
        return switch then {
        case .close: observation.isClosed || expected.contains(.wait)
        case .sync: observation.isClosed || final >= 2
        case .open, .any: observation.isClosed || final >= 1 || expected.contains(.wait)
        }
    }

    /// What is wrong with an observation.
    ///
    /// - Parameter observation: what was seen.
    /// - Returns: one sentence for each fault; empty when the server passes.
    public func faults(of observation: Observation) -> [String] {
        let all = observation.answers.map(\.status)
        let final = all.filter { $0 >= 200 }
        let isEarly =
            earlyOK == true && !final.isEmpty && observation.isClosed && final.dropFirst().allSatisfy { $0 >= 400 }
        var faults = firstFaults(observation, all, final, isEarly)
        if final.count > maxResponses, !isEarly { faults.append("answered more requests than there were: \(final)") }
        switch then {
        case .close where !all.isEmpty && !observation.isClosed: faults.append("not closed")
        case .open where observation.isClosed: faults.append("closed")
        case .sync where final.count == 1 && !observation.isClosed: faults.append("the next request was not answered")
        case .sync where final.count == 2 && final[1] != 200: faults.append("the next request was answered \(final[1])")
        default: break
        }
        if let first = observation.answers.first {
            for check in check ?? [] where !Self.passes(check, first, all) {
                faults.append("failed check \(check)")
            }
        }
        return faults
    }

    private func firstFaults(_ observation: Observation, _ all: [Int], _ final: [Int], _ isEarly: Bool) -> [String] {
        guard let first = all.first else {
            if !observation.rest.isEmpty { return ["bytes that are no answer"] }
            if observation.isClosed { return expected.contains(.close) ? [] : ["closed without an answer"] }
            return expected.contains(.wait) ? [] : ["no answer"]
        }
        let judged = expected.contains(.status(100)) && first == 100 ? first : final.first ?? first
        return expected.contains(.status(judged)) || isEarly ? [] : ["answered \(judged)"]
    }

    private static func passes(_ check: String, _ answer: Answer, _ all: [Int]) -> Bool {
        switch check {
        case "date":
            answer.field("date")?.wholeMatch(of: /[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT/) != nil
        case "content-type": answer.field("content-type") != nil
        case "framed": answer.field("content-length") != nil || answer.field("transfer-encoding") == "chunked"
        case "head": answer.body.isEmpty
        case "allow": answer.field("allow") != nil
        case "no-1xx": all.allSatisfy { $0 >= 200 }
        case "no-cl-204": answer.status != 204 || answer.field("content-length") == nil
        default: false
        }
    }
}
