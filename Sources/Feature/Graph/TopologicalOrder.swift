// Upstream before downstream, and the circles that make that impossible.

/// The order of the library's topological sort: depth first, post order, features and deps by key.
struct TopologicalOrder {
    /// All features that were given, upstream first; with cycles, some dep of each cycle comes late.
    private(set) var order: [FeatureKey] = []
    /// Each cycle that was met, from the feature that closes it; every feature is followed by one of its deps.
    private(set) var cycles: [[FeatureKey]] = []

    private enum Mark { case open, done }
    private var marks: [FeatureKey: Mark] = [:]
    /// The features under way, each with the deps that are still to be visited, last one first. A stack of our own,
    /// because a chain of ten thousand features would overflow that of a thread.
    private var path: [(key: FeatureKey, deps: [FeatureKey])] = []

    /// Sorts the features of `deps`, which has the upstream features of each; those not in it are passed over.
    init(_ deps: [FeatureKey: [FeatureKey]]) {
        for key in deps.keys.sorted() where marks[key] == nil { visit(from: key, deps) }
    }

    private mutating func visit(from root: FeatureKey, _ deps: [FeatureKey: [FeatureKey]]) {
        enter(root, deps)
        while var top = path.popLast() {
            guard let next = top.deps.popLast() else {
                marks[top.key] = .done
                order.append(top.key)
                continue
            }
            path.append(top)
            switch marks[next] {
            case nil: if deps[next] != nil { enter(next, deps) }
            case .open: recordCycle(to: next)
            case .done: break
            }
        }
    }

    private mutating func enter(_ key: FeatureKey, _ deps: [FeatureKey: [FeatureKey]]) {
        marks[key] = .open
        path.append((key, deps[key, default: []].sorted(by: >)))
    }

    private mutating func recordCycle(to key: FeatureKey) {
        guard let start = path.lastIndex(where: { $0.key == key }) else { return }
        cycles.append(path[start...].map(\.key))
    }
}
