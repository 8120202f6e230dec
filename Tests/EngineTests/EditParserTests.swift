import Engine
import Tensors
import Testing

/// The text form of edits.
struct EditParserTests {
    static let lines = [
        "set model.layers.3.mlp[5, 17] = 0.25", "set x = -1.0", "set x[-1, :] = inf", "zero model.layers.3.self_attn.context[head 3]",
        "zero *.mlp[token 2:5]", "scale x[:, 3] by 0.5", "shift position_ids by 8144.0", "noise x[token 1:] by 0.1 seed 7",
        "copy model.layers.3[token 5] from B",
        "freeze model.norm", "mask L3H5 hide key 2 query 7", "mask * show key 9 query 4", "mask L0 hide key 0 query :",
        "knock-out L3H5", "knock-out L3 mlp", "knock-out L0 attention", "zero x[kv head 1, token -1, :4]",
    ]

    @Test(arguments: lines) func aLineIsWhatItsEditSays(_ line: String) throws { #expect(try Edit(line).description == line) }

    @Test func blanksAndDefaultsAreRead() throws {
        #expect(try Edit("  set x [ 3 ,4 ]=2 ").description == "set x[3, 4] = 2.0")
        #expect(try Edit("noise x by 1e-2").description == "noise x by 0.01 seed 0")
        #expect(try Edit("mask L2 hide key 4").description == "mask L2 hide key 4 query :")
    }

    static let mistakes: [(line: String, says: String)] = [
        ("frobnicate x", "'frobnicate' is no edit; there are set, zero, scale, shift, noise, copy, freeze, mask, knock-out"),
        ("set", "set what? Write set NAME[i, j] = V"), ("set x", "'' cannot follow; write set NAME[i, j] = V"),
        ("set x = one", "'one' is not a number"), ("set x[1 = 2", "'[1 = 2' has no closing ]"),
        ("set [1] = 2", "the name of a value is missing before '[1] = 2'"),
        ("zero x[]", "an index is missing between the brackets; write [3, :] or [head 3]"),
        ("zero x[a]", "'a' is no index; write 3, -1 for the last, 2:5 for 2 to 4, or : for all"),
        ("zero x[nose 3]", "'nose' is no axis; axes are called token, query, key, head, kv head, feature and so on"),
        ("zero x = 3", "'= 3' cannot follow; write zero NAME[head 3]"), ("scale x 2", "'2' cannot follow; write scale NAME[…] by F"),
        ("noise x by -1", "noise by -1: a deviation is a finite number from 0"),
        ("noise x by 1 seed -1", "'-1' is no seed; a seed is a whole number from 0"),
        ("copy x B", "'B' cannot follow; write copy NAME[…] from RUN"),
        ("knock-out H3", "'H3' is no place in the model; write L3 for a layer, L3H5 for a head"),
        ("knock-out L3", "'L3' is no part of a model; write knock-out L3H5|L3 mlp|L3 attention"),
        ("knock-out * mlp", "knock-out of which layer? Write knock-out L3H5|L3 mlp|L3 attention"),
        ("mask L3 hide 4", "'L3 hide 4' is no change of a mask; write mask *|L3|L3H5 hide|show key K [query Q]"),
        ("mask L3Hx hide key 4", "'L3Hx' names no head; write L3H5"),
    ]

    @Test(arguments: mistakes) func mistakesAreNamed(_ line: String, _ says: String) {
        let error = #expect(throws: EditError.self) { try Edit(line) }
        #expect(error?.rule == says)
    }

    /// Whatever is cut off or put in, the parser reads or refuses; what it reads it can say.
    @Test func damagedLinesNeverTrap() throws {
        var random = Noise(seed: 5)
        let pieces = ["[", "]", ":", ",", "=", " ", "-", "L", "H", "é\u{301}", "999999999999999999999", "\u{0}", "head", "by"]
        for line in Self.lines {
            for _ in 0..<60 {
                var characters = Array(line)
                let at = Int(random.uniform() * Double(characters.count))
                if random.uniform() < 0.5 { characters.remove(at: at) }
                characters.insert(contentsOf: pieces[Int(random.uniform() * Double(pieces.count))], at: min(at, characters.count))
                guard let edit = try? Edit(String(characters)) else { continue }
                #expect(try Edit(edit.description) == edit)
            }
        }
    }
}
