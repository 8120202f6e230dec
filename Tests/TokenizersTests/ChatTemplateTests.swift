import Foundation
import StrictJSON
import Testing

@testable import Tokenizers

/// What transformers makes of a template, from Golden/chat_templates.py.
struct ChatTemplateCase: Sendable, CustomTestStringConvertible {
    let name: String
    let template: String
    let messages: [JSONValue]
    let tools: JSONValue?
    let prompt: Bool
    /// Nil if the template refuses.
    let text: String?
    /// In characters.
    let generated: [Range<Int>]

    var testDescription: String { "\(name), \(messages.count) messages" }

    static let all: [ChatTemplateCase] = (try? load()) ?? []

    private static func load() throws -> [ChatTemplateCase] {
        let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden/chat-templates.json")
        let rows = try StrictJSON.parse(Array(Data(contentsOf: golden))).array ?? []
        return rows.compactMap(\.object).map { row in
            ChatTemplateCase(
                name: row["name"]?.string ?? "", template: row["template"]?.string ?? "", messages: row["messages"]?.array ?? [],
                tools: row["tools"].flatMap { $0.isNull ? nil : $0 }, prompt: row["prompt"]?.bool ?? false, text: row["text"]?.string,
                generated: (row["generated"]?.array ?? []).compactMap { span in
                    guard let ends = span.array?.compactMap(\.integer), ends.count == 2 else { return nil }
                    return ends[0]..<ends[1]
                })
        }
    }

    func render() throws(ChatTemplateError) -> ChatTemplate.Rendered {
        try ChatTemplate(template).render(
            messages, addGenerationPrompt: prompt, specialTokens: ["bos_token": "<s>", "eos_token": "</s>"],
            extra: tools.map { ["tools": $0] } ?? [:])
    }
}

