// The fuzzer's entry: hands each input to the target that the environment names.

import Glibc

/// What can be fuzzed; the value of `FUZZ_TARGET`.
private enum Target: String {
    case head = "Head"
    case chunked = "Chunked"
    case connection = "Connection"
    case json = "JSON"
    case filter = "Filter"

    static let chosen: Target = {
        guard let name = getenv("FUZZ_TARGET").map({ String(cString: $0) }), let target = Target(rawValue: name) else {
            preconditionFailure("FUZZ_TARGET names what to fuzz")
        }
        return target
    }()
}

/// libFuzzer's entry point.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    switch Target.chosen {
    case .head: fuzzHead(input)
    case .chunked: fuzzChunked(input)
    case .connection: fuzzConnection(input)
    case .json: fuzzJSON(input)
    case .filter: fuzzFilter(input)
    }
    return 0
}
