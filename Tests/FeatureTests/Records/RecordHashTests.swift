// Digests, their text forms, and the rules of joining.

import Testing

@testable import Feature

@Suite struct RecordHashTests {
    /// Algorithm, input, whole text form.
    static let digests: [(HashAlgorithm, String, String)] = [
        (.md5, "", "d41d8cd98f00b204e9800998ecf8427e"), (.md5, "abc", "900150983cd24fb0d6963f7d28e17f72"),
        (.sha256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (.sha256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (.xxhash32, "", "46947589"), (.xxhash32, "abc", "852579327"),
        (.xxhash64, "", "17241709254077376921"), (.xxhash64, "abc", "4952883123889572249"),
    ]

    @Test(arguments: digests)
    func textFormsAreHexOrDecimal(algorithm: HashAlgorithm, input: String, text: String) throws {
        let whole = try #require(RecordHash(algorithm: algorithm, truncation: 64))
        #expect(whole.digest(Array(input.utf8)) == text)
        for length in 8...64 {
            let hash = try #require(RecordHash(algorithm: algorithm, truncation: length))
            #expect(hash.digest(Array(input.utf8)) == String(text.prefix(length)))
        }
        #expect(text.utf8.count <= algorithm.textLengthMax)
    }

    @Test func truncationHasBounds() {
        #expect(RecordHash(algorithm: .sha256, truncation: 7) == nil)
        #expect(RecordHash(algorithm: .sha256, truncation: 65) == nil)
        #expect(RecordHash.standard == RecordHash(algorithm: .sha256, truncation: 32))
        #expect(HashAlgorithm.allCases.map(\.rawValue) == ["md5", "sha256", "xxhash32", "xxhash64"])
    }

    private func reference(_ feature: String, _ field: String) throws -> FieldReference {
        FieldReference(feature: try #require(FeatureKey(feature)), field: try #require(FieldKey(field)))
    }

    private func formula() throws -> FieldFormula {
        FieldFormula(
            field: try #require(FieldKey("x/y")), codeVersion: "v|1",
            parents: [
                .init(reference: try reference("b", "f"), isOptional: true),
                .init(reference: try reference("a/b", "f/g"), isOptional: false),
            ])
    }

    @Test func aProvenanceJoinsLabelsAndVersionsInOrderOfTheLabels() throws {
        let hash = RecordHash.standard
        var hasher = RecordHasher(hash)
        let formula = try formula()
        #expect(formula.parents.map(\.reference.description) == ["a/b.f/g", "b.f"])
        let both = hasher.provenance(of: formula, dataVersions: ["1", "2"])
        #expect(both == hash.digest(Array("x/y|v|1|a/b.f/g|1|b.f|2".utf8)))
        // A missing optional parent is empty text behind its label; a missing required one makes it unknown.
        let one = hasher.provenance(of: formula, dataVersions: ["1", nil])
        #expect(one == hash.digest(Array("x/y|v|1|a/b.f/g|1|b.f|".utf8)))
        #expect(hasher.provenance(of: formula, dataVersions: [nil, "2"]) == nil)
        let root = FieldFormula(field: try #require(FieldKey("x")), codeVersion: "", parents: [])
        #expect(hasher.provenance(of: root, dataVersions: []) == hash.digest(Array("x|".utf8)))
    }

    @Test func aRecordVersionIsUnknownWhenAFieldIs() {
        var hasher = RecordHasher(.standard)
        #expect(hasher.recordVersion(["p", "q"]) == hasher.hash.digest(Array("p|q".utf8)))
        #expect(hasher.recordVersion(["p", nil]) == nil)
    }

    @Test func anAggregateLeavesOutWhatIsMissing() {
        var hasher = RecordHasher(.standard)
        #expect(hasher.aggregate(["p", nil, "q"]) == hasher.hash.digest(Array("p|q".utf8)))
        #expect(hasher.aggregate([nil, "q", nil]) == hasher.hash.digest(Array("q".utf8)))
        #expect(hasher.aggregate([nil, nil]) == hasher.hash.digest([]))
    }

    @Test func aRecordFormulaIsInOrderOfStructKeys() throws {
        let graph = try FeatureGraph([
            member(#"{"key":"r","id_columns":["i"],"fields":[{"key":"a/z"},{"key":"a0"}]}"#)
        ])
        let key = try #require(FeatureKey("r"))
        let formula = try #require(RecordFormula(of: key, in: graph))
        // "a/z" comes before "a0", but "a_z" after it.
        #expect(formula.structKeys == ["a0", "a_z"])
        #expect(formula.fields.map(\.field.description) == ["a0", "a/z"])
    }
}
