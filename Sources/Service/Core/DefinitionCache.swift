// Earlier definitions, under which records were written that still exist.

import Feature
import JSON
import Store
import Synchronization

/// The parts of an earlier definition that judging records needs.
struct EarlierDefinition: Sendable {
    /// Its feature version.
    let featureVersion: String
    /// The formula of each field, by slot.
    let formulas: [Slot: FieldFormula]
    /// Its fields in the order of the spec.
    let fields: [StoredField]
    /// Its upstream features in the order of its deps.
    let upstreams: [FeatureKey]
}

/// Definitions by number. They never change, so an entry is never dropped.
final class DefinitionCache: Sendable {
    private let entries = Mutex<[DefinitionID: EarlierDefinition]>([:])

    /// The definitions of these numbers. Unknown ones are read from the registry.
    ///
    /// - Throws: `.corrupt` where one does not exist.
    /// - Complexity: one round trip where some are unknown, none otherwise.
    func definitions(
        _ ids: Set<DefinitionID>, _ registry: Registry
    ) throws(StoreError) -> [DefinitionID: EarlierDefinition] {
        var known = entries.withLock { entries in entries.filter { ids.contains($0.key) } }
        let unknown = ids.subtracting(known.keys)
        guard !unknown.isEmpty else { return known }
        for definition in try registry.definitions(unknown.sorted()) {
            known[definition.id] = try Self.earlier(definition)
        }
        guard known.count == ids.count else { throw .corrupt("a record was written under an unknown definition") }
        entries.withLock { [known] entries in entries.merge(known) { old, _ in old } }
        return known
    }

    private static func earlier(_ definition: StoredDefinition) throws(StoreError) -> EarlierDefinition {
        let spec: FeatureSpec
        do {
            spec = try FeatureSpec(json: try JSONValue(parsing: definition.spec), at: "")
        } catch {
            throw .corrupt("the spec of definition \(definition.id) cannot be read: \(error)")
        }
        let optional = Set(spec.deps.filter(\.optional).map(\.feature))
        var formulas: [Slot: FieldFormula] = [:]
        for field in definition.fields {
            var parents: [FieldFormula.Parent] = []
            for text in field.parents {
                guard let reference = FieldReference(text) else { throw .corrupt("\(text) names no field") }
                parents.append(
                    FieldFormula.Parent(reference: reference, isOptional: optional.contains(reference.feature)))
            }
            formulas[field.slot] = FieldFormula(field: field.key, codeVersion: field.codeVersion, parents: parents)
        }
        return EarlierDefinition(
            featureVersion: definition.featureVersion, formulas: formulas, fields: definition.fields,
            upstreams: spec.deps.map(\.feature))
    }
}

extension FieldReference {
    /// Reads the form `feature/key.field/key`; keys have no dots.
    init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let feature = FeatureKey(String(parts[0])), let field = FieldKey(String(parts[1]))
        else { return nil }
        self.init(feature: feature, field: field)
    }
}
