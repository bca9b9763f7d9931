// How many processors the process may use.

import CLinux

/// The processors of the machine, as far as they are this process's.
public enum Processors {
    /// How many its threads may run on now, at least 1: fewer than the machine has where a container or `taskset` says so.
    public static var available: Int {
        max(Int(linux_usable_processors()), 1)
    }
}
