// The main job as a story: push, write, resolve, claim, complete, change, and again.

import Feature
import Service
import Testing

@Suite("The main job")
struct StoryTests {
    private static let video = """
        {"key":"video","id_columns":["id"],"fields":[{"key":"audio","code_version":"1"},{"key":"frames","code_version":"1"}]}
        """
    private static let crop = """
        {"key":"crop","id_columns":["id"],"deps":[{"feature":"video"}],\
        "fields":[{"key":"audio","code_version":"1"},{"key":"frames","code_version":"1"}]}
        """
    private static let faces = """
        {"key":"faces","id_columns":["id"],"deps":[{"feature":"crop"}],\
        "fields":[{"key":"faces","code_version":"1","deps":[{"feature":"crop","fields":["frames"]}]}]}
        """
    private static let speech = """
        {"key":"speech","id_columns":["id"],"deps":[{"feature":"crop"}],\
        "fields":[{"key":"text","code_version":"1","deps":[{"feature":"crop","fields":["audio"]}]}]}
        """
    private static let graph = [video, crop, faces, speech]
    private static let videos = [
        ("a", ["audio": "1", "frames": "1"]), ("b", ["audio": "2", "frames": "2"]),
    ]

    @Test("a first run computes everything, and then nothing is left")
    func firstRun() async throws {
        try await World.with { world in
            let outcome = try await world.push(Self.graph)
            #expect(outcome.features.map(\.change) == [.added, .added, .added, .added])
            #expect(try await world.write("video", Self.videos).new == 2)
            #expect(try await world.resolve("crop") == [.new: ["a", "b"]])
            #expect(try await world.resolve("faces") == [:])
            #expect(try await world.work("crop") == ["a", "b"])
            #expect(try await world.resolve("crop") == [:])
            #expect(try await world.work("faces") == ["a", "b"])
            #expect(try await world.work("speech") == ["a", "b"])
            #expect(try await world.write("video", [("a", ["audio": "1", "frames": "1"])]).unchanged == 1)
            #expect(try await world.resolve("crop") == [:])
            let verified = try await world.metaxy.operations.verify(nil)
            #expect(verified.mismatches == [])
            #expect(verified.checked == 8)
        }
    }

    @Test("a change of one field goes only where the field is used")
    func fieldChange() async throws {
        try await World.with { world in
            try await world.push(Self.graph)
            try await world.write("video", Self.videos)
            for feature in ["crop", "faces", "speech"] { try await world.work(feature) }
            try await world.write("video", [("a", ["audio": "9", "frames": "1"])])
            #expect(try await world.resolve("crop") == [.stale: ["a"]])
            #expect(try await world.resolve("speech") == [:])
            try await world.work("crop")
            #expect(try await world.resolve("speech") == [.stale: ["a"]])
            #expect(try await world.resolve("faces") == [:])
        }
    }

    @Test("a code bump makes records stale and blocks what follows; going back costs nothing")
    func codeBumpAndRollback() async throws {
        try await World.with { world in
            try await world.push(Self.graph)
            try await world.write("video", Self.videos)
            for feature in ["crop", "faces", "speech"] { try await world.work(feature) }
            let bumped = Self.crop.replacing(#""audio","code_version":"1""#, with: #""audio","code_version":"2""#)
            let bumpedSpeech = Self.speech.replacing(#""code_version":"1""#, with: #""code_version":"2""#)
            try await world.push([Self.video, bumped, Self.faces, bumpedSpeech])
            #expect(try await world.resolve("crop") == [.stale: ["a", "b"]])
            #expect(try await world.resolve("faces") == [:])
            #expect(try await world.resolve("speech") == [.blocked: ["a", "b"]])
            #expect(try await world.claim("speech") == nil)
            #expect(try await world.work("crop", limit: 1) == ["a", "b"])
            #expect(try await world.resolve("speech") == [.stale: ["a", "b"]])
            #expect(try await world.work("speech") == ["a", "b"])
            #expect(try await world.metaxy.operations.verify(nil).mismatches == [])
            try await world.push(Self.graph)
            for feature in ["crop", "faces", "speech"] { #expect(try await world.resolve(feature) == [:]) }
            #expect(try await world.metaxy.operations.verify(nil).mismatches == [])
        }
    }

    @Test("a feature without records may change its id columns, whatever is waiting to be computed")
    func movedColumns() async throws {
        try await World.with { world in
            let root = #"{"key":"root","id_columns":["id"],"fields":[{"key":"a"}]}"#
            let other = #"{"key":"other","id_columns":["name"],"fields":[{"key":"a"}]}"#
            func leaf(_ column: String, _ rename: String) -> String {
                """
                {"key":"leaf","id_columns":["\(column)"],"deps":[{"feature":"root"\(rename)}],"fields":[{"key":"a"}]}
                """
            }
            try await world.push([root, other, leaf("id", "")])
            try await world.write("root", ["r", "s", "t"].map { ($0, ["a": "1"]) })
            try await world.delete("root", "id <> 's'")
            try await world.push([root, other, leaf("name", #","rename":{"id":"name"}"#)])
            #expect(try await world.increment("leaf") == [.new: ["s"]])
            #expect(try await world.work("leaf") == ["s"])
            #expect(try await world.candidates() == [:])
            #expect(try await world.mismatches() == [])
        }
    }
}
