// Takes the members out of a JSON object that a client sent, collecting every fault.

import Base
import JSON
import Service

/// The members of an object, read one by one by name; those that nobody read are unknown.
///
/// A member that is null counts as absent. The methods return a stand-in where they note a fault, so that reading goes
/// on to the end; `finish` throws when there are faults, and no stand-in gets out.
struct Members {
    private let object: JSONObject
    private let pointer: JSONPointer
    private var known: [String] = []
    private(set) var faults = FaultList<Fault>()

    /// The members of `object`, which stands at `pointer`.
    init(_ object: JSONObject, at pointer: JSONPointer = .root) {
        self.object = object
        self.pointer = pointer
    }

    /// Ends the reading.
    ///
    /// - Throws: `validation_failed` with every fault and every unknown member.
    mutating func finish() throws(Problem) {
        for name in object.keys where !known.contains(name) {
            let names = known.isEmpty ? "there are none" : "known are \(known.joined(separator: ", "))"
            let fault = Fault(place(name), "unknown member; \(names)")
            faults.add(fault)
        }
        guard faults.isEmpty else { throw Problem(.validationFailed, faults) }
    }

    /// A member as it is, nil where it is absent or null.
    mutating func value(_ name: String) -> JSONValue? {
        known.append(name)
        guard let value = object[name], value.kind != .null else { return nil }
        return value
    }

    /// Whether the object has a member of this name, whatever its value.
    mutating func names(_ name: String) -> Bool {
        known.append(name)
        return object[name] != nil
    }

    /// A member that has to be there.
    mutating func required(_ name: String) -> JSONValue? {
        let value = value(name)
        if value == nil { refuse(name, object[name] == nil ? "is missing" : "must not be null") }
        return value
    }

    /// A text of at most `bytesMax` bytes.
    mutating func string(_ name: String, bytesMax: Int) -> String? {
        value(name).flatMap { text(name, $0, bytesMax: bytesMax) }
    }

    /// A text that has to be there and is not empty.
    mutating func requiredString(_ name: String, bytesMax: Int) -> String {
        guard let value = required(name), let text = text(name, value, bytesMax: bytesMax) else { return "" }
        if text.isEmpty { refuse(name, "must not be empty") }
        return text
    }

    /// A truth value.
    mutating func bool(_ name: String) -> Bool? {
        guard let value = value(name) else { return nil }
        guard case .bool(let flag) = value else {
            refuse(name, "expected true or false, found \(value.kind)")
            return nil
        }
        return flag
    }

    /// A whole number of at least `least`; one beyond `most` is lowered to it.
    mutating func count(_ name: String, least: Int, most: Int) -> Int? {
        guard let value = value(name) else { return nil }
        switch value {
        case .integer(let number) where number >= least: return Int(min(number, Int64(most)))
        case .bigInteger(let digits) where !digits.hasPrefix("-"): return most
        default:
            refuse(name, "expected a whole number of \(least) or more")
            return nil
        }
    }

    /// A whole number within bounds; one outside is refused, for a bound would mean something else than what was asked.
    mutating func number(_ name: String, in bounds: ClosedRange<Int>) -> Int? {
        guard let value = value(name) else { return nil }
        guard case .integer(let number) = value, let found = Int(exactly: number), bounds.contains(found) else {
            refuse(name, "expected a whole number from \(bounds.lowerBound) to \(bounds.upperBound)")
            return nil
        }
        return found
    }

    /// A whole number within bounds, or null; nil where the member is absent.
    mutating func numberOrNull(_ name: String, in bounds: ClosedRange<Int>) -> Int?? {
        let number = number(name, in: bounds)
        return object[name] == nil ? nil : .some(number)
    }

    /// A number of 64 bits that the server once gave.
    mutating func requiredNumber(_ name: String) -> Int64 {
        guard let value = required(name) else { return 0 }
        guard case .integer(let number) = value else {
            refuse(name, "expected a whole number of 64 bits")
            return 0
        }
        return number
    }

    /// A time in microseconds since 1970.
    mutating func time(_ name: String) -> Int64? {
        guard let text = string(name, bytesMax: 64) else { return nil }
        return checked(name) { () throws(TextFault) in try TextValue.time(text) }
    }

    /// One of the values of an enumeration.
    mutating func choice<Choice: RawRepresentable<String> & CaseIterable>(_ name: String, _: Choice.Type) -> Choice? {
        guard let text = string(name, bytesMax: 64) else { return nil }
        return checked(name) { () throws(TextFault) in try TextValue.choice(text, among: Array(Choice.allCases)) }
    }

    /// A list of values of an enumeration, of which only some are allowed here.
    mutating func choices<Choice: RawRepresentable<String> & Hashable>(
        _ name: String, among allowed: [Choice]
    ) -> Set<Choice>? {
        guard let elements = array(name) else { return nil }
        var chosen: Set<Choice> = []
        for (index, element) in elements.enumerated() {
            let place = "\(name)/\(index)"
            guard let text = text(place, element, bytesMax: 64) else { continue }
            let choice = checked(place) { () throws(TextFault) in try TextValue.choice(text, among: allowed) }
            if let choice { chosen.insert(choice) }
        }
        if elements.isEmpty { refuse(name, "names nothing; leave it out for the standard") }
        return chosen
    }

    /// The elements of a list.
    mutating func array(_ name: String) -> [JSONValue]? {
        guard let value = value(name) else { return nil }
        guard let elements = value.arrayValue else {
            refuse(name, "expected an array, found \(value.kind)")
            return nil
        }
        return elements
    }

    /// Notes that a member, or a place inside it, is at fault.
    mutating func refuse(_ place: String, _ detail: String) {
        let fault = Fault(.pointer("\(pointer)/\(place)"), detail)
        faults.add(fault)
    }

    /// Notes faults that were found elsewhere.
    mutating func refuse(_ more: [Fault]) {
        for fault in more { faults.add(fault) }
    }

    /// Notes faults that were found elsewhere.
    mutating func refuse(_ more: FaultList<Fault>) {
        faults.add(contentsOf: more)
    }

    private func place(_ name: String) -> Fault.Place { .pointer(pointer.appending(name).description) }

    /// The value that a text stands for, or nil after the fault is noted.
    mutating func checked<Value>(_ place: String, _ read: () throws(TextFault) -> Value) -> Value? {
        do throws(TextFault) {
            return try read()
        } catch {
            refuse(place, error.detail)
            return nil
        }
    }

    /// The text of a value, or nil after the fault is noted.
    mutating func text(_ place: String, _ value: JSONValue, bytesMax: Int) -> String? {
        guard let text = value.stringValue else {
            refuse(place, "expected a string, found \(value.kind)")
            return nil
        }
        if text.utf8.count > bytesMax {
            refuse(place, "has \(text.utf8.count) bytes; at most \(bytesMax) are taken")
            return nil
        }
        if text.utf8.contains(0) {
            refuse(place, FaultText.zero)
            return nil
        }
        return text
    }
}
