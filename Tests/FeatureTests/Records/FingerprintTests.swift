// Digests of rows: stored ones have to stay comparable.

import Feature
import Testing

@Suite struct FingerprintTests {
    /// By hashlib: MD5 of the definition and of each part behind its length, eight bytes little-endian; all ones where a part is
    /// not there.
    @Test func theDigestIsTheOneThatIsStored() {
        var fingerprint = Fingerprint()
        var digest: [UInt8] = []
        for _ in 0..<2 {
            digest = []
            fingerprint.begin(7)
            fingerprint.add { bytes in
                bytes += "abc".utf8
                return true
            }
            fingerprint.add { _ in false }
            fingerprint.add { _ in true }
            fingerprint.add { bytes in
                bytes += #"{"a":"é"}"#.utf8
                return true
            }
            fingerprint.end(into: &digest)
        }
        let stored: [UInt8] = [
            0xD8, 0xB2, 0x14, 0x49, 0xBD, 0xE3, 0x37, 0xBD, 0x04, 0xD2, 0x20, 0x24, 0x49, 0x55, 0xF4, 0x5F,
        ]
        #expect(digest == stored)
    }
}
