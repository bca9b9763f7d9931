// The settings of dispatch: their defaults, and what they mean for a claim and for another attempt.

import Feature
public import Store

extension DispatchSettings {
    /// The settings of a feature that has none of its own.
    public static let standard = DispatchSettings(
        priority: 0, requires: [:], claimsMax: nil, attemptsMax: Int32(TransactionLimits.attemptsMax),
        retryFirst: Int32(TransactionLimits.retryDelayFirst.components.seconds),
        retryMax: Int32(TransactionLimits.retryDelayMax.components.seconds))

    /// The required tags, `name=value`, that a worker with these tags lacks.
    func missing(from tags: [String: String]) -> [String] {
        requires.filter { tags[$0.key] != $0.value }.map { "\($0.key)=\($0.value)" }.sorted()
    }

    /// The seconds before attempt `attempts + 1`. The delay doubles with each attempt. Its upper half is random, so that
    /// units which failed together do not return together.
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
    /// The settings of dispatch of a feature, or of the feature of an expansion's units.
    func dispatch(of feature: FeatureID) -> DispatchSettings {
        guard let key = self[feature]?.key, let id = features[key] else { return .standard }
        return dispatches[id]?.settings ?? .standard
    }

    /// The ids under which features have claims, for every feature that a project ever had.
    func units(ofProject project: Int32) -> [FeatureID] {
        stored.values.filter { $0.project == project }.map { $0.units ?? $0.id }.sorted()
    }
}
