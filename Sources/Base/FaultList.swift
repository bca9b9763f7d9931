// The faults of an input: the first ones in full, the rest counted.

/// Collects faults in bounded memory, so that a client cannot make the server hold a text for each byte it sends.
public struct FaultList<Fault: Sendable>: Sendable {
    /// How many faults are kept in full.
    public static var keptMax: Int { 100 }

    /// The first faults, at most ``keptMax``.
    public private(set) var kept: [Fault] = []
    /// How many faults there are.
    public private(set) var count = 0

    /// A list without faults.
    public init() {}

    /// Whether there is no fault.
    public var isEmpty: Bool { count == 0 }

    /// Adds a fault. The fault is not even made where the list is full.
    public mutating func add(_ fault: @autoclosure () -> Fault) {
        if count < Self.keptMax { kept.append(fault()) }
        count += 1
    }

    /// Adds the faults of another list.
    public mutating func add(contentsOf other: FaultList) {
        kept += other.kept.prefix(max(0, Self.keptMax - count))
        count += other.count
    }

    /// The same faults in another form.
    public func map<Other>(_ form: (Fault) -> Other) -> FaultList<Other> {
        var result = FaultList<Other>()
        result.kept = kept.map(form)
        result.count = count
        return result
    }
}

extension FaultList: Equatable where Fault: Equatable {}

extension FaultList: Hashable where Fault: Hashable {}
