// Numbers that name requests.

import Synchronization

/// Numbers that look random and do not repeat: SplitMix64 from a random start. One costs a few nanoseconds, where one of
/// the kernel's costs 300. They name things; as secrets they would be worthless.
final class NumberStream: Sendable {
    private let state = Atomic<UInt64>(UInt64.random(in: .min ... .max))

    /// The next number.
    func next() -> UInt64 {
        var mixed = state.wrappingAdd(0x9E37_79B9_7F4A_7C15, ordering: .relaxed).newValue
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
