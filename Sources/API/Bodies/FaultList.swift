// The faults of a body of records: the first ones in full, the rest counted.

import Service

/// Collects faults without growing with them.
struct FaultList {
    /// The first ones.
    private(set) var faults: [Fault] = []
    /// How many there are.
    private(set) var count = 0
    /// Whether some of the body is not JSON at all.
    private(set) var hasSyntaxFault = false
    /// Whether some of the body was not looked at any more.
    var isPartial = false

    /// Adds a fault.
    mutating func add(_ place: Fault.Place, _ detail: @autoclosure () -> String, isSyntax: Bool = false) {
        if count < RequestLimits.faultsMax { faults.append(Fault(place, detail())) }
        count += 1
        hasSyntaxFault = hasSyntaxFault || isSyntax
    }

    /// The problem that the faults make, nil where there is none.
    var problem: Problem? {
        guard count > 0 else { return nil }
        let code: ProblemCode = hasSyntaxFault ? .invalidJSON : .validationFailed
        return Problem(code, faults, count: count, isPartial: isPartial)
    }
}
