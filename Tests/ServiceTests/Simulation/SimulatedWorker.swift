// What a simulated worker does.

import Feature

/// A worker that claims, computes and reports as well as it can under a clock that jumps.
struct SimulatedWorker {
    /// A batch in its hands.
    struct Held {
        let claim: Int64, token: Int64
        let feature: String
        /// Ids without a result so far.
        var rest: [String]
        /// Ids that it reported as failed.
        var failed: [String] = []
        /// When the lease ends by the worker's own clock.
        var end: Int
    }

    let number: Int
    var life = 0
    var requests = 0
    /// By how much its clock is ahead.
    var clock = 0
    var held: Held?
    /// The request that it waits for, and how often it sent it.
    var pending: (request: SimulatedRequest, tries: Int)?
}

extension Simulation {
    /// For how long a lease runs without a heartbeat, in seconds.
    static let leaseSeconds = 20

    /// A worker does the next thing.
    mutating func act(_ number: Int, life: Int) {
        guard workers[number].life == life else { return }
        if random.chance(3) { return die(number) }
        if let (request, tries) = workers[number].pending {
            if tries < 4 {
                workers[number].pending = (request, tries + 1)
                send(request)
            } else {
                workers[number].pending = nil
                if case .heartbeat = request.call {} else { workers[number].held = nil }
            }
        } else if let held = workers[number].held {
            goOn(number, held)
        } else {
            ask(number, .claim(feature: random.pick(Self.features), limit: 1 + random.below(4)))
        }
        after(1_000 + random.below(9_000), .act(worker: number, life: life))
    }

    private mutating func die(_ number: Int) {
        note("worker \(number) is killed")
        workers[number].life += 1
        workers[number].held = nil
        workers[number].pending = nil
        after(random.below(20_000), .act(worker: number, life: workers[number].life))
    }

    private mutating func goOn(_ number: Int, _ held: SimulatedWorker.Held) {
        if random.chance(5) {
            workers[number].clock += random.below(240_000) - 120_000
            note("the clock of worker \(number) jumps")
        }
        if now + workers[number].clock > held.end && random.chance(50) {
            note("worker \(number) believes that its lease is over")
            workers[number].held = nil
            return
        }
        let some = random.some(1 + random.below(held.rest.count), of: held.rest)
        switch random.below(100) {
        case ..<30: ask(number, .heartbeat)
        case ..<85:
            var marks: [String: String] = [:]
            for id in some { marks[id] = record.mark() }
            // A worker in disorder: it has said that it cannot compute this.
            if random.chance(20), let id = held.failed.first { marks[id] = record.mark() }
            ask(number, .complete(marks))
        case ..<93: ask(number, .fail(some))
        default: ask(number, .release)
        }
    }

    private mutating func ask(_ number: Int, _ call: SimulatedCall) {
        workers[number].requests += 1
        let worker = workers[number]
        let request = SimulatedRequest(
            worker: number, life: worker.life, number: worker.requests, claim: worker.held?.claim ?? 0,
            token: worker.held?.token ?? 0, call: call)
        workers[number].pending = (request, 1)
        send(request)
    }

    /// A worker hears an answer: the first to the request that it waits for.
    mutating func hear(_ answer: SimulatedAnswer, to request: SimulatedRequest) {
        let worker = workers[request.worker]
        guard worker.life == request.life, worker.pending?.request.number == request.number else { return }
        workers[request.worker].pending = nil
        let end = now + worker.clock + Self.leaseSeconds * 1_000
        switch (answer, request.call) {
        case (.batch(let claim, let token, let feature, let ids), _):
            workers[request.worker].held = SimulatedWorker.Held(
                claim: claim, token: token, feature: feature, rest: ids, end: end)
        case (.lost, _), (.done, .release): workers[request.worker].held = nil
        case (.done, .heartbeat): workers[request.worker].held?.end = end
        case (.done, .complete(let marks)): finish(request.worker, Array(marks.keys))
        case (.done, .fail(let ids)):
            workers[request.worker].held?.failed += ids
            finish(request.worker, ids)
        case (.nothing, _), (.done, .claim): break
        }
    }

    private mutating func finish(_ number: Int, _ ids: [String]) {
        workers[number].held?.rest.removeAll { ids.contains($0) }
        if workers[number].held?.rest.isEmpty == true { workers[number].held = nil }
    }
}
