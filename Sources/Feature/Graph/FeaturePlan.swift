// How a feature's expected records follow from its upstreams: everything that judging a record needs, resolved once.

/// How a record of an upstream feature maps to a unit of the feature downstream.
public enum UnitMapping: Hashable, Sendable {
    /// Both share an id space: the record id is the unit.
    case same
    /// The id columns are renamed or ordered differently: value `i` of the unit's key is value `order[i]` of the
    /// upstream record's key.
    case rekeyed(order: [Int])
    /// Many upstream records make one unit: those that agree in these columns, which are the unit's key.
    case grouped(by: [GroupColumn])

    /// For each value of the upstream key, its place in the unit's key.
    public static func inverse(of order: [Int]) -> [Int] {
        var inverse = [Int](repeating: 0, count: order.count)
        for (place, source) in order.enumerated() { inverse[source] = place }
        return inverse
    }
}

/// A column by which upstream records are grouped.
public enum GroupColumn: Hashable, Sendable {
    /// The value at this place of the upstream record's key.
    case id(Int)
    /// A metadata column of the upstream, by its own name. A record that lacks it belongs to no unit.
    case metadata(String)
}

/// A column of the system that every record has and that filters on inputs may name.
public enum SystemColumn: String, Hashable, Sendable, CaseIterable {
    /// The provenance of each field.
    case provenanceByField = "metaxy_provenance_by_field"
    /// The provenance of the record.
    case provenance = "metaxy_provenance"
    /// The data version of each field.
    case dataVersionByField = "metaxy_data_version_by_field"
    /// The data version of the record.
    case dataVersion = "metaxy_data_version"
}

/// A dep of a feature, resolved.
public struct DepPlan: Sendable {
    /// The upstream feature.
    public let upstream: FeatureID
    /// Its dep as declared.
    public let spec: FeatureDep
    /// How its records map to units.
    public let mapping: UnitMapping
    /// The slots of the upstream's fields that some field of the feature depends on.
    public let slots: Set<Slot>
    /// Which upstream records are inputs at all: those that pass every filter.
    public let filters: [Filter]
    /// The upstream's columns, by their own names, that decide whether a record is an input, and of which unit.
    public let watched: Set<String>
    /// The upstream's metadata columns, by their own names, that decide to which unit a record belongs.
    public let grouping: Set<String>

    /// A resolved dep.
    public init(
        upstream: FeatureID, spec: FeatureDep, mapping: UnitMapping, slots: Set<Slot>, filters: [Filter] = []
    ) {
        self.upstream = upstream
        self.spec = spec
        self.mapping = mapping
        self.slots = slots
        self.filters = filters
        var grouping: Set<String> = []
        if case .grouped(let columns) = mapping {
            for case .metadata(let name) in columns { grouping.insert(name) }
        }
        self.grouping = grouping
        watched = Self.watched(spec, filters).union(grouping)
    }

    /// A dotted name may be that of a column with dots in it, or of a member of a column.
    private static func watched(_ spec: FeatureDep, _ filters: [Filter]) -> Set<String> {
        var watched: Set<String> = []
        for path in filters.flatMap(\.columns) {
            for name in [path.joined, path.column] {
                if let column = SystemColumn.allCases.first(where: { spec.systemColumn($0.rawValue) == name }) {
                    watched.insert(column.rawValue)
                } else if let column = spec.original(name) {
                    watched.insert(column)
                }
            }
        }
        return watched
    }

    /// Whether a unit may be made from many upstream records.
    public var isGrouped: Bool {
        if case .grouped = mapping { true } else { false }
    }

    /// Whether the upstream record may be missing.
    public var isOptional: Bool { spec.optional }
}

/// A field of a feature, resolved.
public struct FieldPlan: Sendable {
    /// An input: a field of the upstream of one dep.
    public struct Parent: Hashable, Sendable {
        /// The dep, by position.
        public let dep: Int
        /// The upstream field's slot.
        public let slot: Slot

        /// The field at `slot` of the upstream of dep `dep`.
        public init(dep: Int, slot: Slot) {
            self.dep = dep
            self.slot = slot
        }
    }

    /// The field's slot.
    public let slot: Slot
    /// Its key.
    public let key: FieldKey
    /// Its name in `metaxy_provenance_by_field`.
    public let structKey: String
    /// Its version.
    public let version: String
    /// How its provenance follows from data versions.
    public let formula: FieldFormula
    /// Where the formula's inputs come from, in the formula's order.
    public let parents: [Parent]

    /// A resolved field.
    public init(
        slot: Slot, key: FieldKey, structKey: String, version: String, formula: FieldFormula, parents: [Parent]
    ) {
        self.slot = slot
        self.key = key
        self.structKey = structKey
        self.version = version
        self.formula = formula
        self.parents = parents
    }
}

/// The records that an expansion makes of its units.
public struct ChildPlan: Hashable, Sendable {
    /// The feature: the number under which the records are stored.
    public let feature: FeatureID
    /// The id space of the records.
    public let space: Int32
    /// The names of the records' id columns.
    public let idColumns: [String]
    /// For each value of a unit's key, its place in the keys of the unit's records.
    public let places: [Int]

    /// Records of these ids.
    public init(feature: FeatureID, space: Int32, idColumns: [String], places: [Int]) {
        self.feature = feature
        self.space = space
        self.idColumns = idColumns
        self.places = places
    }
}

/// A feature as the current graph defines it.
///
/// An expansion has two plans: one of its records, which has ``units``, and one of its units, which has ``children``;
/// in the plan of the units, `id`, `space` and `spec.idColumns` are those of the units.
public struct FeaturePlan: Sendable {
    /// Its number.
    public let id: FeatureID
    /// Its project's number.
    public let project: Int32
    /// Its spec.
    public let spec: FeatureSpec
    /// Its current definition.
    public let definition: DefinitionID
    /// Its feature version.
    public let featureVersion: String
    /// The id space of its records.
    public let space: Int32
    /// How its project hashes records.
    public let hash: RecordHash
    /// How many slots its fields ever had: the length of its records' version arrays.
    public let slots: Int
    /// Its fields in the order of their struct keys, in which a record's provenance joins them.
    public let fields: [FieldPlan]
    /// Its deps in the order of the spec.
    public let deps: [DepPlan]
    /// The number of the plan of its units, where those are not its records.
    public let units: FeatureID?
    /// What its units expand into, where they are not its records.
    public let children: ChildPlan?

    /// A feature of these parts.
    public init(
        id: FeatureID, project: Int32, spec: FeatureSpec, definition: DefinitionID, featureVersion: String,
        space: Int32, hash: RecordHash, slots: Int, fields: [FieldPlan], deps: [DepPlan],
        units: FeatureID? = nil, children: ChildPlan? = nil
    ) {
        self.id = id
        self.project = project
        self.spec = spec
        self.definition = definition
        self.featureVersion = featureVersion
        self.space = space
        self.hash = hash
        self.slots = slots
        self.fields = fields
        self.deps = deps
        self.units = units
        self.children = children
    }

    /// Its key.
    public var key: FeatureKey { spec.key }

    /// Whether it has no deps: its records come from clients, with their versions.
    public var isRoot: Bool { deps.isEmpty }

    /// Values by field spread over the slots; nil in the slots of other fields.
    ///
    /// - Parameter values: one for each of `fields`.
    public func bySlot(_ values: [String?]) -> [String?] {
        var result = [String?](repeating: nil, count: slots)
        for (field, value) in zip(fields, values) { result[Int(field.slot) - 1] = value }
        return result
    }
}
