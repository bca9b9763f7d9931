// Follows lineage from a record up to the entries it was made from, and down to those made from it.

public import Feature
import Postgres
public import Store

/// The direction of a trace.
public enum TraceDirection: String, Hashable, Sendable, CaseIterable {
    /// To the entries that the record was made from.
    case up
    /// To the entries that were made from the record.
    case down
    /// Both.
    case both
}

/// A query for the lineage of a record.
public struct TraceQuery: Sendable {
    /// The feature.
    public var feature: FeatureKey
    /// The values of the record's id columns, in the order of the spec.
    public var key: RecordKey
    /// The direction.
    public var direction: TraceDirection
    /// The greatest number of edges from the record: 0...`TransactionLimits.traceDepthMax`.
    public var depth: Int
    /// The moment whose version of the record is traced, microseconds since 1970; nil for now.
    public var asOf: Int64?

    /// A query for the lineage of a record of `feature`.
    public init(
        feature: FeatureKey, key: RecordKey, direction: TraceDirection = .up,
        depth: Int = TransactionLimits.traceDepthMax,
        asOf: Int64? = nil
    ) {
        self.feature = feature
        self.key = key
        self.direction = direction
        self.depth = depth
        self.asOf = asOf
    }
}

/// A lineage entry in a trace.
public struct TraceNode: Sendable {
    /// The entry.
    public let entry: LineageEntry
    /// Its feature.
    public let feature: FeatureKey
    /// The names and values of its id columns.
    public let id: [(column: String, value: IDValue)]
    /// The feature version under which it was written.
    public let featureVersion: String
    /// Its provenance and data version, by struct key.
    public let provenance: [(structKey: String, version: String)], dataVersion: [(structKey: String, version: String)]
}

/// One entry that another was made from.
public struct TraceEdge: Hashable, Sendable {
    /// The upstream entry.
    public let from: EntryID
    /// The entry made from it.
    public let to: EntryID
    /// For each field, by struct key, the upstream's fields that it depends on, by struct key.
    public let fields: [String: [String]]
}

/// A traced lineage.
public struct Trace: Sendable {
    /// The entries, each once, beginning with the record's own.
    public let nodes: [TraceNode]
    /// The edges between them.
    public let edges: [TraceEdge]
    /// Features of which versions may be missing here, by key.
    public let thinned: [ThinnedLineage]
}

/// Versions of a feature that a trace may lack.
public struct ThinnedLineage: Sendable {
    /// The feature.
    public let feature: FeatureKey
    /// Versions that stopped being current before this moment may be missing: microseconds since 1970.
    public let horizon: Int64
    /// Entries that others in the trace were made from and that were dropped, ascending.
    public let dropped: [EntryID]
}

extension HistoryService {
    /// Traces the lineage of a record down to the exact versions.
    ///
    /// - Throws: `.featureNotFound`; `.recordNotFound`; `.invalid` where the trace has more than
    ///   `TransactionLimits.traceNodesMax` entries; `.unavailable`.
    /// - Complexity: a few round trips for each feature and level; O(entries).
    public func trace(_ query: TraceQuery) async throws(ServiceError) -> Trace {
        try await transactions.read { (transaction) throws(ServiceError) in
            var tracer = Tracer(transaction)
            return try tracer.run(query)
        }
    }
}

/// Walks the lineage breadth first, a feature at a time.
private struct Tracer {
    private let transaction: ServiceTransaction
    private var entries: [EntryID: LineageEntry] = [:]
    private var order: [EntryID] = []
    private var edges: [TraceEdge] = []
    private var known: [DefinitionID: EarlierDefinition] = [:]
    /// The features whose lineage was looked at, with the entries that were not there.
    private var missing: [FeatureID: [EntryID]] = [:]

    init(_ transaction: ServiceTransaction) {
        self.transaction = transaction
    }

    mutating func run(_ query: TraceQuery) throws(ServiceError) -> Trace {
        let plan = try transaction.plan(query.feature)
        do {
            guard let start = try start(plan, query) else { throw ServiceError.recordNotFound }
            add([start])
            if query.direction != .down { try up([start], depth: query.depth) }
            if query.direction != .up { try down([start], depth: query.depth) }
            return Trace(nodes: try nodes(), edges: edges, thinned: try thinned())
        } catch let error as StoreError {
            throw ServiceError(error)
        } catch let error as ServiceError {
            throw error
        } catch {
            throw .internal("\(error)")
        }
    }

    private mutating func start(_ plan: FeaturePlan, _ query: TraceQuery) throws -> LineageEntry? {
        _ = try transaction.horizon(of: plan, asOf: query.asOf)
        missing[plan.id] = []
        let records = try RecordIDTable(transaction.connection, space: plan.space).find([query.key.encoded])
        guard case .some(.some(let record)) = records.first else { return nil }
        let queries = LineageQueries(transaction.connection, feature: plan.id)
        if let time = query.asOf { return try queries.entry(of: record, asOf: time) }
        guard let head = try HeadTable(transaction.connection, feature: plan.id).read([record])[record] else {
            return nil
        }
        let entry = ParentEntry(entry: head.entry, record: record)
        return try queries.entries([entry])[head.entry]
    }

