// Filters in the members of a document.

import Feature
import JSON
import Service

/// Reads filters from members.
enum FilterMembers {
    /// The filters of a member: one text or a list of texts. There are none where the member is absent.
    static func read(_ members: inout Members, _ name: String) -> [Filter] {
        members.value(name).map { filters(&members, $0, at: name) } ?? []
    }

    /// The filters of a member by feature. There are none where the member is absent.
    static func readByFeature(_ members: inout Members, _ name: String) -> [FeatureKey: [Filter]] {
        guard let value = members.value(name) else { return [:] }
        guard let object = value.objectValue else {
            members.refuse(name, "expected an object of filters by feature, found \(value.kind)")
            return [:]
        }
        var found: [FeatureKey: [Filter]] = [:]
        for member in object {
            let place = String(JSONPointer.root.appending(name).appending(member.name).description.dropFirst())
            guard let key = FeatureKey(member.name) else {
                members.refuse(place, "expected the key of a feature, such as \"video/raw\"")
                continue
            }
            found[key] = filters(&members, member.value, at: place)
        }
        return found
    }

    private static func filters(_ members: inout Members, _ value: JSONValue, at place: String) -> [Filter] {
        let places = value.arrayValue?.enumerated().map { ("\(place)/\($0)", $1) } ?? [(place, value)]
        if places.count > RequestLimits.filtersMax {
            members.refuse(place, "has \(places.count) filters; at most \(RequestLimits.filtersMax) are taken")
            return []
        }
        return places.compactMap { place, json -> Filter? in
            guard let text = members.text(place, json, bytesMax: FilterLimits.textBytesMax) else { return nil }
            return members.checked(place) { () throws(TextFault) in try TextValue.filter(text) }
        }
    }
}
