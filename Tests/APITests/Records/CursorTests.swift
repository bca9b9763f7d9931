// Cursors that were not given for a query are refused by every list.

import HTTPSupport
import JSON
import Service
import Testing

@testable import API

@Suite("Cursors")
struct CursorTests {
    /// A list: its path, where its cursor goes, and the body that asks for it where it is a POST.
    private struct List {
        let target: String
        var parameter = "cursor"
        var answer = "next_cursor"
        var body: String?

        func ask(_ world: World, limit: Int, cursor: String?) async throws -> Answer {
            if let body {
                let more = cursor.map { #","cursor":"\#($0)""# } ?? ""
                return try await world.post(target, #"{"limit":\#(limit)\#(body)\#(more)}"#)
            }
            let mark = target.contains("?") ? "&" : "?"
            let more = cursor.map { "&\(parameter)=\($0)" } ?? ""
            return try await world.get("\(target)\(mark)limit=\(limit)\(more)")
        }
    }

    private static let lists = [
        List(target: "/v1/projects"), List(target: "/v1/projects/demo/versions"), List(target: "/v1/features"),
        List(target: "/v1/features?prefix=video"), List(target: "/v1/records/video/raw"),
        List(target: "/v1/records/video/raw?history=true"),
        List(target: "/v1/records/video/raw?filter=path%20IS%20NULL"),
        List(target: "/v1/claims"), List(target: "/v1/claims?worker=w"), List(target: "/v1/failures/video/faces"),
        List(target: "/v1/admin/audit"), List(target: "/v1/admin/tokens"),
        List(target: "/v1/events", parameter: "after", answer: "next"),
        List(target: "/v1/resolve/video/faces", body: ""),
        List(target: "/v1/resolve/video/faces", body: #","kinds":["new"]"#),
    ]

    /// Fills every list with two elements or more.
    private static func fill(_ world: World) async throws {
        try await world.prepare()
        let more = Graphs.raw.replacing(#""frames","code_version":"1""#, with: #""frames","code_version":"2""#)
        _ = try await world.post("/v1/push", Graphs.push([more, Graphs.faces]))
        let other = #"{"project":"other","features":[]}"#
        #expect(try await world.post("/v1/push", other).status == 201)
        let rows = (1...6).map { #"{"video_id":"w\#($0)","metaxy_provenance_by_field":{"audio":"1","frames":"1"}}"# }
        _ = try await world.postLines("/v1/records/video/raw", rows.joined(separator: "\n") + "\n")
        for name in ["a", "b"] { _ = try await world.token(name, [.read]) }
        for attempt in 0..<4 {
            let claim = try await world.post("/v1/claims", #"{"feature":"video/faces","worker":"w","limit":1}"#).json
            let id = try #require(claim["claim_id"]?.number)
            let token = try #require(claim["token"]?.number)
            if attempt < 2 {
                let report = #"{"token":\#(token),"error":"x","retryable":false}"#
                #expect(try await world.post("/v1/claims/\(id)/fail", report).status == 200)
            }
        }
    }

    private static func expectRefused(_ world: World, _ list: List, _ cursor: String) async throws {
        let answer = try await list.ask(world, limit: 1, cursor: cursor)
        #expect(answer.status == 400, "\(list.target) \(cursor): \(answer.text)")
        #expect(try answer.code == "invalid_cursor", "\(list.target) \(cursor)")
    }

    @Test("a cursor with one character changed, cut or added is refused by every list, and so are random texts")
    func mutated() async throws {
        try await World.with { world in
            try await Self.fill(world)
            var random = SeededGenerator(seed: 20)
            let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" as String)
            for list in Self.lists {
                let first = try await list.ask(world, limit: 1, cursor: nil)
                let cursor = try #require(try first.json[list.answer]?.stringValue, "\(list.target): \(first.text)")
                #expect(try await list.ask(world, limit: 1, cursor: cursor).status == 200, "\(list.target)")
                let characters = Array(cursor)
                for index in characters.indices {
                    var changed = characters
                    let others = alphabet.filter { $0 != characters[index] }
                    changed[index] = others[Int.random(in: others.indices, using: &random)]
                    try await Self.expectRefused(world, list, String(changed))
                }
                try await Self.expectRefused(world, list, String(characters.dropLast()))
                try await Self.expectRefused(world, list, String(characters.dropFirst()))
                try await Self.expectRefused(world, list, cursor + "A")
                for length in [1, 8, 12, 13, 21, 29, 60] {
                    let text = (0..<length).map { _ in alphabet[Int.random(in: alphabet.indices, using: &random)] }
                    try await Self.expectRefused(world, list, String(text))
                }
            }
        }
    }

    @Test("a cursor of one list is refused by every other list and by the same list under another question")
    func exchanged() async throws {
        try await World.with { world in
            try await Self.fill(world)
            for (number, list) in Self.lists.enumerated() {
                let first = try await list.ask(world, limit: 1, cursor: nil)
                let cursor = try #require(try first.json[list.answer]?.stringValue)
                for (other, asked) in Self.lists.enumerated() where other != number {
                    try await Self.expectRefused(world, asked, cursor)
                }
            }
        }
    }

    @Test("a position that no list gave is 200, 400 or 410, never 500")
    func extreme() async throws {
        try await World.with { world in
            try await Self.fill(world)
            let names = [
                ("/v1/projects", CursorFingerprint("projects")), ("/v1/admin/tokens", CursorFingerprint("tokens")),
                ("/v1/features", CursorFingerprint("features", nil, nil)),
                ("/v1/admin/audit", CursorFingerprint("audit")),
                ("/v1/projects/demo/versions", CursorFingerprint("versions", "demo")),
                ("/v1/failures/video/faces", CursorFingerprint("failures", "video/faces")),
                ("/v1/claims", CursorFingerprint("claims", nil, nil)),
                (
                    "/v1/records/video/raw",
                    CursorFingerprint("records", "video/raw", "false false", nil, nil, nil, "")
                ), ("/v1/events", CursorFingerprint("events")),
            ]
            let positions: [Cursor.Position] = [
                .number(.max), .number(.min), .number(-1), .number(0), .version(.max, .max), .version(.min, .min),
                .version(-1, 0), .name(""), .name("\u{0}"), .name("\u{10FFFF}"),
                .name(String(repeating: "z", count: 3_000)),
            ]
            for (target, fingerprint) in names {
                var accepted = 0
                for position in positions {
                    let parameter = target == "/v1/events" ? "after" : "cursor"
                    let answer = try await world.get("\(target)?\(parameter)=\(Cursor.text(position, fingerprint))")
                    #expect([200, 400, 410].contains(answer.status), "\(target) \(position): \(answer.text)")
                    if answer.status != 400 { accepted += 1 }
                }
                // The seals are right: some of these positions are ones that the list could have given.
                #expect(accepted > 0, "\(target)")
            }
        }
    }
}
