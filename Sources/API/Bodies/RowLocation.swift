// Where a record stands in a body.

import JSON
import Service

/// The place of a record of a body.
enum RowLocation: Hashable, Sendable {
    /// An NDJSON line, 1 for the first.
    case line(Int)
    /// An element of the array at a pointer, 0 for the first.
    case element(JSONPointer, Int)

    /// The place of the record.
    var place: Fault.Place {
        switch self {
        case .line(let number): .line(number)
        case .element(let array, let index): .pointer(array.appending(index).description)
        }
    }

    /// The place of an element of a list inside this one.
    func element(_ index: Int, of list: String) -> RowLocation {
        switch self {
        case .line(let number): .line(number)
        case .element(let array, let own): .element(array.appending(own).appending(list), index)
        }
    }

    /// A fault at a member of this place, which `pointer` leads to: beside a line it has to be told.
    func fault(at pointer: JSONPointer, _ detail: String) -> (Fault.Place, String) {
        switch self {
        case .line(let number): (.line(number), "\(pointer.description.dropFirst()): \(detail)")
        case .element(let array, let index):
            (.pointer(array.appending(index).appending(contentsOf: pointer).description), detail)
        }
    }

    /// The fault of one column: in a document a pointer leads to it, beside a line it has to be told.
    func fault(column: String, _ detail: String) -> (Fault.Place, String) {
        switch self {
        case .line(let number): (.line(number), "column \"\(column)\": \(detail)")
        case .element(let array, let index):
            (.pointer(array.appending(index).appending(column).description), detail)
        }
    }
}
