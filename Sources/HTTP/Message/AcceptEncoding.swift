// The content codings that a client accepts (RFC 9110 section 12.5.3).

/// Reads `Accept-Encoding`.
public enum AcceptEncoding {
    /// Whether a client accepts gzip, and prefers it to no coding or has no preference.
    ///
    /// Returns false without the field. RFC 9110 allows any coding then, but such clients rarely decode one. A
    /// malformed weight counts as 0.
    ///
    /// - Parameter value: the field's value, nil when it is absent.
    /// - Returns: whether to use gzip.
    public static func prefersGzip(_ value: String?) -> Bool {
        guard let value else { return false }
        var gzip: Int?
        var identity: Int?
        var any: Int?
        for element in value.utf8.split(separator: UInt8(ascii: ",")) {
            let parts = element.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)
            guard let name = parts.first.map({ lowercased($0) }) else { continue }
            let weight =
                parts.dropFirst().map { lowercased($0) }.first { $0.hasPrefix("q=") }
                .map { Self.weight($0.dropFirst(2).utf8) } ?? 1000
            switch name {
            case "gzip", "x-gzip": gzip = weight
            case "identity": identity = weight
            case "*": any = weight
            default: break
            }
        }
        let wanted = gzip ?? any ?? 0
        return wanted > 0 && wanted >= identity ?? 0
    }

    private static func lowercased(_ text: Substring.UTF8View) -> String {
        let kept = text.filter { $0 != Grammar.space && $0 != Grammar.tab }.map { Grammar.lowercased($0) }
        return String(decoding: kept, as: UTF8.self)
    }

    /// RFC 9110 section 12.4.2: qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] ), in thousandths.
    private static func weight(_ text: Substring.UTF8View) -> Int {
        let bytes = Array(text)
        guard let first = bytes.first, first == UInt8(ascii: "0") || first == UInt8(ascii: "1"), bytes.count <= 5,
            bytes.count == 1 || bytes[1] == UInt8(ascii: "."), bytes.dropFirst(2).allSatisfy(Grammar.isDigit)
        else { return 0 }
        var thousandths = first == UInt8(ascii: "1") ? 1 : 0
        for place in 2..<5 {
            thousandths = thousandths * 10 + (place < bytes.count ? Int(bytes[place] - 0x30) : 0)
        }
        return thousandths <= 1000 ? thousandths : 0
    }
}
