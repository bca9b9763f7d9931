// Takes the members out of a JSON object that a client sent, collecting every fault.

import Feature
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
    private(set) var faults: [Fault] = []

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
            faults.append(Fault(place(name), "unknown member; \(names)"))
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

    /// Seconds of computing, as a worker measures them.
    mutating func computeSeconds(_ name: String) -> Double? {
        guard let seconds = amount(name) else { return nil }
        if seconds > Bounds.computeSecondsMax { refuse(name, "expected at most a year, 31,536,000 seconds") }
        return seconds
    }

    /// Tags, name to value; none where the member is absent.
    mutating func tags(_ name: String) -> [String: String] {
        guard let value = value(name) else { return [:] }
        guard let object = value.objectValue else {
            refuse(name, "expected an object of tags, such as {\"gpu\":\"a100\"}, found \(value.kind)")
            return [:]
        }
        if object.count > Bounds.tagsMax {
            refuse(name, "has \(object.count) tags; at most \(Bounds.tagsMax) are taken")
            return [:]
        }
        var tags: [String: String] = [:]
        for member in object {
            let place = String(JSONPointer.root.appending(name).appending(member.name).description.dropFirst())
            if member.name.isEmpty || member.name.utf8.count > Bounds.tagBytesMax || member.name.utf8.contains(0) {
                refuse(place, "the name of a tag has 1 to \(Bounds.tagBytesMax) bytes, and no U+0000")
            }
            if let text = text(place, member.value, bytesMax: Bounds.tagBytesMax) { tags[member.name] = text }
        }
        return tags
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

    /// A number of zero or more.
    mutating func amount(_ name: String) -> Double? {
        guard let value = value(name) else { return nil }
        switch value {
        case .integer(let number) where number >= 0: return Double(number)
        case .double(let number) where number >= 0: return number
        default:
            refuse(name, "expected a number of 0 or more")
            return nil
        }
    }

    /// A time in microseconds since 1970.
    mutating func time(_ name: String) -> Int64? {
        guard let text = string(name, bytesMax: 64) else { return nil }
        let time = Timestamp.parse(text)
        if time == nil { refuse(name, "expected a time as 2026-11-22T20:09:00Z, found \"\(text)\"") }
        return time
    }

    /// One of the values of an enumeration.
    mutating func choice<Choice: RawRepresentable<String> & CaseIterable>(_ name: String, _: Choice.Type) -> Choice? {
        guard let text = string(name, bytesMax: 64) else { return nil }
        return choice(text, at: name, among: Array(Choice.allCases))
    }

    /// A list of values of an enumeration, of which only some are allowed here.
    mutating func choices<Choice: RawRepresentable<String> & Hashable>(
        _ name: String, among allowed: [Choice]
    ) -> Set<Choice>? {
        guard let elements = array(name) else { return nil }
        var chosen: Set<Choice> = []
        for (index, element) in elements.enumerated() {
            guard let text = text("\(name)/\(index)", element, bytesMax: 64) else { continue }
            if let choice = choice(text, at: "\(name)/\(index)", among: allowed) { chosen.insert(choice) }
        }
        if elements.isEmpty { refuse(name, "names nothing; leave it out for the standard") }
        return chosen
    }

    /// Conditions on rows, one or a list of them; none where the member is absent.
    mutating func filters(_ name: String) -> [Filter] {
        value(name).map { filters($0, at: name) } ?? []
    }

    /// Conditions on rows by feature; none where the member is absent.
    mutating func filtersByFeature(_ name: String) -> [FeatureKey: [Filter]] {
        guard let value = value(name) else { return [:] }
        guard let object = value.objectValue else {
            refuse(name, "expected an object of filters by feature, found \(value.kind)")
            return [:]
        }
        var filters: [FeatureKey: [Filter]] = [:]
        for member in object {
            let place = String(JSONPointer.root.appending(name).appending(member.name).description.dropFirst())
            guard let key = FeatureKey(member.name) else {
                refuse(place, "expected the key of a feature, such as \"video/raw\"")
                continue
            }
            filters[key] = self.filters(member.value, at: place)
        }
        return filters
    }

    private mutating func filters(_ value: JSONValue, at place: String) -> [Filter] {
        let places = value.arrayValue?.enumerated().map { ("\(place)/\($0)", $1) } ?? [(place, value)]
        if places.count > Bounds.filtersMax {
            refuse(place, "has \(places.count) filters; at most \(Bounds.filtersMax) are taken")
            return []
        }
        return places.compactMap { place, json -> Filter? in
            guard let text = text(place, json, bytesMax: FilterLimits.textBytesMax) else { return nil }
            do throws(FilterSyntaxError) {
                return try Filter(text)
            } catch {
                refuse(place, error.description)
                return nil
            }
        }
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
        faults.append(Fault(.pointer("\(pointer)/\(place)"), detail))
    }

    /// Notes faults that were found elsewhere.
    mutating func refuse(_ more: [Fault]) {
        faults += more
    }

    private func place(_ name: String) -> Fault.Place { .pointer(pointer.appending(name).description) }

    private mutating func text(_ place: String, _ value: JSONValue, bytesMax: Int) -> String? {
        guard let text = value.stringValue else {
            refuse(place, "expected a string, found \(value.kind)")
            return nil
        }
        if text.utf8.count > bytesMax {
            refuse(place, "has \(text.utf8.count) bytes; at most \(bytesMax) are taken")
            return nil
        }
        if text.utf8.contains(0) {
            refuse(place, "has the character U+0000, which the database cannot hold")
            return nil
        }
        return text
    }

    private mutating func choice<Choice: RawRepresentable<String>>(
        _ text: String, at place: String, among allowed: [Choice]
    ) -> Choice? {
        if let choice = allowed.first(where: { $0.rawValue == text }) { return choice }
        let names = allowed.map(\.rawValue).joined(separator: ", ")
        refuse(place, "expected one of \(names), found \"\(text)\"")
        return nil
    }
}
