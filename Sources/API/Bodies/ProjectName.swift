// The names of projects and tokens: which texts are allowed.

import Service

/// The name of a project.
enum ProjectName {
    /// Reads the member `project`.
    static func read(_ members: inout Members) -> String {
        let name = members.requiredString("project", bytesMax: RequestLimits.nameBytesMax)
        if let fault = fault(in: name) { members.refuse("project", fault) }
        return name
    }

    /// The reason why a text cannot name a project; nil where it can. A name is one segment of a path.
    static func fault(in name: String) -> String? {
        if name.utf8.contains(UInt8(ascii: "/")) { return "the name of a project has no \"/\"" }
        if name == "." || name == ".." { return "the name of a project is not \".\" or \"..\"" }
        if name.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
            return "the name of a project has no control character"
        }
        return name.utf8.count > RequestLimits.nameBytesMax ? "the name of a project has at most 255 bytes" : nil
    }
}
