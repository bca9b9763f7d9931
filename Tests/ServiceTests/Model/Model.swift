// What the service should know, kept the slow and obvious way: every version of every record, and nothing derived.

/// The values of a record's id columns.
typealias ModelKey = [String]

/// One version of one record.
struct ModelVersion {
    enum Kind: Int16 {
        case written = 0
        case computed = 1
        case reverted = 2
        case deleted = 3
        case restored = 4
        case rebased = 5
        case late = 6
    }

    let kind: Kind
    let definition: ModelDefinition
    /// By field.
    let provenance: [String: String]
    let data: [String: String]
    /// The versions that it is made from, by dep.
    let parents: [[ModelParents]]
    let metadata: String
}

/// A version that something is made from, or those of which it may be either.
typealias ModelParents = Set<Int>

/// One record of one feature.
struct ModelRecord {
    /// Its versions, oldest first.
    var history: [Int] = []
    /// The current one.
    var head: Int?
    /// Of its versions before this one not all is there that there was beside them: history was dropped.
    var horizon: Int?
}

/// A unit whose work failed.
struct ModelFailure {
    enum Time {
        case later
        case due
        case never
    }

    /// What it should have been, by field in the order of struct keys.
    let provenance: [String]
    let attempts: Int
    var time: Time
    /// How often the lease on a batch with it ran out.
    let expiries: Int
    /// How many units the next batch with it may have.
    let batchMax: Int
}

/// A unit in a worker's hands.
struct ModelUnit {
    let key: ModelKey
    /// The head when it was handed out.
    let base: Int?
    let provenance: [String: String]
    let parents: [[ModelParents]]
    var isDone = false
    /// Whether it was reported as failed.
    var hasFailed = false
    /// Whether what it should be has been anything else since.
    var mayHaveMoved = false
}

/// A batch in a worker's hands.
struct ModelClaim {
    enum State {
        case active
        /// Every unit was reported on.
        case finished
        /// Released, or taken back.
        case ended
    }

    let id: Int64
    let token: Int64
    let feature: String
    let definition: ModelDefinition
    var units: [ModelUnit]
    var state = State.active

    var isActive: Bool { state == .active }
    var open: [Int] { units.indices.filter { !units[$0].isDone } }
}

/// The whole state.
struct Model {
    private(set) var graph = ModelGraph()
    private(set) var definitions: [String: ModelDefinition] = [:]
    /// Every version ever, in the order of writing.
    private(set) var versions: [ModelVersion] = []
    /// The record of each version.
    private(set) var owners: [ModelKey] = []
    /// The change that brought each version.
    private var changes: [Int] = []
    private var change = 0
    private(set) var records: [String: [ModelKey: ModelRecord]] = [:]
    /// What the tombstones hide.
    private var buried: [String: [ModelKey: ModelVersion]] = [:]
    var failures: [String: [ModelKey: ModelFailure]] = [:]
    var claims: [ModelClaim] = []

    mutating func define(_ graph: ModelGraph) {
        self.graph = graph
        definitions = graph.definitions
        for index in claims.indices { for unit in claims[index].open { claims[index].units[unit].mayHaveMoved = true } }
    }

    /// What is appended from now on is of another change than what was before.
    mutating func beginChange() {
        change += 1
    }

    /// Whether two versions came by the same change.
    func areOfOneChange(_ first: Int, _ second: Int) -> Bool {
        changes[first] == changes[second]
    }

    mutating func append(_ version: ModelVersion, to feature: String, _ key: ModelKey, becomesHead: Bool = true) {
        versions.append(version)
        owners.append(key)
        changes.append(change)
        records[feature, default: [:]][key, default: ModelRecord()].history.append(versions.count - 1)
        if becomesHead { records[feature]?[key]?.head = versions.count - 1 }
    }

    mutating func replace(history: [Int], of feature: String, _ key: ModelKey) {
        records[feature]?[key]?.history = history
    }

    mutating func setHorizon(_ number: Int?, of feature: String, _ key: ModelKey) {
        records[feature]?[key]?.horizon = number
    }

    /// Deletes records; a unit of an expansion of which all records are deleted is deleted too.
    mutating func delete(_ feature: ModelFeature, _ records: [ModelKey]) {
        guard let definition = definitions[feature.key] else { return }
        beginChange()
        guard feature.expandsOn != nil else {
            for unit in records {
                bury(
                    feature.key, unit, definition, feature.isRoot ? nil : expectation(feature, unit)?.provenance ?? [:])
            }
            return
        }
        for record in records { bury(feature.key, record, definition, nil) }
        for unit in Set(records.map(feature.unit)) where liveRecords(feature, unit).isEmpty {
            bury(feature.units, unit, definition, expectation(feature, unit)?.provenance ?? [:])
        }
    }

