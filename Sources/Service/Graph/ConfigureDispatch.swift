// Reads and changes the settings of dispatch: in which order, to whom and how often a feature's work is handed out.

public import Feature
import Postgres
public import Store

/// The settings of dispatch of a feature.
public struct DispatchSummary: Sendable, Hashable {
    /// The feature.
    public let key: FeatureKey
    /// The settings, and how often they were changed.
    public let stored: StoredDispatch
}

extension GraphService {
    /// The settings of dispatch of a feature.
    ///
    /// - Throws: `.featureNotFound`; `.invalid` for a root, which has no work; `.unavailable`.
    /// - Complexity: two round trips.
    public func dispatch(of key: FeatureKey) async throws(ServiceError) -> DispatchSummary {
        try await transactions.read { (transaction) throws(ServiceError) in try Self.dispatch(of: key, transaction) }
    }

    /// Changes the settings of dispatch of a feature. The next claim on any server uses them.
    ///
    /// Settings that the feature has already change nothing.
    ///
    /// - Parameter expected: the revision that they must be at; nil for any.
    /// - Throws: `.featureNotFound`; `.invalid` for a root, for bounds that contradict each other, and for a column that
    ///   no row can have; `.settingsMoved`; `.unavailable`.
    /// - Complexity: about six round trips, under the registry lock alone.
    public func configure(
        dispatch key: FeatureKey, _ settings: DispatchSettings, expected: String?, writer: Writer = Writer()
    ) async throws(ServiceError) -> DispatchSummary {
        try await transactions.change(exclusive: true) { (transaction) throws(ServiceError) in
            let present = try Self.dispatch(of: key, transaction)
            if let expected, expected != "\(present.stored.revision)" {
                throw .settingsMoved(current: "\(present.stored.revision)")
            }
            guard settings.retryMax >= settings.retryFirst else {
                throw .invalid([
                    Fault(
                        .pointer("/retry_max_seconds"),
                        "expected at least retry_first_seconds, which is \(settings.retryFirst)")
                ])
            }
            if let column = settings.orderBy { try Self.check(orderBy: column, of: key, transaction) }
            guard settings != present.stored.settings, let feature = transaction.catalog.features[key] else {
                return present
            }
            let dispatch = StoredDispatch(revision: present.stored.revision + 1, settings: settings)
            let connection = transaction.connection
            try stored { () throws(StoreError) in
                try DispatchTable(connection).write(dispatch, of: feature)
                try Registry(connection).touch()
            }
            try transaction.begin(
                writer,
                LoggedChange(.dispatchConfigured, feature: feature, detail: ChangeDetail.texts(Self.words(settings))))
            if let units = transaction.catalog.units(of: key) { transaction.awaken([units.id]) }
            return DispatchSummary(key: key, stored: dispatch)
        }
    }

    private static func words(_ settings: DispatchSettings) -> KeyValuePairs<String, String> {
        [
            "priority": "\(settings.priority)",
            "requires": settings.requires.map { "\($0.key)=\($0.value)" }.sorted().joined(separator: " "),
            "max_claims": settings.claimsMax.map { "\($0)" } ?? "", "max_attempts": "\(settings.attemptsMax)",
            "retry_first_seconds": "\(settings.retryFirst)", "retry_max_seconds": "\(settings.retryMax)",
            "order_by": settings.orderBy ?? "",
        ]
    }

    private static func dispatch(
        of key: FeatureKey, _ transaction: ServiceTransaction
    ) throws(ServiceError) -> DispatchSummary {
        let plan = try transaction.unitPlan(key)
        guard !plan.isRoot else {
            throw .invalid([Fault(.pointer(""), "\(key) is a root: its records are written, not computed")])
        }
        let catalog = transaction.catalog
        let known = catalog.features[key].flatMap { catalog.dispatches[$0] }
        return DispatchSummary(key: key, stored: known ?? StoredDispatch(revision: 0, settings: .standard))
    }

    /// Refuses a column that no row of a feature can have. A column that no record has yet is accepted.
    private static func check(
        orderBy column: String, of key: FeatureKey, _ transaction: ServiceTransaction
    ) throws(ServiceError) {
        let columns = RowColumns(try transaction.unitPlan(key), transaction.catalog)
        guard column.hasPrefix("metaxy_") || !columns.contains(column) else { return }
        throw .invalid([
            Fault(
                .pointer("/order_by"),
                "the rows of \(key) have no column \"\(column)\" to order by; they have \(columns.described)")
        ])
    }
}
