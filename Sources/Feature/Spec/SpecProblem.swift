// What is wrong with a definition, all of it at once.

public import Base
public import JSON

/// One fault of a definition.
public struct SpecProblem: Hashable, Sendable, CustomStringConvertible {
    /// The value at fault.
    public let pointer: JSONPointer
    /// One sentence: what is expected and what was found.
    public let detail: String

    /// The pointer and the sentence.
    public var description: String { "\(pointer): \(detail)" }
}

/// The faults of a definition, in the order of the definition; at least one.
public struct SpecProblems: Error, Hashable, Sendable, CustomStringConvertible {
    /// The faults.
    public let problems: FaultList<SpecProblem>

    /// One line for each fault.
    public var description: String { problems.kept.map(\.description).joined(separator: "\n") }
}
