// Accept-Encoding.

import HTTP
import Testing

@Suite("AcceptEncoding")
struct AcceptEncodingTests {
    @Test(
        "gzip is used where it is wanted",
        arguments: [
            (nil, false), ("", false), ("gzip", true), ("GZIP", true), ("x-gzip", true), ("deflate, br", false),
            ("gzip, deflate, br", true), ("gzip;q=0", false), ("gzip;q=0.000", false), ("gzip;q=0.001", true),
            ("gzip; q=0.5, identity; q=0.6", false), ("gzip;q=0.6,identity;q=0.5", true), ("*", true),
            ("*;q=0", false), ("gzip;q=0, *", false), ("identity", false), ("gzip;q=1.1", false), ("gzip;q=x", false),
            ("gzip;q=1.0000", false), ("gzip;level=9;q=0.1", true), (" , gzip ,", true),
        ] as [(String?, Bool)])
    func prefersGzip(_ value: String?, _ expected: Bool) {
        #expect(AcceptEncoding.prefersGzip(value) == expected)
    }
}
