// The faults of a body of records, and the problem that reports them.

import Base
import Service

/// The faults of a body, and whether all of the body was read.
struct BodyFaults {
    private var faults = FaultList<Fault>()
    /// Whether some of the body is not JSON at all.
    private var hasSyntaxFault = false
    /// Whether reading ended before the end of the body.
    var isPartial = false

    /// How many faults there are.
    var count: Int { faults.count }

    /// Adds a fault.
    mutating func add(_ place: Fault.Place, _ detail: @autoclosure () -> String, isSyntax: Bool = false) {
        faults.add(Fault(place, detail()))
        hasSyntaxFault = hasSyntaxFault || isSyntax
    }

    /// The problem that reports the faults, nil where there is none.
    var problem: Problem? {
        guard !faults.isEmpty else { return nil }
        return Problem(hasSyntaxFault ? .invalidJSON : .validationFailed, faults, isPartial: isPartial)
    }
}
