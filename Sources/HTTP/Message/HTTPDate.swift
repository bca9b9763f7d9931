// The Date field's format, IMF-fixdate (RFC 9110 section 5.6.7).

/// Writes dates as IMF-fixdate, such as `Sun, 06 Nov 1994 08:49:37 GMT`.
public enum HTTPDate {
    private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// The text of a time.
    ///
    /// - Parameter seconds: since 1970-01-01 00:00:00 UTC, without leap seconds; 0...253402300799, so until year 9999.
    /// - Returns: 29 ASCII characters.
    public static func text(unixSeconds seconds: Int) -> String {
        precondition((0...253_402_300_799).contains(seconds), "IMF-fixdate has four digits for the year")
        let day = seconds / 86_400
        let second = seconds % 86_400
        let (year, month, dayOfMonth) = civil(day)
        let clock = "\(two(second / 3600)):\(two(second / 60 % 60)):\(two(second % 60))"
        let yearText = String(repeating: "0", count: 4 - String(year).count) + String(year)
        return "\(days[day % 7]), \(two(dayOfMonth)) \(months[month - 1]) \(yearText) \(clock) GMT"
    }

    private static func two(_ number: Int) -> String {
        number < 10 ? "0\(number)" : "\(number)"
    }

    /// The date of a day since 1970-01-01. Years start in March here, so that a leap day comes last.
    private static func civil(_ day: Int) -> (year: Int, month: Int, day: Int) {
        let sinceMarchOfYear0 = day + 719_468
        let era = sinceMarchOfYear0 / 146_097
        let dayOfEra = sinceMarchOfYear0 % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
    }
}
