import Engine

/// The modules of a program with their weights and values, in running order, as rows that fold.
package struct ModelTree: Sendable {
    package struct Node: Sendable {
        package let path: String
        package let label: String
        package let depth: Int
        /// The value of that name, if there is one.
        package var value: Int?
        package var children: [Int] = []
    }

    package struct Row: Sendable, Hashable {
        package let node: Int
        package let isOpen: Bool
        package let isFold: Bool
    }

    private(set) package var nodes: [Node] = []
    private var roots: [Int] = []
    private var byPath: [String: Int] = [:]
    private(set) package var open: Set<String> = []
    /// The row under the tree's cursor; nil: the selected value's.
    package var cursor: Int?

    package init() {}

    package init(_ program: Program, keeping open: Set<String> = []) {
        var placed = [Bool](repeating: false, count: program.values.count)
        for step in program.steps {
            for id in step.inputs + [step.output] where !placed[id] {
                placed[id] = true
                add(program.values[id].name, id)
            }
        }
        self.open = open.isEmpty ? firstLook() : open
    }

    /// The model itself is open, its layers are closed but the last.
    private func firstLook() -> Set<String> {
        var open = Set(roots.map { nodes[$0].path })
        for root in roots {
            for child in nodes[root].children where nodes[child].label == "layers" || nodes[child].label == "h" {
                open.insert(nodes[child].path)
            }
        }
        return open
    }

    private mutating func add(_ name: String, _ id: Int) {
        var parent: Int?
        var path = ""
        for part in name.split(separator: ".", omittingEmptySubsequences: false) {
            path = path.isEmpty ? String(part) : path + "." + part
            parent = node(path, String(part), under: parent)
        }
        if let parent { nodes[parent].value = id }
    }

    private mutating func node(_ path: String, _ label: String, under parent: Int?) -> Int {
        if let known = byPath[path] { return known }
        let depth = parent.map { nodes[$0].depth + 1 } ?? 0
        nodes.append(Node(path: path, label: label, depth: depth))
        byPath[path] = nodes.count - 1
        if let parent { nodes[parent].children.append(nodes.count - 1) } else { roots.append(nodes.count - 1) }
        return nodes.count - 1
    }

    /// The rows that are visible now.
    package var rows: [Row] {
        var rows: [Row] = []
        var stack = Array(roots.reversed())
        while let next = stack.popLast() {
            let isOpen = open.contains(nodes[next].path)
            rows.append(Row(node: next, isOpen: isOpen, isFold: !nodes[next].children.isEmpty))
            if isOpen { stack.append(contentsOf: nodes[next].children.reversed()) }
        }
        return rows
    }

    package mutating func toggle(_ node: Int) {
        let path = nodes[node].path
        if open.remove(path) == nil { open.insert(path) }
    }

    /// Opens these modules and no others.
    package mutating func openOnly(_ paths: Set<String>) { open = paths.filter { byPath[$0] != nil } }

    /// Opens everything above a value.
    package mutating func reveal(_ name: String) {
        var path = ""
        for part in name.split(separator: ".").dropLast() {
            path = path.isEmpty ? String(part) : path + "." + part
            open.insert(path)
        }
    }

    package func node(ofValue id: Int) -> Int? { nodes.firstIndex { $0.value == id } }

    /// The enclosing module of a node.
    package func parent(of node: Int) -> Int? {
        guard let dot = nodes[node].path.lastIndex(of: ".") else { return nil }
        return byPath[String(nodes[node].path[..<dot])]
    }

    /// Every value at or under a node, for the marks of folded modules.
    package func values(under node: Int) -> [Int] {
        var found: [Int] = []
        var stack = [node]
        while let next = stack.popLast() {
            if let value = nodes[next].value { found.append(value) }
            stack += nodes[next].children
        }
        return found
    }
}
