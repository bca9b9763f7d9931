// Objects: order, names and equality.

import JSON
import Testing

@Suite struct ObjectTests {
    @Test(arguments: [0, 1, 8, 9, 10, 1000])
    func membersKeepTheirOrderAndAreFoundByName(count: Int) {
        var object = JSONObject()
        for index in 0..<count {
            let isNew = object.append("k\(count - index)", .integer(Int64(index)))
            #expect(isNew)
        }
        #expect(object.count == count)
        #expect(object.keys == (0..<count).map { "k\(count - $0)" })
        for index in 0..<count {
            #expect(object["k\(count - index)"] == .integer(Int64(index)))
            let isNew = object.append("k\(count - index)", .null)
            #expect(!isNew)
        }
        #expect(object["k0"] == nil)
        #expect(object.map(\.value) == (0..<count).map { .integer(Int64($0)) })
    }

    @Test(arguments: [0, 20])
    func equivalentNamesAreDistinct(others: Int) {
        var object = JSONObject()
        for index in 0..<others { _ = object.append("\(index)", .null) }
        let isNew = [object.append("\u{E9}", .integer(1)), object.append("e\u{301}", .integer(2))]
        #expect(isNew == [true, true])
        #expect(object["\u{E9}"] == .integer(1))
        #expect(object["e\u{301}"] == .integer(2))
        #expect(JSONValue.string("\u{E9}") != .string("e\u{301}"))
    }

    @Test func equalityDoesNotDependOnOrder() {
        let one: JSONValue = .object(["a": .integer(1), "b": .array([.null])])
        let two: JSONValue = .object(["b": .array([.null]), "a": .integer(1)])
        #expect(one == two)
        #expect(one.hashValue == two.hashValue)
        #expect(one != .object(["a": .integer(1)]))
        #expect(one != .object(["a": .integer(1), "c": .array([.null])]))
        #expect(JSONValue.integer(1) != .double(1))
        #expect(Set([one, two, .null, .bool(false), .string(""), .array([]), .object([:])]).count == 6)
    }

    @Test func membersAreReachedByName() {
        let value: JSONValue = .object(["a": .object(["b": .string("x")])])
        #expect(value["a"]?["b"]?.stringValue == "x")
        #expect(value["x"] == nil)
        #expect(JSONValue.array([])["a"] == nil)
    }

    @Test func pointersEscapeNames() {
        let pointer = JSONPointer.root.appending("a/b").appending(3).appending("m~n").appending("")
        #expect(pointer.description == "/a~1b/3/m~0n/")
        #expect(JSONPointer("/x").appending(contentsOf: pointer) == "/x/a~1b/3/m~0n/")
    }
}
