// What workers say of themselves in a request: tags, and seconds of computing.

import JSON
import Service

/// Reads tags and compute times.
enum WorkerMembers {
    /// The tags of a member, name to value. There are none where the member is absent.
    static func tags(_ members: inout Members, _ name: String) -> [String: String] {
        guard let value = members.value(name) else { return [:] }
        guard let object = value.objectValue else {
            members.refuse(name, "expected an object of tags, such as {\"gpu\":\"a100\"}, found \(value.kind)")
            return [:]
        }
        if object.count > RequestLimits.tagsMax {
            members.refuse(name, "has \(object.count) tags; at most \(RequestLimits.tagsMax) are taken")
            return [:]
        }
        let bytesMax = RequestLimits.tagBytesMax
        var tags: [String: String] = [:]
        for member in object {
            let place = String(JSONPointer.root.appending(name).appending(member.name).description.dropFirst())
            if member.name.isEmpty || member.name.utf8.count > bytesMax || member.name.utf8.contains(0) {
                members.refuse(place, "the name of a tag has 1 to \(bytesMax) bytes, and no U+0000")
            }
            if let text = members.text(place, member.value, bytesMax: bytesMax) { tags[member.name] = text }
        }
        return tags
    }

    /// Seconds of computing: a member that is a number of 0 or more.
    static func seconds(_ members: inout Members, _ name: String) -> Double? {
        guard let value = members.value(name) else { return nil }
        let seconds: Double
        switch value {
        case .integer(let number) where number >= 0: seconds = Double(number)
        case .double(let number) where number >= 0: seconds = number
        default:
            members.refuse(name, "expected a number of 0 or more")
            return nil
        }
        if seconds > RequestLimits.computeSecondsMax {
            members.refuse(name, "expected at most a year, 31,536,000 seconds")
        }
        return seconds
    }

    /// Seconds of computing: a query parameter.
    static func seconds(_ query: Query, _ name: String) throws(Problem) -> Double? {
        guard let text = query[name] else { return nil }
        guard let seconds = Double(text), (0...RequestLimits.computeSecondsMax).contains(seconds) else {
            throw query.refusal(name, "expected a number from 0 to 31,536,000, found \"\(text)\"")
        }
        return seconds
    }
}
