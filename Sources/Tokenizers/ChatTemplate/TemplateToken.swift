/// What a template's text is made of, after white space control.
enum TemplateToken: Equatable {
    /// Text that is written as it stands.
    case text(String)
    /// `{%` and `%}`; `{{` and `}}`.
    case blockStart, blockEnd, outputStart, outputEnd
    case name(String)
    case string(String)
    case integer(Int)
    case float(Double)
    case symbol(String)

    /// The token as a message names it.
    var shown: String {
        switch self {
        case .text: "text"
        case .blockStart: "'{%'"
        case .blockEnd: "'%}'"
        case .outputStart: "'{{'"
        case .outputEnd: "'}}'"
        case .name(let name): Quoted.text(name)
        case .string(let text): "the string \(Quoted.text(text))"
        case .integer(let number): "\(number)"
        case .float(let number): "\(number)"
        case .symbol(let symbol): "'\(symbol)'"
        }
    }
}

struct LocatedToken {
    let token: TemplateToken
    let line: Int
}
