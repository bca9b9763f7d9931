// Random feature graphs, and random changes to them.

/// Makes graphs of 2 to 6 features, and changes them.
struct GraphGenerator {
    /// Every feature that there can be, by project. Features of `q` may depend on those of `p`.
    static let keys = ["p": (0..<6).map { "p/f\($0)" }, "q": (0..<3).map { "q/g\($0)" }]
    /// Field keys whose order differs from that of their struct keys, and of which one is a suffix of another.
    private static let fields = ["a", "b", "x/a", "x-b"]
    private static let codes = ["1", "2", "3"]
    /// What records are identified by: one value, two values, or either, where one groups those of two.
    private static let columns = [
        [(6, ["id"]), (2, ["rid"])],
        [(6, ["x", "y"]), (2, ["y", "x"]), (2, ["u", "y"]), (1, ["x", "v"])],
        [(5, ["x", "y"]), (1, ["y", "x"]), (3, ["x"]), (1, ["z"])],
    ]

    private var random: SeededRandom
    private let columns: [(weight: Int, value: [String])]
    /// Features keep their id columns and those of their units, also while they are away.
    private var knownColumns: [String: (ids: [String], units: [String]?)] = [:]

    init(seed: UInt64) {
        random = SeededRandom(seed: seed, part: 1 << 32)
        columns = Self.columns[random.weighted([(5, 0), (2, 1), (4, 2)])].map { (weight: $0.0, value: $0.1) }
    }

    /// Draws from `random` from now on.
    mutating func continues(with random: SeededRandom) {
        self.random = random
    }

    /// A graph to begin with.
    mutating func graph() -> ModelGraph {
        var graph = ModelGraph()
        let count = 2 + random.below(5)
        let later = random.chance(30) ? min(random.below(3) + 1, count - 1) : 0
        for project in ["p", "q"] {
            let keys = random.some(project == "p" ? count - later : later, of: Self.keys[project] ?? [])
            for key in keys { graph = adding(key, project, to: graph, isRoot: graph.features.isEmpty) }
        }
        return graph
    }

    // MARK: Features

    /// `graph` with one feature more.
    private mutating func adding(_ key: String, _ project: String, to graph: ModelGraph, isRoot: Bool) -> ModelGraph {
        for _ in 0..<20 {
            let feature = feature(key, project, over: graph, isRoot: isRoot)
            var next = graph
            next.features[key] = feature
            if next.isLegal {
                knownColumns[key] = (feature.idColumns, feature.expandsOn)
                return next
            }
        }
        return graph
    }

    private mutating func feature(
        _ key: String, _ project: String, over graph: ModelGraph, isRoot: Bool
    ) -> ModelFeature {
        let known = knownColumns[key]
        let columns = known?.ids ?? random.weighted(columns)
        var feature = ModelFeature(key: key, project: project, idColumns: columns, fields: [])
        feature.expandsOn = known == nil ? expandedColumns(columns, isRoot: isRoot) : known?.units
        for field in random.some(1 + random.below(3), of: Self.fields) {
            feature.fields.append(ModelField(key: field, code: random.pick(Self.codes), inputs: .mapped))
        }
        if !isRoot && (feature.expandsOn != nil || !random.chance(20)) {
            let upstreams = allowedUpstreams(of: feature, in: graph)
            for upstream in random.some(1 + random.below(3), of: upstreams) {
                feature.deps.append(dep(on: upstream, of: feature, in: graph))
            }
        }
        for index in feature.fields.indices { feature.fields[index].inputs = inputs(feature, graph) }
        return feature
    }

    /// The columns of the units of a feature: nil where those are its records, and else one or all of its own.
    private mutating func expandedColumns(_ columns: [String], isRoot: Bool) -> [String]? {
        guard !isRoot, random.chance(columns.count == 2 ? 45 : 15) else { return nil }
        return columns.count == 2 && random.chance(80) ? [random.pick(columns)] : columns.shuffled(using: &random)
    }

    /// Those that do not depend on it, not those of `q` for a feature of `p`, and not those of fewer columns than its
    /// units have.
    private func allowedUpstreams(of feature: ModelFeature, in graph: ModelGraph) -> [String] {
        var downstream: Set<String> = [feature.key]
        for other in graph.order
        where graph.features[other]?.deps.contains(where: { downstream.contains($0.upstream) }) == true {
            downstream.insert(other)
        }
        return graph.order.filter {
            !downstream.contains($0) && (feature.project == "q" || graph.features[$0]?.project == "p")
                && (graph.features[$0]?.idColumns.count ?? 0) >= feature.unitColumns.count
        }
    }

    private mutating func dep(on upstream: String, of feature: ModelFeature, in graph: ModelGraph) -> ModelDep {
        var dep = ModelDep(upstream: upstream, mapping: mapping(feature, upstream, graph))
        let columns = graph.features[upstream]?.idColumns ?? []
        let unit = feature.unitColumns
        if Set(columns) == Set(unit) {
            if columns.count == 2 && random.chance(15) {
                dep.renames = [columns[0]: columns[1], columns[1]: columns[0]]
            }
        } else {
            let missing = unit.filter { !columns.contains($0) }.shuffled(using: &random)
            let spare = columns.filter { !unit.contains($0) }
            dep.renames = Dictionary(uniqueKeysWithValues: zip(spare, missing))
        }
        if columns.count > unit.count || random.chance(5) {
            dep.lineage = .groups(unit)
        } else if feature.expandsOn != nil && random.chance(80) {
            dep.lineage = .expands(unit)
        }
        dep.isOptional = random.chance(12)
        dep.filter = random.chance(12) ? filter() : nil
        return dep
    }

