// Bodies and answers in gzip.

import API
import Gzip
import HTTP
import JSON
import Testing

@Suite("Content codings")
struct CodingTests {
    private static let fields = ["Accept-Encoding": "gzip"].map { ($0, $1) }

    @Test(
        "a body in gzip is what it decodes to, however it is cut", arguments: ["gzip", "x-gzip", "GZIP"], [1, 65_536])
    func body(_ coding: String, _ piece: Int) async throws {
        try await World.with { world in
            let headers = [("Content-Type", "application/json"), ("Content-Encoding", coding)]
            let push = Array(Graphs.push.utf8).zipped
            #expect(try await world.send("POST", "/v1/push", headers: headers, body: push, piece: piece).status == 201)
            let lines = [("Content-Type", "application/x-ndjson"), ("Content-Encoding", coding)]
            let rows = Array(Graphs.rows.utf8).zipped
            let written = try await world.send(
                "POST", "/v1/records/video/raw", headers: lines, body: rows, piece: piece)
            #expect(try written.json["written"]?.number == 2)
        }
    }

    @Test(
        "other codings are refused, and so are several at once",
        arguments: ["deflate", "br", "gzip, gzip", "identity, gzip", ""])
    func otherCodings(_ coding: String) async throws {
        let world = World.withoutDatabase()
        let headers = [("Content-Type", "application/json"), ("Content-Encoding", coding)]
        let answer = try await world.send("POST", "/v1/push", headers: headers, body: Array("{}".utf8))
        try expectProblem(answer, 415, "unsupported_media_type")
        #expect(answer.headers["Accept-Encoding"] == "gzip, identity")
    }

    enum Damage: CaseIterable {
        case notGzip, cut, changed, followed
    }

    @Test("a body that is not whole and valid gzip is refused", arguments: Damage.allCases)
    func damaged(_ damage: Damage) async throws {
        let world = World.withoutDatabase()
        var body = Array(Graphs.push.utf8).zipped
        switch damage {
        case .notGzip: body = Array(Graphs.push.utf8)
        case .cut: body.removeLast()
        case .changed: body[body.count - 5] ^= 1
        case .followed: body += [0]
        }
        let headers = [("Content-Type", "application/json"), ("Content-Encoding", "gzip")]
        try expectProblem(try await world.send("POST", "/v1/push", headers: headers, body: body), 400, "bad_request")
    }

    @Test("a body that decodes to too much is refused, whether by its ratio or by its size")
    func bombs() async throws {
        let world = World.withoutDatabase()
        let headers = [("Content-Type", "application/json"), ("Content-Encoding", "gzip")]
        let zeros = [UInt8](repeating: 0x20, count: 4 << 20).zipped
        let byRatio = try await world.send("POST", "/v1/push", headers: headers, body: zeros)
        try expectProblem(byRatio, 413, "content_too_large")
        #expect(byRatio.text.contains("256 times"))
        // Further apart than deflate's window of 32 KiB, so that repetition does not compress it.
        let block = (0..<65_536).map { UInt8(truncatingIfNeeded: ($0 &* $0 &* 2_654_435_761) >> 13) | 0x40 }
        var large: [UInt8] = []
        for _ in 0..<257 { large += block }
        let bySize = try await world.send("POST", "/v1/push", headers: headers, body: large.zipped)
        try expectProblem(bySize, 413, "content_too_large")
        #expect(bySize.text.contains("16777216 bytes"))
    }

    @Test("an answer is compressed where the client prefers that and it is worth it")
    func answers() async throws {
        try await World.with { world in
            try await world.fill(rows: 1_000)
            for target in ["/v1/records/video/raw?limit=50", "/v1/records/video/raw?limit=1000", "/openapi.json"] {
                let plain = try await world.get(target)
                let coded = try await world.get(target, headers: Self.fields)
                #expect(plain.headers["Content-Encoding"] == nil)
                #expect(coded.headers["Content-Encoding"] == "gzip")
                #expect(plain.headers["Vary"] == "Accept-Encoding" && coded.headers["Vary"] == "Accept-Encoding")
                #expect(coded.bytes == plain.bytes)
                #expect(coded.wireBytes < plain.wireBytes / 2)
                let refused = try await world.get(target, headers: [("Accept-Encoding", "gzip;q=0, identity")])
                #expect(refused.headers["Content-Encoding"] == nil)
                let head = try await world.send("HEAD", target, headers: Self.fields)
                #expect(head.headers["Content-Encoding"] == "gzip")
            }
        }
    }

    @Test("a stream is compressed as it goes")
    func streams() async throws {
        try await World.with { world in
            try await world.fill(rows: 1_000)
            let wanted = [("Accept", "application/x-ndjson")]
            let plain = try await world.get("/v1/records/video/raw", headers: wanted)
            let coded = try await world.get("/v1/records/video/raw", headers: wanted + Self.fields)
            #expect(coded.headers["Content-Encoding"] == "gzip")
            #expect(coded.bytes == plain.bytes && !coded.isAborted)
            #expect(coded.text.split(separator: "\n").count == 1_000)
            #expect(coded.wireBytes < plain.wireBytes / 2)
        }
    }

    @Test("a stream that breaks off says why in gzip too, and has no end that a decoder would take for whole")
    func brokenStreams() async throws {
        try await World.with { world in
            try await world.fill(rows: 2_500)
            let answer = try await world.getBreaking("/v1/records/video/raw", headers: Self.fields)
            #expect(answer.isAborted && !answer.isWhole)
            let last = try #require(answer.text.split(separator: "\n").last)
            #expect(try JSONValue(parsing: Array(last.utf8))["error"]?["code"]?.stringValue == "unavailable")
        }
    }

    @Test("what has a strong validator, and what is short, stays as it is")
    func uncoded() async throws {
        try await World.with { world in
            try await world.fill(rows: 1)
            for target in ["/v1/features/video/raw", "/v1/projects/demo", "/v1/records/video/raw", "/livez"] {
                let answer = try await world.get(target, headers: Self.fields)
                #expect(answer.status == 200 && answer.headers["Content-Encoding"] == nil)
            }
        }
    }
}

extension [UInt8] {
    /// The bytes in gzip.
    fileprivate var zipped: [UInt8] {
        var encoder = GzipEncoder(level: 6)
        return encoder.encode(self) + encoder.finish()
    }
}

extension World {
    /// Pushes the graph and writes rows of the root.
    fileprivate func fill(rows: Int) async throws {
        _ = try await post("/v1/push", Graphs.push)
        let lines = (0..<rows).map {
            #"{"video_id":"v\#($0)","path":"s3://b/v\#($0).mp4","metaxy_provenance_by_field":{"audio":"a\#($0)","frames":"f"}}"#
        }
        let written = try await postLines("/v1/records/video/raw", lines.joined(separator: "\n"))
        #expect(written.status == 200, "\(written.text)")
    }
}
