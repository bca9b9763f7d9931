// What the settings of dispatch mean.

import Feature
public import Store

extension DispatchSettings {
    /// What a feature has of which nothing was said.
    public static let standard = DispatchSettings(
        priority: 0, requires: [:], claimsMax: nil, attemptsMax: Int32(Limits.attemptsMax),
        retryFirst: Int32(Limits.retryDelayFirst.components.seconds),
        retryMax: Int32(Limits.retryDelayMax.components.seconds))

    /// Which of the tags that a worker must have, `name=value`, one with these tags lacks.
    func missing(from tags: [String: String]) -> [String] {
        requires.filter { tags[$0.key] != $0.value }.map { "\($0.key)=\($0.value)" }.sorted()
    }

    /// The seconds before attempt `attempts + 1`: doubled with each attempt, the upper half of it random, so that units
    /// that failed together do not come back together.
    ///
    /// - Parameter random: 0..<1.
    func retryDelay(attempts: Int, random: Double) -> Double {
        let most = Double(retryMax)
        var delay = Double(retryFirst)
        for _ in 1..<max(attempts, 1) where delay < most { delay *= 2 }
        return min(delay, most) * (0.5 + random / 2)
    }
}

extension Catalog {
    /// How a feature's work is handed out; `feature` may stand for its units.
    func dispatch(of feature: FeatureID) -> DispatchSettings {
        guard let key = self[feature]?.key, let id = features[key] else { return .standard }
        return dispatches[id]?.settings ?? .standard
    }

    /// The caps on claims on a feature; `feature` may stand for its units.
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

    /// What stands for the units of each feature that a project ever had.
    func units(ofProject project: Int32) -> [FeatureID] {
        stored.values.filter { $0.project == project }.map { $0.units ?? $0.id }.sorted()
    }
}

/// How many claims there may be at a time on a feature and on those that share its project's cap.
struct ClaimCaps {
    /// The feature, or what stands for its units.
    let feature: FeatureID
    /// The feature whose settings say how many claims it may have; nil where they do not say.
    let settings: (feature: FeatureID, most: Int)?
    /// The project whose settings say how many claims it may have; nil where they do not say.
    let project: (id: Int32, most: Int)?
    /// All whose claims count.
    let features: [FeatureID]

    /// Whether there is room for one more.
    func hasRoom(_ active: ActiveClaims) -> Bool {
        active.feature < settings?.most ?? .max && active.all < project?.most ?? .max
    }
}

extension ServiceTransaction {
    /// Gets a place for one claim on a feature, where claims are capped, and takes back what can be taken back.
    ///
    /// - Precondition: no block is locked yet: whoever waits for a place must hold nothing that others need.
    /// - Returns: whether there is one; then nobody else makes a claim under the same caps before this transaction ends.
    /// - Complexity: up to four round trips under caps, none of its own without.
    mutating func takePlace(_ feature: FeatureID) throws(ServiceError) -> Bool {
        guard let caps = catalog.caps(of: feature) else {
            try takeBack(feature)
            return true
        }
        // Asked first without a lock, or all who find no room would stand in line for it.
        guard caps.hasRoom(try count(caps, isHeldOnly: true)) else { return false }
        let places = CappedClaims(connection)
        try stored { () throws(StoreError) in
            if let project = caps.project { try places.lock(project: project.id) }
            if let settings = caps.settings { try places.lock(feature: settings.feature) }
        }
        try takeBack(feature)
        return caps.hasRoom(try count(caps, isHeldOnly: false))
    }

    /// Wakes who may have waited for the place of a claim that has ended.
    ///
    /// - Complexity: one round trip under caps, none without.
    mutating func leavePlace(_ feature: FeatureID) throws(ServiceError) {
        guard let caps = catalog.caps(of: feature) else { return }
        let connection = connection
        awaken(
            try stored { () throws(StoreError) in try WorkOutlook(connection).withWork(among: caps.features) })
    }

    private func count(_ caps: ClaimCaps, isHeldOnly: Bool) throws(ServiceError) -> ActiveClaims {
        try stored { () throws(StoreError) in
            try CappedClaims(connection).count(caps.feature, among: caps.features, isHeldOnly: isHeldOnly)
        }
    }
}
