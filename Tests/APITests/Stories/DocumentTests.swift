// docs/semantics.md says what is so: every example of it is run.

import Testing

@Suite("docs/semantics.md")
struct DocumentTests {
    private static let document: (examples: [Example], headings: [String]) = {
        do {
            return Example.all(in: try Repository.text("docs/semantics.md"))
        } catch {
            preconditionFailure("the document cannot be read: \(error)")
        }
    }()

    @Test("each example runs as it is written", arguments: document.examples)
    func example(_ example: Example) async throws {
        try await World.with { world in try await example.run(in: world) }
    }

    @Test("every section has an example")
    func isComplete() {
        for heading in Self.document.headings {
            #expect(Self.document.examples.contains { $0.title == heading }, "\(heading)")
        }
        #expect(Self.document.headings.count > 15)
    }

    @Test("an example that is wrong fails")
    func canFail() async throws {
        let text = "## A\n```example\n> GET /v1/projects\n< 200 {\"projects\": [{\"project\": \"none\"}]}\n```\n"
        let example = try #require(Example.all(in: text).examples.first)
        await withKnownIssue { try await World.with { world in try await example.run(in: world) } }
    }

    private static func improvement(_ heading: String) async throws {
        let example = try #require(document.examples.first { $0.title == heading })
        try await World.overSocket { world in try await example.run(in: world) }
    }

    @Test("field-level carry-over")
    func fieldLevelCarryOver() async throws { try await Self.improvement("Field-level carry-over") }

    @Test("code bumps are stale, with their fields and the cause")
    func codeBumpsAreStale() async throws { try await Self.improvement("Code bumps are stale") }

    @Test("settled inputs")
    func settledInputs() async throws { try await Self.improvement("Settled inputs") }

    @Test("an expansion is a set")
    func expansionIsASet() async throws { try await Self.improvement("Expansion is a set") }

    @Test("deleted means deleted")
    func deletedMeansDeleted() async throws { try await Self.improvement("Deleted means deleted") }

    @Test("late results never win")
    func lateResultsNeverWin() async throws { try await Self.improvement("Late results") }

    @Test("going back costs nothing")
    func goingBackCostsNothing() async throws { try await Self.improvement("Going back costs nothing") }

    @Test("definitions are complete")
    func definitionsAreComplete() async throws { try await Self.improvement("Definitions are complete") }
}
