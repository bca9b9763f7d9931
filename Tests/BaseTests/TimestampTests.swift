// Times as text, and times read from text.

import Base
import Testing

@Suite("Timestamps")
struct TimestampTests {
    @Test(
        "times are written by RFC 3339 with microseconds, and read back",
        arguments: [
            (0, "1970-01-01T00:00:00.000000Z"), (-1, "1969-12-31T23:59:59.999999Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
            (1_795_378_140_123_456, "2026-11-22T20:09:00.123456Z"),
            (-62_135_596_800_000_000, "0001-01-01T00:00:00.000000Z"),
            (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
            (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z"),
        ] as [(Int64, String)])
    func times(_ microseconds: Int64, _ text: String) {
        #expect(Timestamp(microseconds: microseconds).description == text)
        #expect(Timestamp(text)?.microseconds == microseconds)
    }

    @Test(
        "times are read with any offset and any number of decimals",
        arguments: [
            ("1970-01-01t01:00:00+01:00", 0), ("1969-12-31T23:30:00.5-00:30", 500_000),
            ("1970-01-01T00:00:00.1234567Z", 123_456), ("1970-13-01T00:00:00Z", nil), ("2100-02-29T00:00:00Z", nil),
            ("1970-01-01T24:00:00Z", nil), ("1970-01-01 00:00:00Z", nil), ("1970-01-01T00:00:00", nil),
            ("1970-01-01T00:00:00.Z", nil), ("0000-01-01T00:00:00Z", nil), ("１970-01-01T00:00:00Z", nil), ("", nil),
        ] as [(String, Int64?)])
    func reading(_ text: String, _ microseconds: Int64?) {
        #expect(Timestamp(text)?.microseconds == microseconds)
    }

    @Test("every day of 400 years is written and read")
    func calendar() {
        for day in Int64(-80_000)..<80_000 {
            let time = Timestamp(microseconds: day * 86_400_000_000)
            #expect(Timestamp(time.description) == time)
        }
    }

    @Test("a time beyond the years 1 to 9999 becomes the nearest of them")
    func bounds() {
        #expect(Timestamp(microseconds: .max).description == "9999-12-31T23:59:59.999999Z")
        #expect(Timestamp(microseconds: .min).description == "0001-01-01T00:00:00.000000Z")
    }
}
