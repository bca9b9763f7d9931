// The letters of the protocol that mark the fields of an error or a notice.

/// The fields of an error or notice. The values are the letters of the protocol, which Swift cannot import from libpq's
/// macros.
///
/// Source: PostgreSQL documentation, 55.8 "Error and Notice Message Fields".
enum DiagnosticField: Unicode.Scalar {
    case severity = "V"
    case sqlState = "C"
    case message = "M"
    case detail = "D"
    case hint = "H"
    case table = "t"
    case column = "c"
    case constraint = "n"
}
