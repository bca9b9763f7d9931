// Random choices that a seed determines.

/// SplitMix64: every choice follows from the seed, so that what it led to can be had again.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    /// A generator for one part of what a seed determines.
    init(seed: UInt64, part: UInt64 = 0) {
        state = seed &* 0xD134_2543_DE82_EF95 &+ part &* 0x2545_F491_4F6C_DD1D &+ 0x9E37_79B9_7F4A_7C15
        for _ in 0..<3 { _ = next() }
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// 0..<count.
    mutating func below(_ count: Int) -> Int {
        Int(next() % UInt64(count))
    }

    /// True in `percent` of 100 cases.
    mutating func chance(_ percent: Int) -> Bool {
        below(100) < percent
    }

    /// One of `choices`, each as likely as its weight says.
    mutating func weighted<T>(_ choices: [(weight: Int, value: T)]) -> T {
        var left = below(choices.reduce(0) { $0 + $1.weight })
        for choice in choices {
            if left < choice.weight { return choice.value }
            left -= choice.weight
        }
        return choices[choices.count - 1].value
    }

    /// One of `choices`, of which there is at least one.
    mutating func pick<T>(_ choices: [T]) -> T {
        choices[below(choices.count)]
    }

    /// Up to `count` of `choices`, in random order.
    mutating func some<T>(_ count: Int, of choices: [T]) -> [T] {
        Array(choices.shuffled(using: &self).prefix(count))
    }
}