    /// Restores records, and the units that they are of.
    mutating func restore(_ feature: ModelFeature, _ records: [ModelKey]) {
        beginChange()
        for record in records { revive(feature.key, record) }
        guard feature.expandsOn != nil else { return }
        for unit in Set(records.map(feature.unit)) where head(feature.units, unit) == nil {
            revive(feature.units, unit)
        }
    }

    /// Buries a version with what it should be, so that a change of its inputs is noticed.
    ///
    /// - Parameter expected: nil where that is what it is.
    mutating func bury(
        _ feature: String, _ key: ModelKey, _ definition: ModelDefinition, _ expected: [String: String]?
    ) {
        guard let head = head(feature, key)?.version else { return }
        append(
            ModelVersion(
                kind: .deleted, definition: definition, provenance: expected ?? head.provenance, data: head.data,
                parents: [], metadata: head.metadata),
            to: feature, key)
        buried[feature, default: [:]][key] = head
    }

    /// Brings the version back that was buried.
    private mutating func revive(_ feature: String, _ key: ModelKey) {
        guard let buried = buried[feature]?[key] else { return }
        append(
            ModelVersion(
                kind: .restored, definition: buried.definition, provenance: buried.provenance, data: buried.data,
                parents: buried.parents, metadata: buried.metadata),
            to: feature, key)
    }

    /// The records that exist of a unit of an expansion.
    func liveRecords(_ feature: ModelFeature, _ unit: ModelKey) -> [ModelKey] {
        liveKeys(feature.key).filter { feature.unit(of: $0) == unit }
    }

    /// The current version of a record, which may be a tombstone.
    func current(_ feature: String, _ key: ModelKey) -> (number: Int, version: ModelVersion)? {
        guard let number = records[feature]?[key]?.head else { return nil }
        return (number, versions[number])
    }

    /// The current version of a record that exists.
    func head(_ feature: String, _ key: ModelKey) -> (number: Int, version: ModelVersion)? {
        current(feature, key).flatMap { $0.version.kind == .deleted ? nil : $0 }
    }

    /// The records that exist.
    func liveKeys(_ feature: String) -> [ModelKey] {
        (records[feature] ?? [:]).keys.filter { head(feature, $0) != nil }
            .sorted { $0.lexicographicallyPrecedes($1) }
    }

    /// The records that are deleted.
    func goneKeys(_ feature: String) -> [ModelKey] {
        (records[feature] ?? [:]).keys.filter { current(feature, $0)?.version.kind == .deleted }
            .sorted { $0.lexicographicallyPrecedes($1) }
    }

    /// Whether a unit is in a worker's hands.
    func isLeased(_ feature: String, _ key: ModelKey) -> Bool {
        claims.contains { claim in
            claim.isActive && claim.feature == feature && claim.open.contains { claim.units[$0].key == key }
        }
    }

    var derived: [String] { graph.order.filter { graph.features[$0]?.isRoot == false } }
    var roots: [String] { graph.order.filter { graph.features[$0]?.isRoot == true } }
}

// MARK: - From unit to upstream and back

extension Model {
    /// The unit that an upstream record goes into by way of one dep: of its values, by the names that the dep's renames
    /// give them, those of the unit's columns.
    private func unitKey(of upstream: ModelKey, _ feature: ModelFeature, _ dep: ModelDep) -> ModelKey {
        let renamed = (graph.features[dep.upstream]?.idColumns ?? []).map { dep.renames[$0] ?? $0 }
        let value = Dictionary(uniqueKeysWithValues: zip(renamed, upstream))
        return feature.unitColumns.map { value[$0] ?? "" }
    }

    /// The upstream records that go into a unit by way of one dep, in the order of their keys: one, or in an aggregation
    /// any number.
    func group(of unit: ModelKey, _ feature: ModelFeature, _ dep: ModelDep) -> [ModelKey] {
        liveKeys(dep.upstream).filter { key in
            let metadata = head(dep.upstream, key)?.version.metadata ?? ""
            return unitKey(of: key, feature, dep) == unit && dep.filter?.passes(metadata) != false
        }
    }

    /// Every unit that is or could be expected.
    func units(_ feature: ModelFeature) -> [ModelKey] {
        var keys = Set(liveKeys(feature.units))
        for dep in feature.deps { keys.formUnion(liveKeys(dep.upstream).map { unitKey(of: $0, feature, dep) }) }
        return keys.sorted { $0.lexicographicallyPrecedes($1) }
    }
}
