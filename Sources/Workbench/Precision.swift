import Engine
import Models
import Tensors

/// What the screen asks about formats and kernels.
package enum PrecisionCommand: Sendable {
    /// These rules behind the others; a rule for the same values takes an earlier one's place.
    case add([Policy.Rule])
    /// Only these rules behind the model's own.
    case replace([Policy.Rule])
    /// The same from a file of rules.
    case file(String)
    /// A value in the format behind the one that it has when this is done: keys may come faster than runs.
    case nextFormat(of: String)
    /// A value by a kernel; nil: by the one behind the one that it has.
    case kernel(String?, of: String)
    /// What live rules say of kernels is taken back.
    case ownKernels

    /// What `nextFormat` goes through.
    static let formats: [NumberFormat] = [.fp32, .tf32, .bf16, .fp16, .fp8e4m3, .fp8e5m2, .fp4e2m1]
}

extension EngineState {
    /// The passes under another policy: what is downstream of a value whose format changed is computed again, everything else is kept.
    mutating func perform(_ command: PrecisionCommand, cancelled: () -> Bool) throws {
        var next = policy
        switch command {
        case .add(let rules): for rule in rules { next.add(live: try fitting(rule)) }
        case .replace(let rules): next.live = rules
        case .file(let path): next.live = try Policy(named: path, threads: policy.threads).rules
        case .nextFormat(let name): next.live = try rules(withNextFormatOf: name)
        case .kernel(let kernel, let name): next.live = try rules(withKernel: kernel, of: name)
        case .ownKernels: next.live = policy.live.compactMap(\.withoutKernel)
        }
        guard !passes.isEmpty else {
            policy = next
            return
        }
        var growing = growing()
        let other = try Generation.rerun(passes, whatIf.set, policy: next, interrupted: cancelled) { growing.show($0, $1) }
        guard let (new, steps) = other else { throw EditError("stopped; nothing was changed") }
        let before = passes
        (policy, passes, inner, entered) = (next, new, [], [])
        run += 1
        keepExact(from: run - 1)
        publish()
        emit(.formats(try EditReport(before: before.map(\.stepper), after: new.map(\.stepper), steps: steps, watched: [])))
    }

    private func shown(_ name: String) throws -> (Stepper, Int) {
        guard let stepper = passes.last?.stepper, let id = stepper.program.id(of: name) else {
            throw PolicyError("\(name) is not a value of this run")
        }
        return (stepper, id)
    }

    /// Back to the format that the value has without live rules, its rule goes: nothing is marked that is as it was.
    private func rules(withNextFormatOf name: String) throws -> [Policy.Rule] {
        let ((stepper, id), formats) = (try shown(name), PrecisionCommand.formats)
        let at = formats.firstIndex(of: stepper.format(of: id)) ?? -1
        let (format, selector) = (formats[(at + 1) % formats.count], Policy.Selector.value(name))
        let others = policy.live.compactMap { $0.selector == selector ? $0.withoutFormat : $0 }
        return stepper.format(of: name, under: others) == format ? others : others + [Policy.Rule(selector, format: format)]
    }

    /// The same of kernels.
    private func rules(withKernel given: String?, of name: String) throws -> [Policy.Rule] {
        let (stepper, id) = try shown(name)
        let names = stepper.kernelNames(of: id)
        let at = names.firstIndex(of: stepper.kernelName(of: id)) ?? -1
        guard let kernel = given ?? names[safe: (at + 1) % max(names.count, 1)] else { throw PolicyError("\(name) has no kernel") }
        let selector = Policy.Selector.value(name)
        let others = policy.live.compactMap { $0.selector == selector ? $0.withoutKernel : $0 }
        var rule = Policy.Rule(selector)
        rule.kernel = kernel
        return stepper.kernel(of: name, under: others) == kernel ? others : others + [rule]
    }

    /// A rule of which nothing follows is a slip of the pen.
    private func fitting(_ rule: Policy.Rule) throws -> Policy.Rule {
        guard let program = passes.last?.stepper.program, !rule.fits(program) else { return rule }
        throw PolicyError("no value of this model is meant by '\(rule)'; Tab completes names, * and ? stand for parts of them")
    }
}

extension Policy {
    /// A rule that says the same of the same values takes the earlier one's place.
    fileprivate mutating func add(live rule: Rule) {
        live.removeAll { $0.selector == rule.selector && $0.isCovered(by: rule) }
        live.append(rule)
    }
}

extension Policy.Rule {
    /// The rest of the rule; nil if it says nothing else.
    fileprivate var withoutFormat: Policy.Rule? {
        var rule = self
        rule.format = nil
        return inputs == nil && accumulation == nil && kernel == nil ? nil : rule
    }

    fileprivate var withoutKernel: Policy.Rule? {
        var rule = self
        rule.kernel = nil
        return format == nil && inputs == nil && accumulation == nil ? nil : rule
    }

    fileprivate func isCovered(by other: Policy.Rule) -> Bool {
        (format == nil || other.format != nil) && (inputs == nil || other.inputs != nil)
            && (accumulation == nil || other.accumulation != nil) && (kernel == nil || other.kernel != nil)
    }
}
