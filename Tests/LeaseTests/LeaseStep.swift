// What can happen in the small world, and what must hold.

/// One transaction; reports may come at any time and any number of times, for every claim that is remembered.
enum LeaseStep: Hashable {
    /// The input of a unit takes its other value.
    case change(unit: Int)
    /// Somebody writes a unit as it should be, without a claim.
    case write(unit: Int)
    /// A unit that has a version is erased: it gets a tombstone, and is as it should be until its input changes.
    case erase(unit: Int)
    /// A unit whose input has not moved is carried over to another definition: it gets another version of the same data.
    case rebase(unit: Int)
    /// A worker claims; it may never learn of the answer.
    case claim(limit: Int)
    /// Results come in for the units at these positions of a claim.
    case complete(claim: Int, places: [Int])
    /// A failure comes in for the units at these positions of a claim.
    case fail(claim: Int, places: [Int])
    case heartbeat(claim: Int)
    case release(claim: Int)
    /// The time of a lease is over.
    case expire(claim: Int)
    /// A failed unit may be tried again.
    case due(unit: Int)
    /// Somebody asks for the increment, and finds a unit to be as it should be.
    case settle(unit: Int)

    /// Whether the protocol has to get to rest by it: nothing that disturbs does.
    var isHelp: Bool {
        switch self {
        case .change, .write, .erase, .rebase, .fail: false
        default: true
        }
    }
}

/// What must hold in every state, or of every transaction.
enum LeaseProperty: String, CaseIterable {
    case leasedOnce = "no unit is in two hands at once"
    case leasedIsHeld = "a unit is leased exactly while an active claim holds it"
    case restIsRight = "a unit without a bit is as it should be"
    case parkedAlone = "a parked unit is neither dirty nor leased"
    case lostWritesNothing = "a lost lease changes nothing"
    case newerStays = "a result does not replace what is newer than what was handed out"
    case toldAsMade = "a version says what it was made from"
    case storedOnce = "a result is stored once, however often it is reported"
    case acknowledgedIsStored = "a result that is acknowledged is in the lineage"
    case tokensGrow = "a fencing token is greater than all before"
    case supersededIsTold = "a unit is called superseded if its result will not do, or did not, and only then"
    case erasedStays = "nothing that was handed out before an erasure is stored after it"
    case parkedHasReason = "a parked unit has a failure"
    case comesToRest = "from every state, all can become as it should be"
}

/// A protocol with a mistake in it.
enum LeaseMutant: String, CaseIterable {
    case acceptsAnyToken = "a report is taken in whatever became of its lease"
    case completionClearsDirty = "a completion forgets what moved meanwhile"
    case expiryKeepsUnits = "expiry ends the claim but does not give back"
    case heartbeatTellsMarked = "a heartbeat calls superseded whatever was marked"
    case completionTellsMarked = "a completion calls superseded whatever was marked"
    case leaseWithoutBit = "a unit is handed out without being leased"
    case lateBecomesHead = "a late result becomes current"
    case toldByPresent = "a result is told as made from the inputs of now"
    case storesAgain = "a repeated report is stored again"
    case acknowledgesUnstored = "a late result is acknowledged and dropped"
    case reusesToken = "a token is given a second time"
    case storesErased = "a result is stored though its unit was erased"
    case repeatedReportForgets = "a report that repeats units clears what failed since"
    case failureIsForever = "a failed unit is never taken up again"

    /// How many units it takes to break something.
    var units: Int { self == .repeatedReportForgets ? 2 : 1 }

    /// What it breaks first, by the shortest trace.
    var breaks: LeaseProperty {
        switch self {
        case .acceptsAnyToken: .lostWritesNothing
        case .completionClearsDirty: .restIsRight
        case .expiryKeepsUnits: .leasedIsHeld
        case .heartbeatTellsMarked, .completionTellsMarked: .supersededIsTold
        case .leaseWithoutBit: .leasedIsHeld
        case .lateBecomesHead: .newerStays
        case .toldByPresent: .toldAsMade
        case .storesAgain: .storedOnce
        case .acknowledgesUnstored: .acknowledgedIsStored
        case .reusesToken: .tokensGrow
        case .storesErased: .erasedStays
        case .repeatedReportForgets: .parkedHasReason
        case .failureIsForever: .comesToRest
        }
    }
}
