// The number of descriptors that the process may open.

import CLinux
import Glibc

/// The limit of open descriptors of the process.
public enum DescriptorLimit {
    /// The limit in force now; `Int.max` when there is none or it is unknown.
    public static var current: Int {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return .max }
        return limit.rlim_cur >= UInt64(Int.max) ? .max : Int(limit.rlim_cur)
    }
}
