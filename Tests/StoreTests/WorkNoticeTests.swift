// What processes tell each other, as text.

import Feature
import Store
import Testing

@Suite("Notices of work")
struct WorkNoticeTests {
    @Test("a notice reads as it was written")
    func roundTrip() {
        let notice = WorkNotice(
            origin: .max, work: [7: ReadyWork(blocks: 1, units: 2), .max: ReadyWork(blocks: .max, units: .max)])
        #expect(notice.payload == "18446744073709551615 7:1:2 2147483647:9223372036854775807:9223372036854775807")
        #expect(WorkNotice(payload: notice.payload) == notice)
    }

    @Test("a notice that would be too long names no features")
    func long() {
        let work = Dictionary(uniqueKeysWithValues: (1...2_000).map { (FeatureID($0), ReadyWork.some) })
        let payload = WorkNotice(origin: 5, work: work).payload
        #expect(payload == "5")
        #expect(WorkNotice(payload: payload).work == nil)
        #expect(WorkNotice(payload: payload).origin == 5)
    }

    @Test(
        "text of another form is a notice of some work somewhere",
        arguments: ["", "x", "x 1:1:1", "5 ", "5 1", "5 1:1", "5 1:0:1", "5 1:1:-1", "5 1:1:1:1", "5 1:1:1 y"])
    func malformed(text: String) {
        #expect(WorkNotice(payload: text).work == nil)
    }
}