    private mutating func up(_ start: [LineageEntry], depth: Int) throws {
        var frontier = start
        for _ in 0..<depth where !frontier.isEmpty {
            var wanted: [FeatureID: Set<ParentEntry>] = [:]
            for entry in frontier {
                let definition = try definition(entry.definition)
                for (upstream, parents) in zip(definition.upstreams, entry.parents) {
                    guard let feature = transaction.catalog.stored[upstream]?.id, transaction.visible.sees(feature)
                    else {
                        continue
                    }
                    for parent in parents where parent.entry != 0 {
                        edges.append(edge(from: parent.entry, to: entry, of: upstream, definition))
                        if entries[parent.entry] == nil { wanted[feature, default: []].insert(parent) }
                    }
                }
            }
            frontier = []
            for (feature, parents) in wanted.sorted(by: { $0.key < $1.key }) {
                let sorted = parents.sorted { $0.entry < $1.entry }
                let found = try LineageQueries(transaction.connection, feature: feature).entries(sorted)
                frontier += sorted.compactMap { found[$0.entry] }
                missing[feature, default: []] += sorted.map(\.entry).filter { found[$0] == nil }
            }
            add(frontier)
            try checkSize()
        }
    }

    private mutating func down(_ start: [LineageEntry], depth: Int) throws {
        let mapper = UnitMapper(connection: transaction.connection, catalog: transaction.catalog)
        var frontier = start
        for _ in 0..<depth where !frontier.isEmpty {
            var found: [LineageEntry] = []
            for (feature, group) in Dictionary(grouping: frontier, by: \.feature).sorted(by: { $0.key < $1.key }) {
                for target in transaction.catalog.downstream(of: feature) {
                    guard let plan = transaction.catalog[target.feature], transaction.visible.sees(plan.key) else {
                        continue
                    }
                    let dep = plan.deps[target.dep]
                    missing[plan.children?.feature ?? plan.id, default: []] += []
                    let units = try mapper.known(Array(Set(group.map(\.record))), plan, dep: dep)
                    let children = try made(of: group.map(\.entry), by: units, plan)
                    for child in children {
                        let definition = try definition(child.definition)
                        for parent in child.parents.joined() where group.contains(where: { $0.entry == parent.entry }) {
                            edges.append(edge(from: parent.entry, to: child, of: dep.spec.feature, definition))
                        }
                    }
                    found += children
                }
            }
            frontier = found.filter { entries[$0.entry] == nil }
            add(frontier)
            try checkSize()
        }
    }

    /// The versions of units that were made from entries, or of the records that the units expand into.
    private func made(
        of entries: [EntryID], by units: [RecordID], _ plan: FeaturePlan
    ) throws(StoreError) -> [LineageEntry] {
        guard let children = plan.children else {
            return try LineageQueries(transaction.connection, feature: plan.id).children(of: entries, among: units)
        }
        let records = try LinkTable(transaction.connection, units: plan.id, records: children.feature)
            .records(of: units, space: children.space).values.flatMap { $0 }
        return try LineageQueries(transaction.connection, feature: children.feature).children(
            of: entries, among: records)
    }

    private mutating func add(_ new: [LineageEntry]) {
        for entry in new where entries.updateValue(entry, forKey: entry.entry) == nil { order.append(entry.entry) }
    }

    private func checkSize() throws(ServiceError) {
        guard order.count > TransactionLimits.traceNodesMax else { return }
        throw .invalid([
            Fault(
                .pointer("/depth"),
                "the lineage has more than \(TransactionLimits.traceNodesMax) entries; ask for fewer levels with depth")
        ])
    }

    private mutating func definition(_ id: DefinitionID) throws(StoreError) -> EarlierDefinition {
        if let definition = known[id] { return definition }
        let found = try transaction.definitions.definitions([id], Registry(transaction.connection))
        guard let definition = found[id] else { throw .corrupt("definition \(id) is unknown") }
        known[id] = definition
        return definition
    }

    private func edge(
        from parent: EntryID, to child: LineageEntry, of upstream: FeatureKey, _ definition: EarlierDefinition
    ) -> TraceEdge {
        var fields: [String: [String]] = [:]
        for formula in definition.formulas.values {
            let used = formula.parents.filter { $0.reference.feature == upstream }.map(\.reference.field.structKey)
            if !used.isEmpty { fields[formula.field.structKey] = used }
        }
        return TraceEdge(from: parent, to: child.entry, fields: fields)
    }

    private func thinned() throws(StoreError) -> [ThinnedLineage] {
        let horizons = try RetentionRuns(transaction.connection).horizons(of: missing.keys.sorted())
        return horizons.map { feature, horizon in
            ThinnedLineage(
                feature: transaction.catalog.key(of: feature), horizon: horizon.at,
                dropped: missing[feature, default: []].sorted())
        }.sorted { $0.feature < $1.feature }
    }

    private mutating func nodes() throws(StoreError) -> [TraceNode] {
        var keys: [FeatureID: [RecordID: RecordKey]] = [:]
        for (feature, group) in Dictionary(grouping: entries.values, by: \.feature) {
            guard let space = transaction.catalog.stored[transaction.catalog.key(of: feature)]?.space else { continue }
            keys[feature] = try RecordIDTable(transaction.connection, space: space).keys(
                of: Array(Set(group.map(\.record))))
        }
        var nodes: [TraceNode] = []
        for id in order {
            guard let entry = entries[id] else { continue }
            let definition = try definition(entry.definition)
            let feature = transaction.catalog.key(of: entry.feature)
            let columns = transaction.catalog.stored[feature].flatMap { transaction.catalog.spaces[$0.space] } ?? []
            let values = keys[entry.feature]?[entry.record]?.values ?? []
            let fields = FieldSlots(definition, slots: entry.provenance.count).fields
            nodes.append(
                TraceNode(
                    entry: entry, feature: feature, id: Array(zip(columns, values)).map { ($0.0, $0.1) },
                    featureVersion: definition.featureVersion,
                    provenance: fields.map { ($0.structKey, entry.provenance(at: $0.slot) ?? "") },
                    dataVersion: fields.map { ($0.structKey, entry.dataVersion(at: $0.slot) ?? "") }))
        }
        return nodes
    }
}
