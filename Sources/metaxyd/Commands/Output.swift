// Standard output of the commands.

import Foundation

/// Standard output.
enum Output {
    /// Prints a line.
    static func line(_ text: String) { self.text(text + "\n") }

    /// Prints a text as it is.
    static func text(_ text: String) { FileHandle.standardOutput.write(Data(text.utf8)) }
}
