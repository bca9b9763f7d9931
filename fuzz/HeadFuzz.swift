// Fuzzes the head parser: no input may trap, and cutting the input may change nothing.

/// What parsing came to, in a form that can be compared.
private func outcome(_ input: [UInt8], cutAt cut: Int?) -> String {
    var parser = HeadParser()
    let limits = CheckedLimits(ProtocolLimits())
    do throws(RequestError) {
        if let cut, let early = try parser.parse(Array(input[..<cut]).span, limits: limits) {
            return describe(early, input)
        }
        guard let parsed = try parser.parse(input.span, limits: limits) else { return "partial" }
        return describe(parsed, input)
    } catch {
        // Not the sentence: a line that cannot become valid is refused before its end, where less is known of it.
        return "\(error.status.code)"
    }
}

private func describe(_ parsed: ParsedHead, _ input: [UInt8]) -> String {
    let head = parsed.head
    precondition(parsed.consumed <= input.count && parsed.consumed > 0)
    precondition(head.headers.count <= ProtocolLimits().fieldsMax)
    let fields = head.headers.map { "\($0.name)=\($0.value)" }
    let query = head.query.map { "\($0.name)=\($0.value)" }
    precondition(!head.segments.contains("..") && !head.segments.contains("."))
    precondition(fields.allSatisfy { !$0.utf8.contains(13) && !$0.utf8.contains(10) && !$0.utf8.contains(0) })
    return "\(parsed.consumed) \(head.method.name) \(head.target) \(head.authority) \(head.segments) \(query) "
        + "\(fields) \(parsed.content) \(parsed.keepsAlive) \(parsed.expectsContinue)"
}

/// One input.
func fuzzHead(_ input: [UInt8]) {
    let count = input.count
    let whole = outcome(input, cutAt: nil)
    for cut in [count / 2, count / 3, count - 1] where cut > 0 {
        precondition(outcome(input, cutAt: cut) == whole, "a cut changed the outcome")
    }
}
