// A question for an increment, as a client asks it.

import Feature
import Service

/// A question for an increment, with what its pages are bound to.
struct ResolveQuestion {
    /// The names of its members, but for the samples.
    static let members = [
        "kinds", "limit", "cursor", "counts_only", "filters", "global_filters", "target_filters",
        "staleness_predicates", "skip_comparison", "compat",
    ]

    private var asked: IncrementQuery
    private let cursor: String?
    private let countsOnly: Bool

    /// Reads a question.
    ///
    /// - Parameters:
    ///   - samples: the records to compare with; nil where none were given.
    ///   - members: the other members, in which faults are noted.
    init(_ key: FeatureKey, _ samples: [RecordRow]?, _ members: inout Members) {
        let limit = members.count("limit", least: 1, most: TransactionLimits.pageRowsMax)
        asked = IncrementQuery(feature: key, limit: limit ?? TransactionLimits.pageRowsStandard, samples: samples)
        if let kinds = members.choices("kinds", among: IncrementKind.allCases) { asked.kinds = kinds }
        cursor = members.string("cursor", bytesMax: 1_024)
        countsOnly = members.bool("counts_only") ?? false
        asked.restriction = IncrementRestriction(
            filters: FilterMembers.readByFeature(&members, "filters"),
            global: FilterMembers.read(&members, "global_filters"),
            target: FilterMembers.read(&members, "target_filters"),
            predicates: FilterMembers.read(&members, "staleness_predicates"),
            skipsComparison: members.bool("skip_comparison") ?? false)
        asked.restriction.isCompatible = members.choice("compat", Compatibility.self) != nil
    }

    /// What a cursor is bound to: all that is asked but for how much of it.
    var fingerprint: CursorFingerprint {
        var fingerprint = CursorFingerprint(
            "resolve", asked.feature.description, asked.kinds.map(\.rawValue).sorted().joined(separator: ","))
        let restriction = asked.restriction
        for (key, filters) in restriction.filters.sorted(by: { $0.key < $1.key }) {
            fingerprint.add(key.description)
            for filter in filters { fingerprint.add(filter.text) }
        }
        for filters in [restriction.global, restriction.target, restriction.predicates] {
            fingerprint.add(nil)
            for filter in filters { fingerprint.add(filter.text) }
        }
        fingerprint.add("\(restriction.skipsComparison) \(restriction.isCompatible)")
        for sample in asked.samples ?? [] { fingerprint.add(sample) }
        return fingerprint
    }

    /// The question for the service. Counts come with the first page: they cost a walk over all candidates.
    func query() throws(Problem) -> IncrementQuery {
        let position = try cursor.map { (text) throws(Problem) in
            guard case .number(let number) = try Cursor.position(text, fingerprint) else { throw Cursor.refusal() }
            return number
        }
        var query = asked
        if countsOnly { query.limit = 0 }
        query.after = position ?? -1
        query.countsAll = position == nil || countsOnly
        return query
    }
}

/// Whose answer is wanted where it differs from the server's own.
enum Compatibility: String, CaseIterable {
    /// The Metaxy library's.
    case metaxy
}

extension CursorFingerprint {
    /// Adds a record.
    fileprivate mutating func add(_ row: RecordRow) {
        add(row.key.encoded)
        add(row.metadata)
        for (field, version) in (row.provenance ?? [:]).sorted(by: { $0.key < $1.key }) {
            add(field)
            add(version)
        }
    }
}
