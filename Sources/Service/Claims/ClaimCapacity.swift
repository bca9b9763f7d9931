// Caps on concurrent claims: whether another claim may be made, and who is woken when one ends.

import Feature
import Postgres
import Store

extension Catalog {
    /// The caps on claims on a feature, or on an expansion's units; nil where there are none.
    func caps(of feature: FeatureID) -> ClaimCaps? {
        guard
            let key = self[feature]?.key, let stored = stored[key], let member = graph.members[key],
            let project = projects[member.project]
        else { return nil }
        let own = dispatches[stored.id]?.settings.claimsMax
        guard own != nil || project.claimsMax != nil else { return nil }
        return ClaimCaps(
            feature: feature, settings: own.map { (stored.id, Int($0)) },
            project: project.claimsMax.map { (project.id, Int($0)) },
            features: project.claimsMax == nil ? [feature] : units(ofProject: project.id))
    }
}

/// The caps on active claims of a feature, and of all features that share its project's cap.
struct ClaimCaps {
    /// The feature, or the units of an expansion.
    let feature: FeatureID
    /// The feature whose settings have a cap; nil for none.
    let settings: (feature: FeatureID, most: Int)?
    /// The project whose settings have a cap; nil for none.
    let project: (id: Int32, most: Int)?
    /// The features whose claims count against the project's cap.
    let features: [FeatureID]

    /// Whether the caps allow one more claim.
    func hasRoom(_ active: ActiveClaims) -> Bool {
        active.feature < settings?.most ?? .max && active.all < project?.most ?? .max
    }
}

/// The room for claims on a feature under its caps.
struct ClaimCapacity {
    /// The feature, or the units of an expansion.
    let feature: FeatureID

    /// Reserves room for one claim, where claims are capped, and takes back units of expired claims.
    ///
    /// - Precondition: no block is locked yet. A transaction that waits for a cap's row must hold nothing that others need.
    /// - Returns: whether there is room. Then no other transaction makes a claim under the same caps before this one ends.
    /// - Complexity: up to four round trips under caps, besides those of `LeaseExpiry`.
    func reserve(_ transaction: inout ServiceTransaction, _ memory: ClaimMemory) throws(ServiceError) -> Bool {
        let expiry = LeaseExpiry(feature: feature, memory: memory)
        guard let caps = transaction.catalog.caps(of: feature) else {
            try expiry.takeBack(&transaction)
            return true
        }
        // Counted first without a lock. Otherwise every transaction that finds no room would queue for the lock.
        guard caps.hasRoom(try count(caps, isHeldOnly: true, transaction)) else { return false }
        let rows = CappedClaims(transaction.connection)
        try stored { () throws(StoreError) in
            if let project = caps.project { try rows.lock(project: project.id) }
            if let settings = caps.settings { try rows.lock(feature: settings.feature) }
        }
        try expiry.takeBack(&transaction)
        return caps.hasRoom(try count(caps, isHeldOnly: false, transaction))
    }

    /// Wakes tasks that may have waited for the room of a claim that has ended.
    ///
    /// - Complexity: one round trip under caps, none without.
    func release(_ transaction: inout ServiceTransaction) throws(ServiceError) {
        guard let caps = transaction.catalog.caps(of: feature) else { return }
        let connection = transaction.connection
        transaction.awaken(
            try stored { () throws(StoreError) in try WorkOutlook(connection).withWork(among: caps.features) })
    }

    private func count(
        _ caps: ClaimCaps, isHeldOnly: Bool, _ transaction: ServiceTransaction
    ) throws(ServiceError) -> ActiveClaims {
        try stored { () throws(StoreError) in
            try CappedClaims(transaction.connection).count(caps.feature, among: caps.features, isHeldOnly: isHeldOnly)
        }
    }
}
