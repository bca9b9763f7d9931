// The server is killed in the middle of its work: each operation is there whole, or not at all.

import Foundation
import JSON
import TestSupport
import Testing

@Suite("Crashes", .serialized)
struct CrashTests {
    private static let graph = """
        {"project":"p","features":[
        {"spec":{"key":"root","id_columns":["id"],"fields":[{"key":"x","code_version":"1"}]}},
        {"spec":{"key":"leaf","id_columns":["id"],"deps":[{"feature":"root"}],"fields":[{"key":"y","code_version":"1"}]}}]}
        """
    private static let rows = 400
    private static let rounds = 50

    @Test("kill -9 during a bulk write or a completion, fifty times at random moments")
    func leaveNothingHalfDone() async throws {
        var random = SeededRandom(seed: Self.seed)
        try await TestDatabase.with { database in
            let directory = NSTemporaryDirectory() + "metaxy-crash-\(UUID().uuidString)"
            var server = try ServerProcess(database: database.connectionString, dataDirectory: directory)
            let pushed = try await server.send("POST", "/v1/push", Self.graph)
            #expect(pushed.status == 201)
            let whole = try await server.send(
                "POST", "/v1/records/root", Self.body(of: "first"), type: "application/x-ndjson")
            #expect(whole.status == 200)
            var written = Int64(Self.rows)
            var writes = Moments()
            var completions = Moments()
            for round in 0..<Self.rounds {
                if round.isMultiple(of: 2) {
                    let delay = writes.next(using: &random)
                    let isWhole = try await Self.crashWhileWriting(&server, round, delay, written, database, directory)
                    if isWhole { written += Int64(Self.rows) }
                    writes.note(isWhole)
                } else {
                    let delay = completions.next(using: &random)
                    let isWhole = try await Self.crashWhileCompleting(&server, delay, database, directory)
                    if let isWhole { completions.note(isWhole) }
                }
                let verified = try await server.send("POST", "/v1/admin/verify", "{}")
                #expect(verified.json.number("mismatch_count") == 0, "seed \(Self.seed), round \(round)")
            }
            server.stop()
            // The moments were spread over before, during and after: both outcomes have been seen.
            #expect(writes.whole > 0 && writes.nothing > 0, "seed \(Self.seed): \(writes)")
            #expect(completions.whole + completions.nothing > 0, "seed \(Self.seed): \(completions)")
        }
    }

    /// The moments of the kills of one kind of request, kept around its commit.
    ///
    /// One measured request says little of the next ones on a machine that other tests share. So each outcome moves
    /// the range of the delays: a kill that came after the commit shortens it, one that came before lengthens it.
    private struct Moments {
        private(set) var whole = 0
        private(set) var nothing = 0
        /// In seconds.
        private(set) var longestDelay = 0.1

        func next(using random: inout SeededRandom) -> Double {
            Double.random(in: 0..<longestDelay, using: &random)
        }

        mutating func note(_ isWhole: Bool) {
            if isWhole {
                whole += 1
                longestDelay *= 0.7
            } else {
                nothing += 1
                longestDelay *= 1.4
            }
        }
    }

    /// The seed of a run: random, or the one to replay.
    private static let seed: UInt64 =
        ProcessInfo.processInfo.environment["METAXY_SEED"].flatMap(UInt64.init) ?? UInt64.random(in: 0..<1_000_000)

    private static func body(of round: String) -> String {
        (0..<rows).map { row in
            #"{"id":"\#(round)-\#(row)","metaxy_provenance_by_field":{"x":"v\#(round)"}}"#
        }.joined(separator: "\n")
    }

    /// - Returns: whether the rows are there.
    private static func crashWhileWriting(
        _ server: inout ServerProcess, _ round: Int, _ delay: Double, _ before: Int64, _ database: TestDatabase,
        _ directory: String
    ) async throws -> Bool {
        let body = body(of: "\(round)")
        try await crash(&server, delay, database, directory) { server in
            _ = try await server.send("POST", "/v1/records/root", body, type: "application/x-ndjson")
        }
        let counts = try await server.send("POST", "/v1/resolve/leaf", #"{"counts_only":true}"#).json["counts"]
        let known = (counts?.number("new") ?? 0) + (counts?.number("up_to_date") ?? 0)
        #expect(known == before || known == before + Int64(rows), "seed \(seed), round \(round): \(known)")
        return known != before
    }

    /// - Returns: whether the results are there; nil where there was nothing to claim.
    private static func crashWhileCompleting(
        _ server: inout ServerProcess, _ delay: Double, _ database: TestDatabase, _ directory: String
    ) async throws -> Bool? {
        let claimed = try await server.send(
            "POST", "/v1/claims", #"{"feature":"leaf","worker":"w","limit":\#(rows),"lease_seconds":600}"#)
        guard claimed.status == 201 else { return nil }
        let claim = try #require(claimed.json.number("claim_id"))
        let token = try #require(claimed.json.number("token"))
        let ids = (claimed.json["records"]?.arrayValue ?? []).compactMap { $0["id"]?.stringValue }
        let records = ids.map { #"{"id":"\#($0)"}"# }.joined(separator: ",")
        let body = #"{"token":\#(token),"records":[\#(records)]}"#
        try await crash(&server, delay, database, directory) { server in
            _ = try await server.send("POST", "/v1/claims/\(claim)/complete", body)
        }
        let after = try await server.send("GET", "/v1/claims/\(claim)")
        let remaining = try #require(after.json.number("remaining"))
        #expect(remaining == 0 || remaining == Int64(ids.count), "seed \(seed): \(remaining) of \(ids.count) remain")
        // The worker's own way out: it reports again, and that is right in either case.
        let again = try await server.send("POST", "/v1/claims/\(claim)/complete", body)
        #expect(again.status == 200)
        #expect(again.json.number("completed") == Int64(ids.count))
        #expect(again.json.number("remaining") == 0)
        return remaining == 0
    }

    /// Sends a request, kills the server after `delay` seconds, and starts it again.
    private static func crash(
        _ server: inout ServerProcess, _ delay: Double, _ database: TestDatabase, _ directory: String,
        _ request: @escaping @Sendable (SendableServer) async throws -> Void
    ) async throws {
        let target = SendableServer(url: server.url)
        let sending = Task { try await request(target) }
        await withCheckedContinuation { continuation in
            DispatchQueue.global().asyncAfter(deadline: .now() + delay) { continuation.resume() }
        }
        server.crash()
        // Whether the answer came through does not matter here: what is stored does.
        _ = await sending.result
        server = try ServerProcess(database: database.connectionString, dataDirectory: directory)
    }
}

/// The address of a server, to be used from another task.
struct SendableServer: Sendable {
    let url: String

    /// Sends a request and gives the answer's status.
    func send(_ method: String, _ path: String, _ body: String?, type: String = "application/json") async throws -> Int
    {
        try await HTTPClient.send(method, url + path, body, type: type).status
    }
}

/// Numbers that follow from a seed (SplitMix64).
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
