// How fields without explicit inputs find them in an upstream feature.

/// The rule that chooses, for each field of a feature, its inputs among the fields of one upstream feature.
public enum FieldsMapping: Hashable, Sendable {
    /// The field of the same key; with `matchSuffix` also those whose last parts are the key; never those in
    /// `excludeFields`. When nothing matches, all that are not excluded.
    case `default`(matchSuffix: Bool, excludeFields: [FieldKey])
    /// The fields listed for the key; none for a key that is not listed.
    case specific([FieldKey: Set<FieldKey>])
    /// All fields.
    case all
    /// No field.
    case none

    /// What a dep without a mapping has.
    public static let standard = FieldsMapping.default(matchSuffix: false, excludeFields: [])

    /// The inputs of `field` among `upstream`, in the order of `upstream`.
    func inputs(of field: FieldKey, among upstream: [FieldKey]) -> [FieldKey] {
        switch self {
        case .all: return upstream
        case .none: return []
        case .specific(let mapping):
            let chosen = mapping[field] ?? []
            return upstream.filter { chosen.contains($0) }
        case .default(let matchSuffix, let excludeFields):
            let candidates = upstream.filter { !excludeFields.contains($0) }
            let parts = field.parts
            let matches = candidates.filter { $0 == field || (matchSuffix && $0.parts.ends(with: parts)) }
            return matches.isEmpty ? candidates : matches
        }
    }
}

extension [String] {
    fileprivate func ends(with suffix: [String]) -> Bool {
        count >= suffix.count && self.suffix(suffix.count).elementsEqual(suffix)
    }
}
