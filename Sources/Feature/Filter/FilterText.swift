// Text compared by its UTF-8 bytes.

/// A string that is equal only to a string of the same bytes.
///
/// Swift's own `==` takes canonically equivalent strings for equal (e-acute as one scalar and as two); PostgreSQL does
/// not, and neither does a version hash. The order is that of code points, which is the byte order of UTF-8.
struct FilterText: Hashable, Comparable {
    let string: String

    init(_ string: String) {
        self.string = string
    }

    static func == (left: FilterText, right: FilterText) -> Bool {
        left.string.utf8.elementsEqual(right.string.utf8)
    }

    static func < (left: FilterText, right: FilterText) -> Bool {
        left.string.utf8.lexicographicallyPrecedes(right.string.utf8)
    }

    func hash(into hasher: inout Hasher) {
        for byte in string.utf8 {
            hasher.combine(byte)
        }
        // 0xFF occurs in no UTF-8 text: it separates the texts of a path.
        hasher.combine(UInt8.max)
    }
}
