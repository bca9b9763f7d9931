// One run: random steps done to the service and to the model, and the two compared after each.

import Feature
import Service
import Testing

/// What the service answered and what it should have.
struct ModelDifference: Error, CustomStringConvertible {
    let description: String
}

/// The steps of one seed.
struct ModelRun {
    let rig: ModelRig
    var model = Model()
    var random: SeededRandom
    var generator: GraphGenerator
    /// The graphs that each project had.
    var pushed: [String: [ModelGraph]] = [:]
    /// What was done, in words.
    var log: [String] = []
    /// Whether something was done since anybody asked what is to be done.
    var isUnasked = false
    /// The service's entries by the model's versions.
    var entries: [Int: Int64] = [:]
    /// The newest entry that has been compared.
    var lastEntry: Int64 = 0
    /// The model's definition by the service's number of it.
    var definitionNames: [Int64: String] = [:]
    let seed: UInt64

    private init(_ rig: ModelRig, seed: UInt64) {
        self.rig = rig
        self.seed = seed
        random = SeededRandom(seed: seed)
        generator = GraphGenerator(seed: seed)
    }

    /// Does the steps of `numbers` in an empty database.
    ///
    /// Each step draws from a source of its own, so that a step can be left out without changing what the others draw.
    ///
    /// - Returns: what was done and, at its end, the difference that was found; nil where there was none.
    static func run(
        _ rig: ModelRig, seed: UInt64, steps numbers: [Int]
    ) async throws -> (difference: String, log: [String], steps: [Int])? {
        try await rig.reset(firstRecord: seed % 4 == 0 ? 1022 : 0)
        var run = ModelRun(rig, seed: seed)
        var done: [Int] = []
        do {
            try await run.begin()
            for number in numbers {
                done.append(number)
                try await run.step(number)
            }
            try await run.finish()
            return nil
        } catch let difference as ModelDifference {
            return (difference.description, run.log, done)
        } catch {
            return ("the service threw \(error)", run.log, done)
        }
    }

    private mutating func begin() async throws {
        random = SeededRandom(seed: seed, part: 1)
        let graph = generator.graph()
        for project in ["p", "q"] {
            let part = graph.part(project)
            if !part.features.isEmpty { try await push(part, project) }
        }
        for root in model.roots { try await write(root) }
        try await check()
    }

    private mutating func step(_ number: Int) async throws {
        random = SeededRandom(seed: seed, part: UInt64(2 + number))
        generator.continues(with: random)
        let asks = try await act()
        // Sometimes nobody asks before the next thing happens.
        if asks || !random.chance(25) {
            try await check()
        } else {
            isUnasked = true
        }
    }

    /// Does one thing.
    ///
    /// - Returns: whether the service judged units on the way, so that the model has to be brought to the same state.
    private mutating func act() async throws -> Bool {
        let kind = random.below(100)
        switch kind {
        case 0..<18:
            try await pushChange()
        case 18..<36:
            try await writeRoot()
        case 36..<41:
            try await writeDerived()
        case 41..<47:
            try await deleteOrRestore()
        case 47..<64:
            try await claim()
            return true
        case 64..<82:
            try await complete()
        case 82..<86:
            try await rebase()
        case 86..<89:
            try await fail()
        case 89..<91:
            try await release()
        case 91..<93:
            try await heartbeat()
        case 93..<95:
            return try await expire()
        case 95..<97:
            try await passTime()
        case 97:
            try await retain()
        default:
            try await workOff(model.derived)
            return true
        }
        return false
    }

    /// At the end everything that can be done is done, and then nothing is left.
    private mutating func finish() async throws {
        random = SeededRandom(seed: seed, part: 0)
        if isUnasked { try await check() }
        try await workOff(model.derived)
        try await check(isThorough: true)
        if seed % 4 == 1 { try await goBack() }
        guard seed % 16 == 0 else { return }
        for root in model.roots { try await write(root) }
        try await retain()
        try await workOff(model.derived)
        try await retain()
        try await pushChange()
        isUnasked = true
        try await workOff(model.derived)
        try await check(isThorough: true)
    }

    /// Another graph is pushed and computed, perhaps written to, and then the one before comes back.
    private mutating func goBack() async throws {
        let before = model.graph
        try await pushChange()
        try await check()
        try await workOff(model.derived)
        if random.chance(30) { try await writeDerived() }
        for project in ["p", "q"] {
            let part = before.part(project)
            if !part.features.isEmpty, model.graph.replacing(project, with: part).isLegal {
                try await push(part, project)
            }
        }
        try await check(isThorough: true)
        try await workOff(model.derived)
        try await check(isThorough: true)
    }

    // MARK: Small things

    mutating func note(_ text: String) {
        log.append("\(log.count + 1). \(text)")
    }

    func differ(_ what: String, service: some Any, model: some Any) -> ModelDifference {
        ModelDifference(description: "\(what):\n   the service: \(service)\n   the model:   \(model)")
    }

    func expect<T: Equatable>(_ what: @autoclosure () -> String, service: T, model: T) throws {
        if service != model { throw differ(what(), service: service, model: model) }
    }

    func featureKey(_ text: String) throws -> FeatureKey {
        guard let key = FeatureKey(text) else { throw ModelDifference(description: "\(text) is not a feature key") }
        return key
    }

    /// A record's key as the model has it.
    func modelKey(_ key: RecordKey) -> ModelKey {
        key.values.map { if case .string(let text) = $0 { text } else { "?" } }
    }

    func recordKey(_ key: ModelKey) -> RecordKey {
        RecordKey(key.map(IDValue.string))
    }

    func text(_ key: ModelKey) -> String {
        key.joined(separator: "·")
    }

    func text(_ versions: [String: String]) -> String {
        versions.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.prefix(6))" }.joined(separator: " ")
    }
}
