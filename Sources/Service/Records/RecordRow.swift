// A record as a client sends it, and the checks of its fields.

public import Feature
import Store

/// A record as a client sends it.
public struct RecordRow: Hashable, Sendable {
    /// Its place in the request.
    public let place: Fault.Place
    /// The values of its id columns, in the order of the spec.
    public let key: RecordKey
    /// Its metadata columns, a compact JSON object.
    public let metadata: [UInt8]
    /// `metaxy_provenance_by_field`, by struct key; nil where it is not given.
    public let provenance: [String: String]?
    /// `metaxy_data_version_by_field`, by struct key, the fields it gives; nil where it is not given.
    public let dataVersions: [String: String]?

    /// The row of these values.
    public init(
        place: Fault.Place, key: RecordKey, metadata: [UInt8], provenance: [String: String]?,
        dataVersions: [String: String]?
    ) {
        self.place = place
        self.key = key
        self.metadata = metadata
        self.provenance = provenance
        self.dataVersions = dataVersions
    }
}

/// The fields of a definition by which rows are read: their struct keys and slots.
struct FieldSlots {
    /// In the order in which provenances are listed.
    let fields: [(structKey: String, slot: Slot)]
    /// How many slots the feature has.
    let slots: Int

    /// The fields of a feature's current definition.
    init(_ plan: FeaturePlan) {
        fields = plan.fields.map { ($0.structKey, $0.slot) }
        slots = plan.slots
    }

    /// Fields of these names, for checking rows only.
    init(names: [String]) {
        fields = names.map { ($0, 1) }
        slots = 1
    }

    /// The fields of an earlier definition of a feature.
    init(_ definition: EarlierDefinition, slots: Int) {
        fields = definition.fields.map { ($0.key.structKey, $0.slot) }
            .sorted { $0.0.utf8.lexicographicallyPrecedes($1.0.utf8) }
        self.slots = slots
    }

    /// Values by struct key, spread over the slots.
    ///
    /// - Returns: nil where a field has no value.
    func spread(_ values: [String: String]) -> [String?]? {
        var result = [String?](repeating: nil, count: slots)
        for field in fields {
            guard let value = values[field.structKey] else { return nil }
            result[Int(field.slot) - 1] = value
        }
        return result
    }

    /// Values in the order of `fields`, spread over the slots.
    func spread(_ values: [String]) -> [String?] {
        var result = [String?](repeating: nil, count: slots)
        for (field, value) in zip(fields, values) { result[Int(field.slot) - 1] = value }
        return result
    }

    /// The data versions of a row: those that it gives, and the provenance for the rest.
    ///
    /// - Returns: nil where each equals its provenance.
    func dataVersions(_ given: [String: String]?, over provenance: [String?]) -> [String?]? {
        guard let given else { return nil }
        var result = provenance
        for field in fields {
            if let value = given[field.structKey] { result[Int(field.slot) - 1] = value }
        }
        return result == provenance ? nil : result
    }

    /// The faults in the field names of a row.
    func faults(_ row: RecordRow, isProvenanceComplete: Bool) -> [Fault] {
        var faults: [Fault] = []
        if row.dataVersions == nil && row.provenance == nil { return faults }
        let known = Set(fields.map(\.structKey))
        for name in (row.dataVersions ?? [:]).keys.sorted() where !known.contains(name) {
            faults.append(Fault(row.place, "metaxy_data_version_by_field has the unknown field \"\(name)\""))
        }
        guard let provenance = row.provenance else { return faults }
        for name in provenance.keys.sorted() where !known.contains(name) {
            faults.append(Fault(row.place, "metaxy_provenance_by_field has the unknown field \"\(name)\""))
        }
        for field in fields where isProvenanceComplete && provenance[field.structKey] == nil {
            faults.append(Fault(row.place, "metaxy_provenance_by_field lacks the field \"\(field.structKey)\""))
        }
        return faults
    }
}

/// Finds rows of one request that name the same record.
func duplicateFaults(_ rows: [RecordRow]) -> [Fault] {
    var seen: [[UInt8]: Fault.Place] = [:]
    var faults: [Fault] = []
    for row in rows {
        let key = row.key.encoded
        if key.count > RecordKey.encodedBytesMax {
            faults.append(Fault(row.place, "the id columns take more than \(RecordKey.encodedBytesMax) bytes"))
        } else if let first = seen.updateValue(row.place, forKey: key) {
            faults.append(Fault(row.place, "the same record as at \(first.text)"))
        }
    }
    return faults
}

extension Fault.Place {
    /// The place in words.
    var text: String {
        switch self {
        case .pointer(let pointer): pointer
        case .line(let line): "line \(line)"
        case .parameter(let name): "the parameter \(name)"
        }
    }
}