    private mutating func filter() -> ModelFilter {
        switch random.below(4) {
        case 0: .isMissing
        case 1: .isNot(random.below(5))
        default: .atLeast(random.below(3))
        }
    }

    private mutating func mapping(_ feature: ModelFeature, _ upstream: String, _ graph: ModelGraph) -> ModelMapping {
        let fields = graph.features[upstream]?.fields.map(\.key) ?? []
        switch random.below(20) {
        case 0..<11:
            return .standard(suffix: random.chance(30), without: random.chance(15) ? random.some(1, of: fields) : [])
        case 11..<15: return .all
        case 15..<18:
            let own = feature.fields.map(\.key)
            return .specific(
                Dictionary(
                    uniqueKeysWithValues: own.map { ($0, random.some(1 + random.below(2), of: fields).sorted()) }))
        default: return .none
        }
    }

    private mutating func inputs(_ feature: ModelFeature, _ graph: ModelGraph) -> ModelInputs {
        guard !feature.isRoot else { return .mapped }
        switch random.below(20) {
        case 0..<13: return .mapped
        case 13..<15: return .everything
        default:
            var named: [String: [String]?] = [:]
            for dep in random.some(1 + random.below(2), of: feature.deps) {
                let fields = graph.features[dep.upstream]?.fields.map(\.key) ?? []
                named[dep.upstream] = .some(
                    random.chance(20) ? nil : random.some(1 + random.below(2), of: fields).sorted())
            }
            return .named(named)
        }
    }
}

// MARK: - Changes

extension GraphGenerator {
    /// `graph` with one or two changes to the features of `project`; the same where none was found that is legal.
    mutating func changed(_ graph: ModelGraph, _ project: String) -> ModelGraph {
        var result = graph
        for _ in 0..<(random.chance(25) ? 2 : 1) {
            for _ in 0..<8 {
                let next = attempt(result, project)
                if next != result && next.isLegal {
                    for feature in next.features.values {
                        knownColumns[feature.key] = (feature.idColumns, feature.expandsOn)
                    }
                    result = next
                    break
                }
            }
        }
        return result
    }

    private mutating func attempt(_ graph: ModelGraph, _ project: String) -> ModelGraph {
        let own = graph.order.filter { graph.features[$0]?.project == project }
        let change = random.below(100)
        if change < 8 || own.isEmpty {
            let free = (Self.keys[project] ?? []).filter { graph.features[$0] == nil }
            guard !free.isEmpty, graph.features.count < 6 else { return graph }
            return adding(random.pick(free), project, to: graph, isRoot: false)
        }
        var next = graph
        guard var feature = graph.features[random.pick(own)] else { return graph }
        if change < 15 {
            next.features[feature.key] = nil
            return next
        }
        change < 70 ? changeField(&feature, graph) : changeDeps(&feature, graph)
        next.features[feature.key] = feature
        return next
    }

    private mutating func changeField(_ feature: inout ModelFeature, _ graph: ModelGraph) {
        let index = random.below(feature.fields.count)
        switch random.below(10) {
        case 0..<6: feature.fields[index].code = random.pick(Self.codes)
        case 6:
            let free = Self.fields.filter { key in !feature.fields.contains { $0.key == key } }
            let inputs = inputs(feature, graph)
            if let key = free.randomElement(using: &random) {
                feature.fields.append(ModelField(key: key, inputs: inputs))
            }
        case 7: if feature.fields.count > 1 { feature.fields.remove(at: index) }
        default: feature.fields[index].inputs = inputs(feature, graph)
        }
    }

    private mutating func changeDeps(_ feature: inout ModelFeature, _ graph: ModelGraph) {
        let used = Set(feature.deps.map(\.upstream))
        let free = allowedUpstreams(of: feature, in: graph).filter { !used.contains($0) }
        guard !feature.isRoot || random.chance(10) else { return }
        switch random.below(10) {
        case 0..<5:
            guard !feature.isRoot else { return }
            let index = random.below(feature.deps.count)
            feature.deps[index].mapping = mapping(feature, feature.deps[index].upstream, graph)
        case 5, 6:
            guard let upstream = free.randomElement(using: &random) else { return }
            feature.deps.append(dep(on: upstream, of: feature, in: graph))
        case 7, 8:
            guard feature.deps.count > 1 || random.chance(10), !feature.isRoot else { return }
            feature.deps.remove(at: random.below(feature.deps.count))
        default:
            guard !feature.isRoot else { return }
            let index = random.below(feature.deps.count)
            if random.chance(50) {
                feature.deps[index].isOptional.toggle()
            } else {
                feature.deps[index].filter = random.chance(50) ? filter() : nil
            }
        }
    }
}
