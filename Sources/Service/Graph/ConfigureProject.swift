// Creates a project, or changes its hash settings and its cap on claims.

public import Feature
import Postgres
public import Store

extension GraphService {
    /// Creates a project with these settings, or changes the settings of an existing one.
    ///
    /// Settings that a project has already change nothing.
    ///
    /// - Parameters:
    ///   - algorithm: nil for what the project has, or for the standard.
    ///   - truncation: likewise.
    ///   - claimsMax: how many active claims its features may have at a time, all together; `.some(nil)` for any number,
    ///     nil for what the project has. It changes nothing about records, and can always be changed.
    /// - Returns: the project, and whether it was made now.
    /// - Throws: `.invalid` for a truncation out of bounds; `.conflict` where the project has records and the settings
    ///   differ; `.unavailable`.
    /// - Complexity: about five round trips.
    public func configure(
        project name: String, algorithm: HashAlgorithm?, truncation: Int?, claimsMax: Int32?? = nil,
        writer: Writer = Writer()
    ) async throws(ServiceError) -> (project: ProjectSummary, isNew: Bool) {
        try await transactions.change(exclusive: true) { (transaction) throws(ServiceError) in
            let known = transaction.catalog.projects[name]
            let present = known?.hash ?? .standard
            guard
                let hash = RecordHash(
                    algorithm: algorithm ?? present.algorithm, truncation: truncation ?? present.truncation)
            else {
                throw .invalid([
                    Fault(
                        .pointer("/hash_truncation_length"),
                        "expected \(RecordHash.truncationMin) to \(RecordHash.truncationMax)")
                ])
            }
            let most = claimsMax ?? known?.claimsMax
            if let summary = transaction.catalog.summary(ofProject: name), present == hash, known?.claimsMax == most {
                return (summary, false)
            }
            let connection = transaction.connection
            if let known, present != hash, try Self.hasRecords(project: known.id, transaction) {
                throw .conflict(
                    "the project has records, made with \(present.algorithm.rawValue) cut to \(present.truncation)"
                        + " characters; its hash settings stay")
            }
            let project = try stored { () throws(StoreError) in
                let registry = Registry(connection)
                if let known {
                    try registry.changeProject(known.id, hash: hash)
                    try registry.changeProject(known.id, claimsMax: most)
                } else {
                    try registry.changeProject(try registry.createProject(name, hash: hash), claimsMax: most)
                }
                try registry.touch()
                return try registry.project(named: name)
            }
            guard let project else { throw .internal("the project \(name) was not stored") }
            let detail = ChangeDetail.texts([
                "hash_algorithm": hash.algorithm.rawValue, "hash_truncation_length": "\(hash.truncation)",
                "max_claims": most.map { "\($0)" } ?? "",
            ])
            try transaction.begin(writer, LoggedChange(.projectConfigured, project: project.id, detail: detail))
            transaction.awaken(transaction.catalog.units(ofProject: project.id))
            let features = transaction.catalog.summary(ofProject: name)?.features ?? 0
            return (ProjectSummary(project: project, features: features), known == nil)
        }
    }

    /// Whether any feature of a project has records, live or soft-deleted.
    private static func hasRecords(
        project: Int32, _ transaction: ServiceTransaction
    ) throws(ServiceError) -> Bool {
        let connection = transaction.connection
        let counts = try stored { () throws(StoreError) in try PresenceTable(connection).counts() }
        return transaction.catalog.stored.values.contains { feature in
            guard feature.project == project else { return false }
            return [feature.id, feature.units].compactMap { $0.flatMap { counts[$0] } }.contains {
                $0.live + $0.gone > 0
            }
        }
    }
}
