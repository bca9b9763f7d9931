// The features that a worker can get units of: visible, derived, and with requirements that its tags meet.

import Feature
import Store

/// The features that a worker can get units of.
struct ClaimOffer: Sendable {
    /// The features in the order of the search.
    let features: [FeatureID]
    /// The revision of the registry by which they were chosen.
    let revision: Int64
}

extension Catalog {
    /// The features that a worker can get units of, as far as the caller sees them.
    ///
    /// - Throws: `.featureNotFound`; `.invalid` for a root; `.requirementsNotMet`.
    func offer(_ request: ClaimRequest, _ visibleProjects: VisibleProjects) throws(ServiceError)
        -> ClaimOffer
    {
        let keys = request.features
        var features: [(id: FeatureID, priority: Int32, index: Int)] = []
        var unmet: [String] = []
        for (index, key) in keys.enumerated() {
            guard let plan = units(of: key), visibleProjects.sees(key, in: self) else {
                throw .featureNotFound(key.description)
            }
            guard !plan.isRoot else {
                throw .invalid([
                    Fault(
                        .pointer(keys.count == 1 ? "/feature" : "/features/\(index)"),
                        "\(key) is a root: its records are written, not computed")
                ])
            }
            let settings = dispatch(of: plan.id)
            let missing = settings.missing(from: request.tags)
            if missing.isEmpty {
                features.append((plan.id, settings.priority, index))
            } else {
                unmet.append("\(key) requires \(missing.joined(separator: " "))")
            }
        }
        guard !features.isEmpty else {
            throw .requirementsNotMet(unmet.prefix(TransactionLimits.faultsMax).joined(separator: "; "))
        }
        return ClaimOffer(
            features: features.sorted { ($1.priority, $0.index) < ($0.priority, $1.index) }.map(\.id),
            revision: revision)
    }
}