@Suite struct ChatTemplateTests {
    @Test func theGoldenFileIsThere() { #expect(ChatTemplateCase.all.count >= 40) }

    @Test(arguments: ChatTemplateCase.all) func rendersAsTransformersDoes(_ golden: ChatTemplateCase) throws {
        guard let text = golden.text else {
            #expect(throws: ChatTemplateError.self) { try golden.render() }
            return
        }
        let rendered = try golden.render()
        #expect(rendered.text.utf8.elementsEqual(text.utf8), "\(rendered.text)")
        let scalars = Array(text.unicodeScalars)
        let spans = golden.generated.map { span in
            let start = String(String.UnicodeScalarView(scalars[..<span.lowerBound])).utf8.count
            return start..<start + String(String.UnicodeScalarView(scalars[span])).utf8.count
        }
        #expect(rendered.generated == spans)
    }

    private static func render(_ template: String, _ words: String = "hi") throws(ChatTemplateError) -> String {
        let message = JSONValue.object(JSONObject([("role", .string("user")), ("content", .string(words))]))
        return try ChatTemplate(template).render([message], addGenerationPrompt: true).text
    }

    /// Templates that nobody should have to trust, and what is said of them.
    @Test(arguments: [
        // J01: ways to Python's inside.
        ("{{ ''.__class__.__mro__ }}", "line 1: template uses forbidden name '__class__'"),
        ("x\n{{ ''['__class__'] }}", "line 2: template uses forbidden name '__class__'"),
        ("{{ '' | attr('__class__') }}", "line 1: template uses forbidden name '__class__'"),
        ("{{ ''['_' ~ '_class__'] }}", "line 1: template uses forbidden name '__class__'"),
        ("{{ messages | map(attribute='__class__') | list }}", "line 1: template uses forbidden name '__class__'"),
        ("{{ __builtins__ }}", "line 1: template uses forbidden name '__builtins__'"),
        ("{% set ns = namespace(__x=1) %}", "line 1: template uses forbidden name '__x'"),
        // J02, J03, J10: work and output without end.
        (
            "{% for i in range(100000) %}{% for j in range(100000) %}{{ i }}{% endfor %}{% endfor %}",
            "template stopped: more than 1 M"
        ),
        ("{% for i in range(2000) %}{% for j in range(2000) %}{% endfor %}{% endfor %}", "template stopped: more than 1 M steps"),
        ("{{ 'A' * 10 ** 10 }}", "template stopped: more than 1 MiB of output"),
        ("{{ ['A'] * 10 ** 10 }}", "template stopped: more than 1 M steps"),
        ("{{ range(2 ** 60) | join }}", "template stopped: a range of more than 100000 numbers"),
        ("{{ (range(100000) | list * 100000) | join }}", "template stopped"),
        ("{{ ('ab' * 500000) | replace('a', 'b' * 500000) }}", "template stopped"),
        (
            "{% set ns = namespace(s='ab') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s }}",
            "template stopped: more than 1 MiB of output"
        ),
        (
            "{% set ns = namespace(s=['a']) %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s | tojson | length }}",
            "template stopped"
        ),
        (
            "{% set ns = namespace(s=['a']) %}{% for i in range(1000) %}{% set ns.s = [ns.s] %}{% endfor %}",
            "template nested deeper than 100"
        ),
        ("{{ 9223372036854775807 + 1 }}", "line 1: a number is beyond 64 bits"),
        ("{{ 1 // 0 }}", "line 1: division by zero"),
        // J04, J08: depth.
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "template nested deeper than 100"),
        (
            "{{ " + String(repeating: "(", count: 50_000) + "1" + String(repeating: ")", count: 50_000) + " }}",
            "template nested deeper than 100"
        ),
        ("{{ " + String(repeating: "not ", count: 50_000) + "1 }}", "template nested deeper than 100"),
        ("{{ " + String(repeating: "-", count: 50_000) + "1 }}", "template nested deeper than 100"),
        ("{{ " + String(repeating: "[", count: 50_000) + String(repeating: "]", count: 50_000) + " }}", "template nested deeper than 100"),
        (String(repeating: "{% if 1 %}", count: 50_000), "template nested deeper than 100"),
        ("{{ " + String(repeating: "a if b else ", count: 50_000) + "c }}", "template nested deeper than 100"),
        ("{{ 1" + String(repeating: " + 1", count: 50_000) + " }}", "rendered"),
        // J05: syntax.
        ("a\nb\n{{ 1 + }}", "line 3: unexpected '}}', expected a value"),
        ("{% if x %}\n", "'endif' is missing"), ("{% endif %}", "line 1: unknown statement 'endif'"),
        ("{{ 'a }}", "a string is not closed"),
        ("\n{{ a", "line 2: a tag is not closed"), ("{# a", "a comment is not closed"), ("{{ a b }}", "unexpected 'b', expected '}}'"),
        ("{{ (1] }}", "unexpected ']'"), ("{{ $ }}", "unexpected character '$'"), ("{% break %}", "'break' outside of a loop"),
        ("{% raw %}{{ }}", "'raw' is not closed"), ("{% for x in y recursive %}{% endfor %}", "recursive loops are refused"),
        ("{{ 99999999999999999999 }}", "the number '99999999999999999999' is too large"),
        // J06: what is not known, even where it would not run.
        ("{% if false %}\n{{ 1 | nosuch }}{% endif %}", "line 2: unknown filter 'nosuch'"),
        ("{{ 1 is nosuch }}", "line 1: unknown test 'nosuch'"),
        ("{% nosuch %}", "line 1: unknown statement 'nosuch'"), ("{{ 'a'.format() }}", "line 1: a string has no method 'format' here"),
        ("{{ messages.append(1) }}", "line 1: a list has no method 'append' here"), ("{{ nosuch() }}", "line 1: 'nosuch' is undefined"),
        ("{{ nosuch.a }}", "line 1: 'nosuch' is undefined"), ("{{ strftime_now('%Y') }}", "'strftime_now' is undefined"),
        ("{{ 'a' + 1 }}", "line 1: '+' cannot take a string and a number"), ("{{ 1 < 'a' }}", "cannot compare a number with a string"),
        // J07: other files.
        ("{% include 'a' %}", "line 1: 'include' is refused"), ("\n{% import 'a' as b %}", "line 2: 'import' is refused"),
        ("{% extends 'a' %}", "line 1: 'extends' is refused"), ("{% from 'a' import b %}", "line 1: 'from' is refused"),
        ("{{ raise_exception('no system\nwords') }}", "line 1: the template refuses: no system\nwords"),
        // J09: control characters are text.
        ("{{ '\\x1b[31m' }}", "rendered"),
    ])
    func hostileTemplatesAreRefused(_ template: String, _ expected: String) throws {
        if expected == "rendered" {
            #expect(try !Self.render(template).isEmpty)
            return
        }
        let error = #expect(throws: ChatTemplateError.self) { try Self.render(template) }
        #expect(error?.description.contains(expected) == true, "\(error?.description.prefix(200) ?? "")")
    }

    @Test func controlCharactersStay() throws {
        #expect(try Self.render("{{ messages[0].content }}\u{1B}[0m", "\u{1B}[31m\u{0}") == "\u{1B}[31m\u{0}\u{1B}[0m")
    }

    /// Any cut through a template gives a text or an error, never a crash.
    @Test(arguments: ChatTemplateCase.all.filter { $0.prompt }) func cutTemplatesDoNoHarm(_ golden: ChatTemplateCase) {
        let scalars = Array(golden.template.unicodeScalars)
        for end in stride(from: 0, to: scalars.count, by: 7) {
            var view = String.UnicodeScalarView()
            view.append(contentsOf: scalars[..<end])
            _ = try? Self.render(String(view))
            view.append(contentsOf: scalars[min(end + 2, scalars.count)...])
            _ = try? Self.render(String(view))
        }
    }
}
