// Random-looking numbers for request ids.

import Synchronization

/// Random-looking numbers that do not repeat: SplitMix64 from a random start. A number costs a few nanoseconds instead of
/// the kernel's 300. They are no secrets: anybody can predict the next one.
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
