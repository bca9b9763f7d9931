// The number of processors that the process may use.

import CLinux

/// The processors of the machine that this process may use.
public enum Processors {
    /// The number of processors for the process's threads, at least 1. A container or `taskset` may reduce it.
    public static var available: Int {
        max(Int(linux_usable_processors()), 1)
    }
}
