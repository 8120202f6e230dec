import Testing

@testable import Tokenizers

/// What Hugging Face tokenizers 0.23.3 makes of texts, by
/// `t = Tokenizer.from_str(FILE); t.pre_tokenizer.pre_tokenize_str(TEXT)`, `t.normalizer.normalize_str(TEXT)`, and
/// `pre_tokenizers.Split(Regex(PATTERN), "isolated").pre_tokenize_str(TEXT)`.
enum GoldenPieces {
    static let stages: [(section: String, text: String, pieces: [String])] = [
        (
            #""pre_tokenizer": {"type": "Whitespace"}"#, "Hi, you!  x\u{200D}y \u{24B6}b \u{B2}x",
            ["Hi", ",", "you", "!", "x\u{200D}y", "\u{24B6}b", "\u{B2}", "x"]
        ),
        (#""pre_tokenizer": {"type": "WhitespaceSplit"}"#, "Hi, you!  x\u{A0}y\u{200B}z", ["Hi,", "you!", "x", "y\u{200B}z"]),
        (
            #""pre_tokenizer": {"type": "BertPreTokenizer"}"#, "Hi, you! \u{BF}qu\u{E9}? a$b",
            ["Hi", ",", "you", "!", "\u{BF}", "qu\u{E9}", "?", "a", "$", "b"]
        ),
        (
            #""pre_tokenizer": {"type": "Punctuation", "behavior": "Contiguous"}"#, "what?!... no+yes \u{166D} \u{A76}",
            ["what", "?!...", " no", "+", "yes ", "\u{166D}", " \u{A76}"]
        ),
        (#""pre_tokenizer": {"type": "Punctuation"}"#, "a.b,", ["a", ".", "b", ","]),
        (
            #""pre_tokenizer": {"type": "Digits", "individual_digits": true}"#, "ab12 3\u{BD}\u{2167}\u{663}",
            ["ab", "1", "2", " ", "3", "\u{BD}", "\u{2167}", "\u{663}"]
        ),
        (
            #""pre_tokenizer": {"type": "Digits", "individual_digits": false}"#, "ab12 3\u{BD}\u{2167}\u{663}",
            ["ab", "12", " ", "3\u{BD}\u{2167}\u{663}"]
        ),
        (#""pre_tokenizer": {"type": "CharDelimiterSplit", "delimiter": "-"}"#, "a--b-c-", ["a", "b", "c"]),
        (#""pre_tokenizer": {"type": "FixedLength", "length": 3}"#, "ab\u{E9}\u{65E5}cdefg", ["ab\u{E9}", "\u{65E5}cd", "efg"]),
        (
            #""pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true}"#, "Hey  you ",
            ["\u{2581}Hey", "\u{2581}", "\u{2581}you", "\u{2581}"]
        ),
        (
            #""pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true}"#, " lead",
            ["\u{2581}lead"]
        ),
        (
            #""pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never", "split": false}"#, "Hey  you ",
            ["Hey\u{2581}\u{2581}you\u{2581}"]
        ),
        (
            #""pre_tokenizer": {"type": "Metaspace", "replacement": "_", "prepend_scheme": "first", "split": true}"#, "Hey_you me",
            ["_Hey", "_you", "_me"]
        ),
        (
            #""pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": true, "use_regex": true, "trim_offsets": true}"#,
            "Hey you's \u{E9}", [" Hey", " you", "'s", " \u{E9}"]
        ),
        (
            #""pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false, "trim_offsets": true}"#, "Hey you",
            ["Hey you"]
        ),
        (
            #""pre_tokenizer": {"type": "Split", "pattern": {"Regex": "-"}, "behavior": "Removed", "invert": true}"#,
            "the-final--countdown-", ["-", "-", "-", "-"]
        ),
        (
            #""pre_tokenizer": {"type": "Split", "pattern": {"Regex": "-"}, "behavior": "Removed", "invert": false}"#,
            "the-final--countdown-", ["the", "final", "countdown"]
        ),
        (
            #""pre_tokenizer": {"type": "Split", "pattern": {"Regex": "-"}, "behavior": "Isolated", "invert": true}"#,
            "the-final--countdown-", ["the", "-", "final", "-", "-", "countdown", "-"]
        ),
        (
            #""pre_tokenizer": {"type": "Split", "pattern": {"Regex": "-"}, "behavior": "Isolated", "invert": false}"#,
            "the-final--countdown-", ["the", "-", "final", "-", "-", "countdown", "-"]
        ),
        (
            #""pre_tokenizer": {"type": "Split", "pattern": {"Regex": "-"}, "behavior": "MergedWithPrevious", "invert": true}"#,
            "the-final--countdown-", ["the", "-final", "-", "-countdown", "-"]
        ),
        (
            #""pre_tokenizer": {"type": "Split", "pattern": {"Regex": "-"}, "behavior": "MergedWithPrevious", "invert": false}"#,
            "the-final--countdown-", ["the-", "final-", "-", "countdown-"]
        ),
        (
            #""pre_tokenizer": {"type": "Split", "pattern": {"Regex": "-"}, "behavior": "MergedWithNext", "invert": true}"#,
            "the-final--countdown-", ["the-", "final-", "-", "countdown-"]
        ),
        (
            #""pre_tokenizer": {"type": "Split", "pattern": {"Regex": "-"}, "behavior": "MergedWithNext", "invert": false}"#,
            "the-final--countdown-", ["the", "-final", "-", "-countdown", "-"]
        ),
        (
            #""pre_tokenizer": {"type": "Split", "pattern": {"Regex": "-"}, "behavior": "Contiguous", "invert": true}"#,
            "the-final--countdown-", ["the", "-", "final", "--", "countdown", "-"]
        ),
        (
            #""pre_tokenizer": {"type": "Split", "pattern": {"Regex": "-"}, "behavior": "Contiguous", "invert": false}"#,
            "the-final--countdown-", ["the", "-", "final", "--", "countdown", "-"]
        ),
        (
            #""pre_tokenizer": {"type": "Split", "pattern": {"String": "a.b"}, "behavior": "Isolated", "invert": false}"#, "a.baxb a.b",
            ["a.b", "axb ", "a.b"]
        ),
        (
            #""pre_tokenizer": {"type": "Split", "pattern": {"String": ""}, "behavior": "Isolated", "invert": false}"#, "a\u{E9}b",
            ["a", "\u{E9}", "b"]
        ),
        (
            #""pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Punctuation", "behavior": "Contiguous"}, {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true, "trim_offsets": true}, {"type": "Digits", "individual_digits": false}, {"type": "Split", "pattern": {"Regex": "[0-9][0-9][0-9]"}, "behavior": "Isolated", "invert": false}]}"#,
            "Falcon 12345678, \u{B2}\u{B3} it's...",
            ["Falcon", "\u{120}", "123", "456", "78", ",", "\u{120}\u{C2}", "\u{B2}", "\u{C2}", "\u{B3}", "\u{120}it", "'", "s", "..."]
        ),
        (
            #""normalizer": {"type": "NFC"}"#, "e\u{301} \u{212B} \u{329}\u{F81} \u{1112}\u{1161}\u{11AB}",
            ["\u{E9} \u{C5} \u{F71}\u{F80}\u{329} \u{D55C}"]
        ),
        (#""normalizer": {"type": "NFC"}"#, "\u{65E5}\u{301}a\u{323}\u{307}", ["\u{65E5}\u{301}\u{1EA1}\u{307}"]),
        (#""normalizer": {"type": "NFD"}"#, "\u{E9}\u{1E69}\u{AC01}", ["e\u{301}s\u{323}\u{307}\u{1100}\u{1161}\u{11A8}"]),
        (#""normalizer": {"type": "NFKC"}"#, "\u{FB01} \u{2460}\u{FF21}\u{BD}\u{1E9B}\u{323}", ["fi 1A1\u{2044}2\u{1E69}"]),
        (
            #""normalizer": {"type": "NFKD"}"#, "\u{FDFA}\u{C5}",
            ["\u{635}\u{644}\u{649} \u{627}\u{644}\u{644}\u{647} \u{639}\u{644}\u{64A}\u{647} \u{648}\u{633}\u{644}\u{645}A\u{30A}"]
        ),
        (
            #""normalizer": {"type": "Lowercase"}"#, "\u{130}STANBUL \u{3A3}\u{3A3} \u{1E9E}\u{1C5}",
            ["i\u{307}stanbul \u{3C3}\u{3C3} \u{DF}\u{1C6}"]
        ),
        (#""normalizer": {"type": "Strip", "strip_left": true, "strip_right": false}"#, "\u{A0} a b \n", ["a b \n"]),
        (#""normalizer": {"type": "Strip", "strip_left": false, "strip_right": true}"#, "\u{A0} a b \n", ["\u{A0} a b"]),
        (#""normalizer": {"type": "StripAccents"}"#, "e\u{301}a\u{20DD}x\u{903}", ["eax"]),
        (#""normalizer": {"type": "Prepend", "prepend": "▁"}"#, "ab", ["\u{2581}ab"]),
        (#""normalizer": {"type": "Prepend", "prepend": "▁"}"#, "", []),
        (#""normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}"#, "a  b ", ["a\u{2581}\u{2581}b\u{2581}"]),
        (#""normalizer": {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "▁"}"#, "a b   c", ["a b\u{2581}c"]),
        (#""normalizer": {"type": "ByteLevel"}"#, "\u{E9} x", ["\u{C3}\u{A9}\u{120}x"]),
        (
            #""normalizer": {"type": "Sequence", "normalizers": [{"type": "NFKD"}, {"type": "StripAccents"}, {"type": "Lowercase"}]}"#,
            "\u{C9}COLE \u{212B}", ["ecole a"]
        ),
    ]
    static let patterns: [(pattern: String, text: String, pieces: [String])] = [
        (#"\s+(?!\S)|\s+"#, "a b  c\n\nd   ", ["a", " ", "b", " ", " ", "c", "\n", "\n", "d", "   "]),
        (#"\s+(?!\S)|\s+"#, "It's aLL \u{17F} kK", ["It's", " ", "aLL", " ", "\u{17F}", " ", "kK"]),
        (#"\s+(?!\S)|\s+"#, "word12345!! ?\n\r", ["word12345!!", " ", "?", "\n\r"]),
        (#"\s+(?!\S)|\s+"#, "aab\nb aB\n\u{E9}^x{1", ["aab", "\n", "b", " ", "aB", "\n", "\u{E9}^x{1"]),
        (#"(?i:'s|ll|ſx|K)"#, "It's aLL \u{17F} kK", ["It", "'s", " a", "LL", " \u{17F} ", "k", "K"]),
        (#"[^\r\n\p{L}\p{N}]?+\p{L}++"#, "a b  c\n\nd   ", ["a", " b", " ", " c", "\n\n", "d", "   "]),
        (#"[^\r\n\p{L}\p{N}]?+\p{L}++"#, "It's aLL \u{17F} kK", ["It", "'s", " aLL", " \u{17F}", " kK"]),
        (#"[^\r\n\p{L}\p{N}]?+\p{L}++"#, "word12345!! ?\n\r", ["word", "12345!! ?\n\r"]),
        (#"[^\r\n\p{L}\p{N}]?+\p{L}++"#, "AaBBc\u{1C5}d1\u{B2}", ["AaBBc\u{1C5}d", "1\u{B2}"]),
        (#"[^\r\n\p{L}\p{N}]?+\p{L}++"#, "aab\nb aB\n\u{E9}^x{1", ["aab", "\n", "b", " aB", "\n", "\u{E9}", "^x", "{1"]),
        (#"\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"#, "It's aLL \u{17F} kK", ["It", "'", "s aLL \u{17F} kK"]),
        (#"\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"#, "word12345!! ?\n\r", ["word", "12345", "!!", " ?\n\r"]),
        (#"\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"#, "AaBBc\u{1C5}d1\u{B2}", ["AaBBc\u{1C5}d", "1\u{B2}"]),
        (#"\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"#, "aab\nb aB\n\u{E9}^x{1", ["aab\nb aB\n\u{E9}", "^", "x", "{", "1"]),
        (#"[\p{Lu}\p{Lt}]+(?=\p{Ll})"#, "It's aLL \u{17F} kK", ["I", "t's aLL \u{17F} kK"]),
        (#"[\p{Lu}\p{Lt}]+(?=\p{Ll})"#, "AaBBc\u{1C5}d1\u{B2}", ["A", "a", "BB", "c", "\u{1C5}", "d1\u{B2}"]),
        (#"a{,2}b"#, "a b  c\n\nd   ", ["a ", "b", "  c\n\nd   "]),
        (#"a{,2}b"#, "abcabcbcdab", ["ab", "c", "ab", "c", "b", "cd", "ab"]),
        (#"a{,2}b"#, "aab\nb aB\n\u{E9}^x{1", ["aab", "\n", "b", " aB\n\u{E9}^x{1"]),
        (#"x{1"#, "aab\nb aB\n\u{E9}^x{1", ["aab\nb aB\n\u{E9}^", "x{1"]),
        (#"^.|.$"#, "a b  c\n\nd   ", ["a", " b  ", "c", "\n\n", "d", "  ", " "]),
        (#"^.|.$"#, "It's aLL \u{17F} kK", ["I", "t's aLL \u{17F} k", "K"]),
        (#"^.|.$"#, "word12345!! ?\n\r", ["w", "ord12345!! ", "?", "\n", "\r"]),
        (#"^.|.$"#, "AaBBc\u{1C5}d1\u{B2}", ["A", "aBBc\u{1C5}d1", "\u{B2}"]),
        (#"^.|.$"#, "abcabcbcdab", ["a", "bcabcbcda", "b"]),
        (#"^.|.$"#, "aab\nb aB\n\u{E9}^x{1", ["a", "a", "b", "\n", "b", " a", "B", "\n", "\u{E9}", "^x{", "1"]),
        (#"\bb|c\b"#, "a b  c\n\nd   ", ["a ", "b", "  ", "c", "\n\nd   "]),
        (#"\bb|c\b"#, "aab\nb aB\n\u{E9}^x{1", ["aab\n", "b", " aB\n\u{E9}^x{1"]),
        (#"(?m:a.b)"#, "a b  c\n\nd   ", ["a b", "  c\n\nd   "]),
        (#"(?m:a.b)"#, "aab\nb aB\n\u{E9}^x{1", ["aab", "\nb aB\n\u{E9}^x{1"]),
        (#"[a-c&&[^b]]+"#, "a b  c\n\nd   ", ["a", " b  ", "c", "\n\nd   "]),
        (#"[a-c&&[^b]]+"#, "It's aLL \u{17F} kK", ["It's ", "a", "LL \u{17F} kK"]),
        (#"[a-c&&[^b]]+"#, "AaBBc\u{1C5}d1\u{B2}", ["A", "a", "BB", "c", "\u{1C5}d1\u{B2}"]),
        (#"[a-c&&[^b]]+"#, "abcabcbcdab", ["a", "b", "ca", "b", "c", "b", "c", "d", "a", "b"]),
        (#"[a-c&&[^b]]+"#, "aab\nb aB\n\u{E9}^x{1", ["aa", "b\nb ", "a", "B\n\u{E9}^x{1"]),
        (#"[]a]+"#, "a b  c\n\nd   ", ["a", " b  c\n\nd   "]),
        (#"[]a]+"#, "It's aLL \u{17F} kK", ["It's ", "a", "LL \u{17F} kK"]),
        (#"[]a]+"#, "AaBBc\u{1C5}d1\u{B2}", ["A", "a", "BBc\u{1C5}d1\u{B2}"]),
        (#"[]a]+"#, "abcabcbcdab", ["a", "bc", "a", "bcbcd", "a", "b"]),
        (#"[]a]+"#, "aab\nb aB\n\u{E9}^x{1", ["aa", "b\nb ", "a", "B\n\u{E9}^x{1"]),
        (#"\x41|\x{e9}|\u0062"#, "a b  c\n\nd   ", ["a ", "b", "  c\n\nd   "]),
        (#"\x41|\x{e9}|\u0062"#, "AaBBc\u{1C5}d1\u{B2}", ["A", "aBBc\u{1C5}d1\u{B2}"]),
        (#"\x41|\x{e9}|\u0062"#, "abcabcbcdab", ["a", "b", "ca", "b", "c", "b", "cda", "b"]),
        (#"\x41|\x{e9}|\u0062"#, "aab\nb aB\n\u{E9}^x{1", ["aa", "b", "\n", "b", " aB\n", "\u{E9}", "^x{1"]),
        (#"(a|ab)(c|bcd)"#, "abcabcbcdab", ["abc", "abc", "bcdab"]),
        (#"(?:a|ab)(?:c|bcd)?"#, "a b  c\n\nd   ", ["a", " b  c\n\nd   "]),
        (#"(?:a|ab)(?:c|bcd)?"#, "It's aLL \u{17F} kK", ["It's ", "a", "LL \u{17F} kK"]),
        (#"(?:a|ab)(?:c|bcd)?"#, "AaBBc\u{1C5}d1\u{B2}", ["A", "a", "BBc\u{1C5}d1\u{B2}"]),
        (#"(?:a|ab)(?:c|bcd)?"#, "abcabcbcdab", ["a", "bc", "a", "bcbcd", "a", "b"]),
        (#"(?:a|ab)(?:c|bcd)?"#, "aab\nb aB\n\u{E9}^x{1", ["a", "a", "b\nb ", "a", "B\n\u{E9}^x{1"]),
        (#"a*?b"#, "a b  c\n\nd   ", ["a ", "b", "  c\n\nd   "]),
        (#"a*?b"#, "abcabcbcdab", ["ab", "c", "ab", "c", "b", "cd", "ab"]),
        (#"a*?b"#, "aab\nb aB\n\u{E9}^x{1", ["aab", "\n", "b", " aB\n\u{E9}^x{1"]),
        (#"a??b"#, "a b  c\n\nd   ", ["a ", "b", "  c\n\nd   "]),
        (#"a??b"#, "abcabcbcdab", ["ab", "c", "ab", "c", "b", "cd", "ab"]),
        (#"a??b"#, "aab\nb aB\n\u{E9}^x{1", ["a", "ab", "\n", "b", " aB\n\u{E9}^x{1"]),
        (#"(?<name>a)b(?#note)"#, "abcabcbcdab", ["ab", "c", "ab", "cbcd", "ab"]),
        (#"(?<name>a)b(?#note)"#, "aab\nb aB\n\u{E9}^x{1", ["a", "ab", "\nb aB\n\u{E9}^x{1"]),
        (#"\Aa|a\z"#, "a b  c\n\nd   ", ["a", " b  c\n\nd   "]),
        (#"\Aa|a\z"#, "abcabcbcdab", ["a", "bcabcbcdab"]),
        (#"\Aa|a\z"#, "aab\nb aB\n\u{E9}^x{1", ["a", "ab\nb aB\n\u{E9}^x{1"]),
        (#"(?!a)\w"#, "a b  c\n\nd   ", ["a ", "b", "  ", "c", "\n\n", "d", "   "]),
        (#"(?!a)\w"#, "It's aLL \u{17F} kK", ["I", "t", "'", "s", " a", "L", "L", " ", "\u{17F}", " ", "k", "K"]),
        (#"(?!a)\w"#, "word12345!! ?\n\r", ["w", "o", "r", "d", "1", "2", "3", "4", "5", "!! ?\n\r"]),
        (#"(?!a)\w"#, "AaBBc\u{1C5}d1\u{B2}", ["A", "a", "B", "B", "c", "\u{1C5}", "d", "1", "\u{B2}"]),
        (#"(?!a)\w"#, "abcabcbcdab", ["a", "b", "c", "a", "b", "c", "b", "c", "d", "a", "b"]),
        (#"(?!a)\w"#, "aab\nb aB\n\u{E9}^x{1", ["aa", "b", "\n", "b", " a", "B", "\n", "\u{E9}", "^", "x", "{", "1"]),
        (#"\w+"#, "a b  c\n\nd   ", ["a", " ", "b", "  ", "c", "\n\n", "d", "   "]),
        (#"\w+"#, "It's aLL \u{17F} kK", ["It", "'", "s", " ", "aLL", " ", "\u{17F}", " ", "kK"]),
        (#"\w+"#, "word12345!! ?\n\r", ["word12345", "!! ?\n\r"]),
        (#"\w+"#, "aab\nb aB\n\u{E9}^x{1", ["aab", "\n", "b", " ", "aB", "\n", "\u{E9}", "^", "x", "{", "1"]),
        (#"\p{^L}\P{N}"#, "a b  c\n\nd   ", ["a", " b", "  ", "c", "\n\n", "d", "  ", " "]),
        (#"\p{^L}\P{N}"#, "It's aLL \u{17F} kK", ["It", "'s", " a", "LL", " \u{17F}", " k", "K"]),
        (#"\p{^L}\P{N}"#, "word12345!! ?\n\r", ["word1234", "5!", "! ", "?\n", "\r"]),
        (#"\p{^L}\P{N}"#, "aab\nb aB\n\u{E9}^x{1", ["aab", "\nb", " a", "B", "\n\u{E9}", "^x", "{1"]),
        (#"[\w&&\D]+"#, "a b  c\n\nd   ", ["a", " ", "b", "  ", "c", "\n\n", "d", "   "]),
        (#"[\w&&\D]+"#, "It's aLL \u{17F} kK", ["It", "'", "s", " ", "aLL", " ", "\u{17F}", " ", "kK"]),
        (#"[\w&&\D]+"#, "word12345!! ?\n\r", ["word", "12345!! ?\n\r"]),
        (#"[\w&&\D]+"#, "AaBBc\u{1C5}d1\u{B2}", ["AaBBc\u{1C5}d", "1\u{B2}"]),
        (#"[\w&&\D]+"#, "aab\nb aB\n\u{E9}^x{1", ["aab", "\n", "b", " ", "aB", "\n", "\u{E9}", "^", "x", "{1"]),
        (#"a*"#, "abcabcbcdab", ["a", "b", "c", "a", "b", "c", "b", "c", "d", "a", "b"]),
        (#""#, "abcabcbcdab", ["a", "b", "c", "a", "b", "c", "b", "c", "d", "a", "b"]),
        (#"(?:ba||[^\s\p{L}])\S(?!\W*\p{Lu}{2})"#, " c  a2.", [" ", "c", "  ", "a", "2", "."]),
        (#"(?i:\w?)\s"#, "\u{17F}  x 2", ["\u{17F} ", " ", "x ", "2"]),
        (#"(?i:b?a+)"#, "  b\u{E9} b\u{17F}\u{17F}2A.", ["  b\u{E9} b\u{17F}\u{17F}2", "A", "."]),
        (#"[abc]x{2}|[[a][b-d]](b{1,}x*)*"#, "\u{E9}A\u{E9}cxA", ["\u{E9}A\u{E9}", "c", "xA"]),
        (#"(?=a{1,}\d)\d(b|c[\p{L}&&[^a]]a{2})|(a1{0,3})"#, "\nA..\u{E9}ab\u{E9}\n", ["\nA..\u{E9}", "a", "b\u{E9}\n"]),
        (#"(?=ba*a{2})\D{1,}|(?i:b\B){2}\p{M}[a]| "#, "Bb\n2 x\u{17F}2 a", ["Bb\n2", " ", "x\u{17F}2", " ", "a"]),
        (#"[a-c\d](?:x?b\p{Lu})*"#, "c .x\u{17F}cx", ["c", " .x\u{17F}", "c", "x"]),
        (
            #"\B((?![abc]bb+|a|b+ba?))|\A"#, "b\u{17F}\u{17F}.2A.\u{E9}\u{17F}\u{E9}",
            ["b", "\u{17F}", "\u{17F}.2", "A.\u{E9}", "\u{17F}", "\u{E9}"]
        ),
        (#"\W|b{2,3}"#, "\nBbax\n", ["\n", "Bbax", "\n"]),
        (#"(?=[\p{L}&&[^a]]{2})"#, "AcBB \u{17F}", ["A", "c", "BB \u{17F}"]),
        (#"(?i:xa| 1+a|a){1,}[abc]{2}|(?=a{0,3}c+b)|(?i:a){1,4}(?!a|1)"#, ".acx1cb\n", [".", "a", "cx1", "cb\n"]),
        (
            #"1\p{N}{1,}(?i:|\p{L}^\p{N})|\p{^L}[a\-b]| *"#, ".a\u{17F}c.cAA \u{E9}B",
            [".a", "\u{17F}", "c", ".", "c", "A", "A", " ", "\u{E9}", "B"]
        ),
        (#"(?!\s|\b|\p{^L}\p{^L}??)"#, "\n\n\n.AaB.1", ["\n\n\n.A", "a", "B.1"]),
        (#"x+(?!a+?a?\p{Lu}{1,})(?i:\A\p{Lu}|a{2,4})??|.(?=\B)"#, "1\u{17F}ab\n.cb1A", ["1", "\u{17F}", "a", "b\n.", "c", "b", "1", "A"]),
        (#"(1{2}\D{2}|ba?)"#, " \u{E9}2Axb\u{E9}2\n", [" \u{E9}2Ax", "b", "\u{E9}2\n"]),
        (#" {2}|\p{N}(a)+x{1,}|\B"#, "A\u{E9}211a\u{E9} ", ["A", "\u{E9}", "2", "1", "1", "a", "\u{E9} "]),
        (#"\p{^L}+|c(?![abc]*b{2}a)(?: )"#, "\u{17F}1x\u{17F}\u{17F}\u{17F} ", ["\u{17F}", "1", "x\u{17F}\u{17F}\u{17F}", " "]),
        (#"\p{P}(?!(?!bx{1,}1{1,}))|\b[^a]|\A"#, "\u{E9}.\u{E9}B2x1.\u{E9}", ["\u{E9}", ".", "\u{E9}", "B2x1", ".", "\u{E9}"]),
        (#"(?!(b\z)b ?)\p{M}+?(?i:a{1,}?\p{L}+){2}|\b"#, "2B.1x.", ["2B", ".", "1x", "."]),
        (#"b?(?=\p{N})"#, "\u{17F}\u{E9}BB\u{E9}b1b. ", ["\u{17F}\u{E9}BB\u{E9}", "b", "1b. "]),
        (#"(?![a]c |^)\d{1,}[a-c\d]?"#, "2c21ccA", ["2c", "21c", "cA"]),
        (#"(?:aa?|\Db*?\w|b+){2}"#, "c.Ba\u{17F}\n12.", ["c", ".Ba", "\u{17F}\n12."]),
        (#"\b(?:a+|b{2,3}?a|aa?)|(a+|\p{M}a{2})?b?[abc]"#, "c\u{17F}a\u{E9} cA 1", ["c", "\u{17F}", "a", "\u{E9} ", "c", "A 1"]),
        (#"\p{Lu}? | c{2}"#, "1xB  bA\u{E9}", ["1x", "B ", " ", "bA\u{E9}"]),
        (#"\S+(?i:x\p{N}{0,4}|(\ba{2}b{1,}))|[^a]"#, "B Aaxcb\u{E9}", ["B", " ", "Aax", "c", "b", "\u{E9}"]),
        (#"[^\s\p{L}]"#, "2b2\u{E9}\n\u{17F}1 2bb", ["2", "b", "2", "\u{E9}\n\u{17F}", "1", " ", "2", "bb"]),
        (#"\p{^L}(?:b\P{L}*?)(?: \Ab*)?|[a\-b]{2,4}?1"#, "c1aA1\u{E9}\nbAx\n", ["c1aA1\u{E9}", "\nb", "Ax\n"]),
        (#"[^a]{1,}|a*|[^\s\p{L}]{1,}?[[a][b-d]]{1,3}?"#, "A\u{E9}a\u{E9}\u{E9}..c\u{E9}Ac", ["A\u{E9}", "a", "\u{E9}\u{E9}..c\u{E9}Ac"]),
        (#"c{1,4}(?!b{1,3}a|b{2}b{1,} {0,3})(?i:a {2})?"#, "\u{17F}cBbc\u{E9}2c ", ["\u{17F}", "c", "Bb", "c", "\u{E9}2", "c", " "]),
        (#"\p{Lu}??(?:a)"#, "\u{E9}\u{17F}  Bx\u{17F}ax", ["\u{E9}\u{17F}  Bx\u{17F}", "a", "x"]),
        (#" |(?=\p{P}+)([a-c\d](?:b))"#, "\u{17F} 11\u{17F}1BbcA\u{E9}", ["\u{17F}", " ", "11\u{17F}1BbcA\u{E9}"]),
        (#"(bb??|a\S{2,4}\p{L})(?i:aaa)*\p{Lu}?"#, ".1bA.A B\u{17F}c", [".1", "bA", ".A B\u{17F}c"]),
        (#"[a\-b]{1,}"#, "\u{E9}aa\u{17F} c", ["\u{E9}", "aa", "\u{17F} c"]),
        (#" |b{2}1+?|\p{L}"#, "\u{E9}cAa\u{17F}cA.1\n\u{17F}", ["\u{E9}", "c", "A", "a", "\u{17F}", "c", "A", ".1\n", "\u{17F}"]),
        (#"c^1*|.{2}b+|(?=(?:)\p{M})"#, "x bBacAb\u{17F}xa", ["x b", "Ba", "cAb", "\u{17F}xa"]),
        (#"(\p{^L}\p{N}1|1a?){1,4}\s(1)+|b"#, ".2A1b1\u{E9}\u{17F}Ax", [".2A1", "b", "1\u{E9}\u{17F}Ax"]),
        (#"x|(?:(b*\w[a\-b])+x+){2}x+?"#, "bBbc\ncxx", ["bBbc\nc", "x", "x"]),
        (#"\W{1,}(?!\w{2,3})|1+?a+|1"#, "\ncb.1ca a", ["\ncb.", "1", "ca", " ", "a"]),
        (#"(|b{1,}a{2}|b*\B)\dx|\p{L}(?!\Sb+[[a][b-d]])"#, "2BxB.\n", ["2", "B", "x", "B", ".\n"]),
        (#"c1|$|[[a][b-d]]"#, "\u{17F} \u{E9}\u{E9}2a\n", ["\u{17F} \u{E9}\u{E9}2", "a", "\n"]),
    ]
}
