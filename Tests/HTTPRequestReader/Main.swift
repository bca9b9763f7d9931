// Reads requests from standard input and prints the first of each, for comparison with another parser.

import Base
import Foundation
import HTTP

/// Input: for each case its length in four bytes, the highest first, and its bytes. Output: a line for each, its parts
/// separated by tabs: `request METHOD TARGET CONTENT END` (the first three in base64, then how many bytes the request
/// takes), `partial`, or `refused STATUS DETAIL`.
@main
enum Main {
    static func main() throws {
        let input = FileHandle.standardInput
        let output = FileHandle.standardOutput
        while let length = try input.read(upToCount: 4), length.count == 4 {
            let count = length.reduce(0) { $0 << 8 | Int($1) }
            let bytes = count == 0 ? Data() : try input.read(upToCount: count) ?? Data()
            try output.write(contentsOf: Data((describe(Array(bytes)) + "\n").utf8))
        }
    }

    private static func describe(_ bytes: [UInt8]) -> String {
        let now = MonotonicTime(nanoseconds: 0)
        var machine = ConnectionMachine(isSecured: false, limits: CheckedLimits(ProtocolLimits()), now: now)
        machine.peerEnded(now: now)
        var request: ParsedHead?
        var content: [UInt8] = []
        var position = 0
        while true {
            switch machine.next(bytes.span, position: &position, recent: nil, now: now) {
            case .start(let parsed):
                request = parsed
                _ = machine.contentWanted()
            case .content(let range):
                content += bytes[range]
                _ = machine.contentWanted()
            case .contentEnd:
                guard let request else { preconditionFailure("content belongs to a request") }
                let parts = [request.head.method.name.utf8.map { $0 }, request.head.target.utf8.map { $0 }, content]
                return "request\t" + parts.map { Data($0).base64EncodedString() + "\t" }.joined() + "\(position)"
            case .contentFailed(.malformed): return "refused\tThe content's coding is broken."
            case .contentFailed: return "partial"
            case .refuse(let error): return "refused\t\(error.status.code) \(error.detail)"
            case .read: return "partial"
            case .pause: return "partial"
            case .finish: return "partial"
            case .startRecent: preconditionFailure("none was given")
            }
        }
    }
}
