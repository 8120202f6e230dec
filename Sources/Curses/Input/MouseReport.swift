import Screen

/// Mouse reports: SGR form (`CSI < button ; column ; row M`), and the form of old terminals that do not know it.
enum MouseReport {
    static func read(_ parameters: [Int], isRelease: Bool) -> KeyDecoder.Result? {
        guard parameters.count == 3, parameters.allSatisfy({ $0 >= 0 }) else { return nil }
        return event(parameters[0], column: parameters[1], row: parameters[2], isRelease: isRelease)
    }

    /// `CSI M` and three bytes: button, column and row, each plus 32.
    static func readOld(_ bytes: ArraySlice<UInt8>, used: Int) -> KeyDecoder.Step {
        let rest = Array(bytes.dropFirst(used).prefix(3))
        guard rest.count == 3 else { return .incomplete }
        let numbers = rest.map { Int($0) - 32 }
        return .used(used + 3, event(numbers[0], column: numbers[1], row: numbers[2], isRelease: numbers[0] & 3 == 3))
    }

    private static func event(_ code: Int, column: Int, row: Int, isRelease: Bool) -> KeyDecoder.Result? {
        guard let action = action(code, isRelease: isRelease) else { return nil }
        let position = Point(max(column - 1, 0), max(row - 1, 0))
        return .event(.mouse(MouseEvent(action, at: position, modifiers: modifiers(code))))
    }

    private static func action(_ code: Int, isRelease: Bool) -> MouseEvent.Action? {
        if code & 64 != 0 {
            switch code & 3 {
            case 0: return .wheelUp
            case 1: return .wheelDown
            default: return nil
            }
        }
        // The old form does not say which button was released.
        let button = MouseEvent.Button(rawValue: UInt8(code & 3)) ?? (isRelease ? .left : nil)
        guard let button, code & 128 == 0 else { return nil }
        if isRelease { return .release(button) }
        return code & 32 != 0 ? .drag(button) : .press(button)
    }

    private static func modifiers(_ code: Int) -> Key.Modifiers {
        var result: Key.Modifiers = []
        if code & 4 != 0 { result.insert(.shift) }
        if code & 8 != 0 { result.insert(.alt) }
        if code & 16 != 0 { result.insert(.control) }
        return result
    }
}
